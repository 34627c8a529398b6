"""``language.score_skills`` and ``language.tokenize_skills``: a list of skills as a trie of tokens.

Every node of the trie is scored after the same prompt: the log-probability of its token given the
path before it, what leaves the trie there, and the most probable next tokens of all. The answer
knows nothing of any scene, so whoever values skills anew reads it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from workbench.errors import InputError
from workbench.server.api import Json
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations import prompts
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import preparing
from workbench.server.operations.trie_forward import read_trie
from workbench.skill_trie import SkillTrie

if TYPE_CHECKING:
    import torch

MAX_SKILLS_SCORED = 4_096
MAX_SKILLS_TOKENIZED = 20_000
MAX_SKILL_CHARACTERS = 200
_BLOCK = 64
"""Rows whose logits are looked at together."""
_SUMMED = 64
"""Values that are added up in single precision."""

Skill = Annotated[str, Field(min_length=1, max_length=MAX_SKILL_CHARACTERS)]


class Skills(Base):
    """Skills in words; each is read with a space before it and the terminator after it."""

    skills: Annotated[list[Skill], Field(min_length=1, max_length=MAX_SKILLS_TOKENIZED)]
    terminator: Annotated[str, Field(min_length=1, max_length=8)] = "\n"


class Arguments(Skills):
    """A prompt and the skills that may follow it.

    ``prefix`` stands before the prompt and changes no number: requests with the same prefix share
    its keys and values. ``top`` is how many of the most probable tokens to name at each node.
    ``paths`` are the skills that are read to their ends, ``None`` for all; of the others no more is
    known than which token leads away from those.
    """

    skills: Annotated[list[Skill], Field(min_length=1, max_length=MAX_SKILLS_SCORED)]
    prompt: prompts.NonEmpty
    prefix: Annotated[str, Field(max_length=prompts.MAX_CHARACTERS)] = ""
    top: Annotated[int, Field(ge=0, le=50)] = 10
    paths: Annotated[list[Skill], Field(max_length=MAX_SKILLS_SCORED)] | None = None


def tokenize_skills(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Give the tokens of one request's skills.

    Returns:
        Arrays: ``token_counts``, ``(m,)``, and ``token_ids``, skill after skill. Values:
        ``texts``, the text of each id of ``text_ids``, an array.
    """
    del number, control
    return _write(loaded, _encode(loaded, _written(item.arguments)), {}, set())


def score_skills(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Score the skills of one request.

    Returns:
        What ``tokenize_skills`` gives, and arrays over the n nodes of the trie
        (``skill_trie.SkillTrie`` of these tokens): ``log_probabilities``; ``outside_mass``,
        ``outside_tokens`` (-1 where there is none) and ``outside_log_probabilities``; over the
        nodes with children that were read ``internal``, their numbers, ``top_tokens`` and
        ``top_log_probabilities``. After a node that was not read ``log_probabilities`` is NaN.
    """
    arguments: Arguments = item.arguments
    prefix, stem, ids = tokenize_in_context(loaded, arguments)
    trie = SkillTrie.from_skills(arguments.skills, ids)
    prompts.refuse_length(
        loaded, len(stem) + int(trie.depth.max()), "The prompt with its longest skill"
    )
    wanted = _choose_nodes(trie, arguments.paths)
    table = _Table(trie, wanted, arguments.top)
    done = 0
    for nodes, logits in read_trie(loaded, trie, wanted, stem, prefix, control.check):
        for start in range(0, len(nodes), _BLOCK):
            table.fill(nodes[start : start + _BLOCK], logits[start : start + _BLOCK])
        done += len(nodes)
        control.progress(number, done / len(table.internal), "scoring skills")
    named = {int(token) for token in table.outside_tokens} | set(table.top_tokens.ravel().tolist())
    return _write(loaded, ids, table.arrays(), named - {-1})


def _choose_nodes(trie: SkillTrie, paths: list[str] | None) -> np.ndarray:
    """Nodes to read: those that lead to some skills."""
    if paths is None:
        return trie.internal
    number = {skill: place for place, skill in enumerate(trie.skills)}
    if unknown := [skill for skill in paths if skill not in number]:
        raise InputError(
            f"The path to {unknown[0][:60]!r} is wanted, which is none of the skills; choose paths "
            "among them."
        )
    return trie.leading_to([number[skill] for skill in paths])


def tokenize_in_context(
    loaded: Any, arguments: Arguments
) -> tuple[list[int], list[int], list[list[int]]]:
    """Token ids of the prefix, of the whole prompt, and of each skill after it.

    Raises:
        InputError: the prompt's last token would merge with a skill's first.
    """
    text = arguments.prefix + arguments.prompt
    written = _written(arguments)
    prefix, stem, whole = prompts.encode(
        loaded, [arguments.prefix, text, text + written[0]], add_special_tokens=True
    )
    if not stem:
        raise InputError("The prompt holds nothing the model can read; type some text.")
    # What stands before the last line is far from the skills; tokens do not reach across lines.
    line = text[text.rfind("\n") + 1 :]
    lone, *lines = _encode(loaded, [line, *(line + one for one in written)])
    if any(ids[: len(lone)] != lone for ids in lines):
        raise InputError(
            f"The prompt ends in {line[-20:]!r}, which merges with a skill into one token; end it "
            "with a colon or a line break."
        )
    ids = [one[len(lone) :] for one in lines]
    if whole != [*stem, *ids[0]]:
        raise InputError(
            "This model's tokens of a skill depend on text far before it; choose another model."
        )
    return (prefix if arguments.prefix else []), stem, ids


def _written(arguments: Skills) -> list[str]:
    return [f" {skill}{arguments.terminator}" for skill in arguments.skills]


def _encode(loaded: Any, texts: list[str]) -> list[list[int]]:
    return prompts.encode(loaded, texts, add_special_tokens=False)


def _write(
    loaded: Any, ids: list[list[int]], arrays: dict[str, np.ndarray], more: set[int]
) -> Output:
    flat = np.concatenate([np.asarray(one, dtype=np.int32) for one in ids])
    named = sorted(more | set(flat.tolist()))
    texts: list[Json] = [loaded.tokenizer.decode([token]) for token in named]
    return Output(
        arrays={
            "token_ids": flat,
            "token_counts": np.array([len(one) for one in ids], dtype=np.int32),
            "text_ids": np.array(named, dtype=np.int32),
            **arrays,
        },
        values={"texts": texts},
    )


class _Table:
    """What is read of the logits at each node."""

    def __init__(self, trie: SkillTrie, internal: np.ndarray, top: int) -> None:
        n = len(trie)
        self._trie = trie
        self._top = top
        self.internal = internal
        self._place = np.full(n, -1)
        self._place[self.internal] = np.arange(len(self.internal))
        self.log_probabilities = np.full(n, np.nan, dtype=np.float32)
        self.log_probabilities[0] = 0.0
        self.outside_mass = np.zeros(n, dtype=np.float32)
        self.outside_tokens = np.full(n, -1, dtype=np.int32)
        self.outside_log_probabilities = np.zeros(n, dtype=np.float32)
        self.top_tokens = np.full((len(self.internal), top), -1, dtype=np.int32)
        self.top_log_probabilities = np.zeros((len(self.internal), top), dtype=np.float32)

    def fill(self, nodes: np.ndarray, logits: torch.Tensor) -> None:
        """Read the logits ``(h, vocabulary)`` of what follows h nodes."""
        import torch

        trie = self._trie
        narrow = logits.cpu().float()
        counts = trie.child_count[nodes]
        # at least one of so many stands outside, and the largest leads them
        best = narrow.topk(min(max(self._top, int(counts.max()) + 1), narrow.shape[1]), dim=1)
        first, best_tokens = best.values[:, :1], best.indices.numpy()
        normaliser = first.double() + _sum_exactly((narrow - first).exp_()).log()
        rows = torch.from_numpy(np.repeat(np.arange(len(nodes)), counts))
        children = np.concatenate([np.asarray(trie.children(int(node))) for node in nodes])
        tokens = torch.from_numpy(trie.token[children])
        found = narrow[rows, tokens].double() - normaliser[rows, 0]
        self.log_probabilities[children] = found.numpy()
        inside = np.bincount(rows.numpy(), found.exp().numpy(), minlength=len(nodes))
        self.outside_mass[nodes] = np.maximum(0.0, 1.0 - inside)
        best_values = (best.values - normaliser).numpy()
        places = self._place[nodes]
        named = best_tokens[:, : self._top]
        self.top_tokens[places, : named.shape[1]] = named
        self.top_log_probabilities[places, : named.shape[1]] = best_values[:, : self._top]
        for row, node in enumerate(nodes.tolist()):
            is_outside = ~np.isin(best_tokens[row], trie.token[trie.children(node)])
            if is_outside.any():
                place = int(is_outside.argmax())
                self.outside_tokens[node] = best_tokens[row, place]
                self.outside_log_probabilities[node] = best_values[row, place]

    def arrays(self) -> dict[str, np.ndarray]:
        """What was read, by name."""
        return {
            "log_probabilities": self.log_probabilities,
            "outside_mass": self.outside_mass,
            "outside_tokens": self.outside_tokens,
            "outside_log_probabilities": self.outside_log_probabilities,
            "internal": self.internal.astype(np.int32),
            "top_tokens": self.top_tokens,
            "top_log_probabilities": self.top_log_probabilities,
        }


def _sum_exactly(values: torch.Tensor) -> torch.Tensor:
    """Sums of rows, ``(h, 1)`` double: float32 over 50,000 values would lose the fifth digit."""
    import torch

    whole = values.shape[1] // _SUMMED * _SUMMED
    parts = values[:, :whole].unflatten(1, (-1, _SUMMED)).sum(dim=2)
    rest = values[:, whole:].sum(dim=1, keepdim=True, dtype=torch.float64)
    return parts.sum(dim=1, keepdim=True, dtype=torch.float64) + rest


OPERATION = Operation(
    name="language.score_skills",
    version=1,
    kinds=frozenset({"causal-lm"}),
    prepare=preparing(Arguments),
    run=one_by_one(score_skills),
    summary="Log-probability of every token of a list of skills after a prompt, as a trie.",
)
TOKENIZE = Operation(
    name="language.tokenize_skills",
    version=1,
    kinds=frozenset({"causal-lm"}),
    prepare=preparing(Skills),
    run=one_by_one(tokenize_skills),
    summary="The tokens of a list of skills.",
)
