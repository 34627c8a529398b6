"""A whole training of the token-level policy: a tiny T5, and a black-box model made up here."""

from __future__ import annotations

import numpy as np
import pytest

from tests.server.operations.recording import RecordingControl
from tests.unit.test_dsp_training import RECEIPT, MadeServer
from workbench.errors import CancelledError, WorkbenchError
from workbench.figures.dsp import draw_stage_hints, draw_theatre
from workbench.methods.dsp import TRAINING, study_training, token_training
from workbench.methods.dsp.asking import ask_articles
from workbench.methods.dsp.token_training import read_hint, train_tokens
from workbench.methods.dsp.training import TrainingSettings
from workbench.server.api import Request, Result
from workbench.server.operations import token_policy

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
