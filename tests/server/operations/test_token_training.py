"""A whole training of the token-level policy: a tiny T5, and a black-box model made up here."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from tests.server.operations.recording import RecordingControl
from tests.server.operations.tiny import save_model
from tests.unit.test_dsp_training import RECEIPT, MadeServer
from workbench.errors import CancelledError, WorkbenchError
from workbench.figures.dsp import draw_stage_hints, draw_theatre
from workbench.methods.dsp import TRAINING, study_training, token_training
from workbench.methods.dsp.asking import Writer, ask_articles, ask_with_hints
from workbench.methods.dsp.token_training import read_hint, train_tokens
from workbench.methods.dsp.training import TrainingSettings
from workbench.models.language_model import LanguageModel, load_language_model
from workbench.server.api import Request, Result
from workbench.server.operations import generate_batch, token_policy

TOKENS = {one.name: one for one in (token_policy.FIT, token_policy.WRITE, token_policy.LEARN)}
SMALL = TrainingSettings(iterations=2, train_articles=3, validation_articles=2)


class TokenServer(MadeServer):
    """``MadeServer`` with a tiny T5 that is really trained."""

    def __init__(self, t5) -> None:
        super().__init__()
        self.t5 = t5
        self.leave_at = -1
        self.learnt = 0

    def _compute(self, request: Request) -> Result:  # type: ignore[override]
        operation = TOKENS.get(request.operation)
        if operation is None:
            return MadeServer._compute(request)
        self.learnt += request.operation == "policy.learn_tokens"
        if self.learnt == self.leave_at:
            raise CancelledError("Nobody waits.")
        prepared = operation.prepare(request)
        (found,) = operation.run(self.t5, [prepared], RecordingControl(), "cpu")
        if isinstance(found, WorkbenchError):
            raise found
        return Result(found.arrays, found.values, RECEIPT)


def few_articles(client, split):
    return ask_articles(client, split)[:6]


@pytest.fixture(autouse=True, scope="module")
def _home(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr(token_training, "MAX_HINT_TOKENS", 6)
        patch.setattr(token_training, "ask_articles", few_articles)
        yield


@pytest.fixture(scope="module")
def server(t5):
    return TokenServer(t5)


@pytest.fixture(scope="module")
def trained(server):
    return train_tokens(server, SMALL, "tiny-t5")


def asked(server, operation):
    return [r for r in server.asked if r.operation == operation]


def test_a_training_has_a_point_before_it_and_one_after_each_iteration(trained):
    curve = trained.curve
    for name in ("reward", "terminal", "step", "kl", "beta", "clip_fraction", "validation_rouge"):
        values = getattr(curve, name)
        assert values.shape == (SMALL.iterations + 1,)
        assert np.isfinite(values).all()
    assert curve.kl[0] == pytest.approx(0, abs=1e-5)
    assert curve.clip_fraction[0] == 0
    assert curve.beta[1] < curve.beta[0]  # the KL is below its target
    assert len(curve.hints) == len(curve.rollouts) == SMALL.iterations + 1
    assert tuple(one.id for one in trained.articles) == curve.validation_articles


def test_the_policy_reads_articles_alone_and_the_black_box_gets_its_hints(server, trained):
    del trained
    references = [one.article.reference for one in ask_articles(server, "train")]
    for request in asked(server, "policy.write_tokens"):
        text = str(request.arguments["inputs"])
        assert not any(reference in text for reference in references)
    for request in asked(server, "language.generate_batch"):
        assert request.model == SMALL.model
    written = asked(server, "policy.write_tokens")
    assert {r.model for r in written} == {"tiny-t5"}


def test_a_training_that_is_left_in_an_update_goes_on_from_its_last_checkpoint(t5, trained):
    server = TokenServer(t5)
    server.leave_at = 2
    with pytest.raises(CancelledError):
        train_tokens(server, SMALL, "tiny-t5")
    server.leave_at = -1
    before = len(server.kept)
    again = train_tokens(server, SMALL, "tiny-t5")
    assert server.learnt == 1 + 1 + 2  # the first was kept, the left one was done again
    assert len(server.kept) > before
    assert again.curve.reward == pytest.approx(trained.curve.reward)


class WritingServer(TokenServer):
    """``TokenServer`` whose black-box model is a real one too."""

    def __init__(self, t5, writer: LanguageModel) -> None:
        super().__init__(t5)
        self.writer = writer
        self.answers: dict[str, str] = {}

    def call(self, request: Request) -> Result:
        if request.operation != "language.generate_batch":
            return super().call(request)
        self.asked.append(request)
        operation = generate_batch.OPERATION
        (found,) = operation.run(
            self.writer, [operation.prepare(request)], RecordingControl(), "cpu"
        )
        assert not isinstance(found, WorkbenchError)
        question = json.dumps(request.arguments, sort_keys=True, default=str)
        told = self.answers.setdefault(question, json.dumps(found.values["texts"]))
        assert told == json.dumps(found.values["texts"])  # as a cache would have answered
        return Result(found.arrays, found.values, RECEIPT)


@pytest.fixture(scope="module")
def writer(tmp_path_factory) -> LanguageModel:
    """A tiny Llama that can read a whole prompt of the task."""
    folder = save_model(tmp_path_factory.mktemp("writer"), "llama")
    context = 4096
    for name, field in (
        ("config.json", "max_position_embeddings"),
        ("tokenizer_config.json", "model_max_length"),
    ):
        settings = json.loads((folder / name).read_text("utf-8"))
        (folder / name).write_text(json.dumps({**settings, field: context}), "utf-8")
    return load_language_model(
        "writer", "causal-lm", folder, device="cpu", dtype="float32", max_tokens=context
    )


def checksum(loaded: LanguageModel) -> str:
    found = hashlib.sha256()
    for name, value in sorted(loaded.model.state_dict().items()):
        found.update(name.encode())
        found.update(value.contiguous().numpy().tobytes())
    return found.hexdigest()


def test_training_leaves_every_loaded_model_and_every_answer_as_it_was(t5, writer):
    server = WritingServer(t5, writer)
    (article,) = ask_articles(server, "test")[:1]
    hint = ("old pier", "ferry")

    def ask():
        return ask_with_hints(server, Writer(SMALL.model, 0), article.article.text, [hint])

    before = [checksum(one) for one in (t5, writer)]
    summary, answers = ask(), dict(server.answers)
    few = TrainingSettings(iterations=1, train_articles=2, validation_articles=1, demonstrations=0)
    train_tokens(server, few, "tiny-t5")
    assert server.learnt == 2  # it was really trained, on a copy
    assert len(server.answers) > len(answers)
    assert [checksum(one) for one in (t5, writer)] == before
    assert ask() == summary
    assert server.answers.items() >= answers.items()


def test_the_study_draws_what_the_t5_learnt(server, trained):
    settings = {"policy": "tokens", "policy_model": "tiny-t5", "comparisons": False}
    params = study_training.Params(iterations=5, **settings)
    inputs = study_training.Inputs({"nlpo": trained})
    found = study_training.compute(inputs, params)
    numbers = TRAINING.summarise(found)
    assert numbers["iterations_nlpo"] == SMALL.iterations
    assert all(np.isfinite(value) for value in numbers.values())
    live = draw_theatre(found)
    assert "random hints" not in live.words_at(iteration=2, overlay="ppo")
    hints = draw_stage_hints(found).at(iteration=2, overlay="nlpo", article=1)
    assert any("iteration 2" in card.title for card in hints)
    server.asked.clear()
    small = study_training.Params(iterations=5, train_articles=4, **settings)
    study_training.gather(server, small)
    assert len(asked(server, "policy.learn_tokens")) == 6


def test_a_hint_is_read_phrase_by_phrase():
    assert read_hint(" old pier;ferry ; ; 1.5 million.") == ("old pier", "ferry", "1.5 million")
    assert read_hint("") == ()
