"""Scores of a trie of skills equal a direct forward pass over each skill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from tests.server.operations.recording import RecordingControl, run_batch, run_one
from workbench.errors import CancelledError, InputError, WorkbenchError
from workbench.models.language_model import LanguageModel
from workbench.server.operation import Output
from workbench.server.operations import score_skills, trie_forward
from workbench.skill_trie import SkillTrie

TOLERANCE = 2e-5
"""Log-probabilities in float32; other orders of summation were seen to move them by 1e-6."""
PREFIX = "Task: What is the colour of the house?\nStep 1: red\n\n"
PROMPT = "Task: the dog sat on the mat\nStep 1:"
SKILLS = [
    f"put the {one} on the {other}"
    for one in ("cat", "dog", "house")
    for other in ("cat", "mat", "capital of France", "dog")
    if one != other
] + ["done"]
ARGUMENTS: Mapping[str, Any] = {"prefix": PREFIX, "prompt": PROMPT, "skills": SKILLS}


def plain_table(loaded: LanguageModel, skill: str) -> tuple[list[int], np.ndarray]:
    """Token ids of a skill and the log-probabilities at each of its places, in one pass."""
    stem = loaded.tokenizer(PREFIX + PROMPT)["input_ids"]
    ids = loaded.tokenizer(f"{PREFIX}{PROMPT} {skill}\n")["input_ids"]
    assert ids[: len(stem)] == stem
    with torch.no_grad():
        table = loaded.model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
    return ids[len(stem) :], table[len(stem) - 1 : -1].numpy()


def trie_of(output: Output, skills: list[str]) -> SkillTrie:
    counts = output.arrays["token_counts"]
    ids = np.split(output.arrays["token_ids"], np.cumsum(counts)[:-1])
    return SkillTrie.from_skills(skills, [one.tolist() for one in ids])


def assert_plain(loaded: LanguageModel, output: Output, top: int = 10) -> None:
    arrays = output.arrays
    trie = trie_of(output, SKILLS)
    assert arrays["internal"].tolist() == trie.internal.tolist()
    place = {int(node): i for i, node in enumerate(trie.internal)}
    for number, skill in enumerate(SKILLS):
        ids, table = plain_table(loaded, skill)
        path = trie.path(int(trie.leaf_of_skill[number]))
        assert [int(trie.token[node]) for node in path] == ids
        for node, parent, token, row in zip(path, (0, *path), ids, table, strict=False):
            assert arrays["log_probabilities"][node] == pytest.approx(row[token], abs=TOLERANCE)
            children = [int(trie.token[child]) for child in trie.children(parent)]
            outside = np.delete(row, children)
            best = arrays["outside_tokens"][parent]
            assert best not in children
            found = arrays["outside_log_probabilities"][parent]
            assert row[best] == pytest.approx(outside.max(), abs=TOLERANCE)
            assert found == pytest.approx(outside.max(), abs=TOLERANCE)
            mass = arrays["outside_mass"][parent]
            assert mass == pytest.approx(np.exp(outside).sum(), abs=TOLERANCE)
            tops = arrays["top_log_probabilities"][place[parent]]
            assert tops == pytest.approx(np.sort(row)[::-1][:top], abs=TOLERANCE)
            named = row[arrays["top_tokens"][place[parent]]]
            assert named == pytest.approx(tops, abs=TOLERANCE)


def test_every_node_has_the_scores_of_a_plain_forward_pass(causal: LanguageModel) -> None:
    causal.prefixes.clear()
    for _ in range(2):  # the prefix computed, then taken from the cache
        assert_plain(causal, run_one(score_skills.OPERATION, causal, ARGUMENTS))
    assert causal.prefixes.used_bytes > 0
    whole = {"prompt": PREFIX + PROMPT, "skills": SKILLS}
    assert_plain(causal, run_one(score_skills.OPERATION, causal, whole))


def test_small_passes_change_no_score(
    llama: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trie_forward, "_TOKENS", {"cpu": 2})
    monkeypatch.setattr(score_skills, "_BLOCK", 1)
    assert_plain(llama, run_one(score_skills.OPERATION, llama, ARGUMENTS))


def test_a_model_without_plain_memory_is_read_path_by_path(
    causal: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trie_forward, "_read_prompt", lambda *_: None)
    assert_plain(causal, run_one(score_skills.OPERATION, causal, ARGUMENTS))


def assert_some_paths(loaded: LanguageModel, paths: list[str]) -> None:
    """Scores along some paths are the whole ones with the other nodes left out."""
    whole = run_one(score_skills.OPERATION, loaded, ARGUMENTS).arrays
    some = run_one(score_skills.OPERATION, loaded, {**ARGUMENTS, "paths": paths})
    trie, found = trie_of(some, SKILLS), some.arrays
    numbers = [SKILLS.index(skill) for skill in paths]
    nodes = sorted({0, *(n for i in numbers for n in trie.path(int(trie.leaf_of_skill[i]))[:-1])})
    assert found["internal"].tolist() == nodes
    known = np.array([0, *(child for node in nodes for child in trie.children(node))])
    log = "log_probabilities"
    assert sorted(known) == np.flatnonzero(~np.isnan(found[log])).tolist()
    np.testing.assert_allclose(found[log][known], whole[log][known], atol=1e-5)
    for name in ("outside_mass", "outside_log_probabilities"):
        np.testing.assert_allclose(found[name][nodes], whole[name][nodes], atol=1e-5, err_msg=name)
    assert np.array_equal(found["outside_tokens"][nodes], whole["outside_tokens"][nodes])
    unread = np.setdiff1d(trie.internal, nodes)
    assert np.all(found["outside_tokens"][unread] == -1)
    tops = "top_log_probabilities"
    read = np.isin(whole["internal"], nodes)
    np.testing.assert_allclose(found[tops], whole[tops][read], atol=1e-5)


@pytest.mark.parametrize("paths", [[], SKILLS[2:5], SKILLS[-1:], SKILLS], ids=len)
def test_paths_that_are_not_wanted_are_not_read_and_change_nothing_else(
    causal: LanguageModel, paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_some_paths(causal, paths)
    with monkeypatch.context() as small:
        small.setattr(trie_forward, "_TOKENS", {"cpu": 7})
        assert_some_paths(causal, paths)
    monkeypatch.setattr(trie_forward, "_read_prompt", lambda *_: None)
    assert_some_paths(causal, paths)


def test_a_path_to_no_skill_is_refused(llama: LanguageModel) -> None:
    with pytest.raises(InputError, match="'fly'"):
        run_one(score_skills.OPERATION, llama, {**ARGUMENTS, "paths": ["fly"]})


def test_only_nodes_on_wanted_paths_take_part_in_a_pass(
    llama: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    forward = type(llama.model).forward

    def counting(self: Any, input_ids: torch.Tensor, **options: Any) -> Any:
        read.append(input_ids.numel())
        return forward(self, input_ids=input_ids, **options)

    monkeypatch.setattr(type(llama.model), "forward", counting)
    found = run_one(score_skills.OPERATION, llama, {**ARGUMENTS, "paths": SKILLS[:2]})
    trie = trie_of(found, SKILLS)
    assert sum(read) == len(trie.leading_to([0, 1])) < len(trie.internal) / 2


def test_each_context_is_read_once(llama: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    forward = type(llama.model.base_model).forward

    def counting(self: Any, input_ids: torch.Tensor, **options: Any) -> Any:
        read.append(input_ids.numel())
        return forward(self, input_ids=input_ids, **options)

    llama.prefixes.clear()
    monkeypatch.setattr(type(llama.model.base_model), "forward", counting)
    trie = trie_of(run_one(score_skills.OPERATION, llama, ARGUMENTS), SKILLS)
    stem = len(llama.tokenizer(PREFIX + PROMPT)["input_ids"])
    assert sum(read) == stem - 1 + len(trie.internal)
    read.clear()
    later = {**ARGUMENTS, "prompt": f"{PROMPT} put the cat on the mat\nStep 2:"}
    run_one(score_skills.OPERATION, llama, later)
    longer = len(llama.tokenizer(PREFIX + later["prompt"])["input_ids"])
    assert sum(read) == longer - stem + len(trie.internal), "only the new step is read"
    read.clear()
    other = {**ARGUMENTS, "prompt": "Who?\nStep 1:"}
    run_one(score_skills.OPERATION, llama, other)
    stem = len(llama.tokenizer(PREFIX + other["prompt"])["input_ids"])
    prefix = len(llama.tokenizer(PREFIX)["input_ids"])
    assert sum(read) == stem - prefix - 1 + len(trie.internal), "the examples are not"


def test_nodes_of_every_depth_share_a_pass(
    llama: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[tuple[int, ...]] = []
    forward = type(llama.model).forward

    def counting(self: Any, input_ids: torch.Tensor, **options: Any) -> Any:
        passes.append(tuple(input_ids.shape))
        return forward(self, input_ids=input_ids, **options)

    monkeypatch.setattr(type(llama.model), "forward", counting)
    monkeypatch.setattr(trie_forward, "_TOKENS", {"cpu": 16})
    trie = trie_of(run_one(score_skills.OPERATION, llama, ARGUMENTS), SKILLS)
    inner = len(trie.internal)
    assert inner > 32
    rest = [(1, inner % 16)] if inner % 16 else []
    assert passes == [(1, 16)] * (inner // 16) + rest


def test_an_attention_without_bool_masks_reads_the_same(llama: LanguageModel) -> None:
    usual = llama.model.config._attn_implementation
    llama.model.set_attn_implementation("eager")
    try:
        assert_plain(llama, run_one(score_skills.OPERATION, llama, ARGUMENTS))
    finally:
        llama.model.set_attn_implementation(usual)


def test_the_model_is_left_as_it_was(llama: LanguageModel) -> None:
    before = llama.model.config._attn_implementation
    run_one(score_skills.OPERATION, llama, ARGUMENTS)
    assert llama.model.config._attn_implementation == before


def test_no_tops_are_given_when_none_are_wanted(llama: LanguageModel) -> None:
    output = run_one(score_skills.OPERATION, llama, {**ARGUMENTS, "top": 0})
    full = run_one(score_skills.OPERATION, llama, ARGUMENTS)
    assert output.arrays["top_tokens"].shape[1] == 0
    for name in ("log_probabilities", "outside_mass", "outside_log_probabilities"):
        assert np.array_equal(output.arrays[name], full.arrays[name])


def test_tokens_have_their_texts(causal: LanguageModel) -> None:
    for operation, arguments in (
        (score_skills.OPERATION, ARGUMENTS),
        (score_skills.TOKENIZE, {"skills": SKILLS}),
    ):
        output = run_one(operation, causal, arguments)
        texts = dict(zip(output.arrays["text_ids"].tolist(), output.values["texts"], strict=True))
        ids = output.arrays["token_ids"][: output.arrays["token_counts"][0]]
        assert "".join(texts[int(i)] for i in ids) == f" {SKILLS[0]}\n"


def test_tokens_alone_are_those_in_context(causal: LanguageModel) -> None:
    scored = run_one(score_skills.OPERATION, causal, ARGUMENTS)
    alone = run_one(score_skills.TOKENIZE, causal, {"skills": SKILLS})
    assert np.array_equal(scored.arrays["token_ids"], alone.arrays["token_ids"])


def test_leaving_stops_between_passes(
    llama: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trie_forward, "_TOKENS", {"cpu": 8})

    def leave(checks: int) -> None:
        if checks > 2:
            raise CancelledError("left")

    with pytest.raises(CancelledError):
        run_one(score_skills.OPERATION, llama, ARGUMENTS, control=RecordingControl(leave))


@pytest.mark.parametrize("more", [{}, {"paths": SKILLS[:1]}])
def test_progress_ends_at_one(llama: LanguageModel, more: Mapping[str, Any]) -> None:
    control = RecordingControl()
    run_one(score_skills.OPERATION, llama, {**ARGUMENTS, **more}, control=control)
    fractions = [fraction for _, fraction in control.progresses]
    assert fractions == sorted(fractions)  # type: ignore[type-var]
    assert fractions[-1] == 1.0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"skills": ["go", "go"]}, "stands twice"),
        ({"skills": ["go " * 60 + "on", "stay"] * 1, "prompt": "cat " * 150}, "tokens"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_words(
    llama: LanguageModel, change: Mapping[str, Any], says: str
) -> None:
    (outcome,) = run_batch(score_skills.OPERATION, llama, [{**ARGUMENTS, **change}])
    assert isinstance(outcome, InputError)
    assert says in str(outcome)


@pytest.mark.parametrize(
    "change",
    [
        {"skills": []},
        {"skills": ["x" * 300]},
        {"prompt": ""},
        {"top": 51},
        {"scene": 1},
        {"paths": True},
    ],
)
def test_wrong_arguments_never_reach_the_model(
    llama: LanguageModel, change: Mapping[str, Any]
) -> None:
    with pytest.raises(WorkbenchError):
        run_batch(score_skills.OPERATION, llama, [{**ARGUMENTS, **change}])


def test_unicode_skills_are_scored(causal: LanguageModel) -> None:
    skills = ["ramasser le bloc bleu 🟦", "ramasser le bol carré", "终了"]
    output = run_one(score_skills.OPERATION, causal, {**ARGUMENTS, "skills": skills})
    trie = trie_of(output, skills)
    assert np.all(np.isfinite(output.arrays["log_probabilities"]))
    assert len(trie.skills) == 3
