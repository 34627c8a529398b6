"""What does choosing one command cost as the list of commands grows?

SayCan reads every command to its end; grounded decoding reads one token after another and never
the list (arXiv:2303.00855, section 4.4, reports 113.7 times the tokens for SayCan). Tokens are
counted with the model's own tokenizer; what the examples and the instruction cost is the same for
all and left out. Times are measured on request: greedy decoding is one pass for each token of one
command, SayCan scores each command on its own or, with shared prefixes, the whole trie.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np

from workbench.methods.grounded.cost import every_skill_tokens, shared_tokens
from workbench.methods.grounded.trie import SkillTrie
from workbench.methods.grounded.worlds.vocabulary import COLOURS, say_skill
from workbench.params import Choice, Model, Range, check
from workbench.server.api import Json, ModelClient, Request
from workbench.server.api import Result as Answer
from workbench.study import Study, Summary

KINDS: Final = ("block", "bowl", "box", "cup", "plate", "ball", "ring", "tray", "lid", "jar")
OBJECTS: Final = (4, 7, 11, 16, 22, 32, 46, 70, 101)
"""Objects on the table; every ordered pair of them is a command."""
MEASURED: Final = (0, 12, 42, 110, 462)
PROMPT: Final = "Task: put the blocks in the bowls of the same colour\nStep 1:"
METHODS: Final = ("greedy", "beam", "saycan_shared", "saycan")


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    beam_width: Annotated[int, Range(1, 16, 1, "Beam width", live=True)] = 4
    model: Annotated[str, Model("causal-lm", "Language model")] = "smollm2-135m-instruct"
    measured: Annotated[
        str,
        Choice(
            tuple(map(str, MEASURED)),
            "Measure seconds up to",
            names=("no seconds", *(f"{count} commands" for count in MEASURED[1:])),
            help="The longer the list, the longer SayCan takes: minutes for 462 commands.",
        ),
    ] = "0"

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Inputs:
    """Tokens of the longest list, and seconds where they were measured.

    Args:
        token_ids: of every command.
        seconds: by method, by number of commands.
    """

    token_ids: tuple[tuple[int, ...], ...]
    seconds: dict[str, dict[int, float]]


@dataclass(frozen=True)
class Result:
    """The race.

    Args:
        params: what was asked for.
        counts: ``(k,)`` commands in each list.
        command_tokens: tokens of the middle one of all commands by length, the terminator included.
        tokens: by method but for the beam, ``(k,)`` tokens read to choose one command.
        seconds: by method, ``(k,)``; NaN where it was not measured.
    """

    params: Params
    counts: np.ndarray
    command_tokens: int
    tokens: dict[str, np.ndarray]
    seconds: dict[str, np.ndarray]

    def beam_tokens(self, width: int) -> np.ndarray:
        """``(k,)`` tokens that a beam reads at most: the first once, then ``width`` each time."""
        most = np.minimum(width, self.counts)
        return 1.0 + most * (self.command_tokens - 1)


def commands(objects: int) -> tuple[str, ...]:
    """Every command for some objects; a shorter list is the beginning of a longer one.

    Args:
        objects: at most 110.
    """
    names = [f"{colour} {kind}" for kind in KINDS for colour in COLOURS][:objects]
    pairs = sorted(itertools.permutations(range(len(names)), 2), key=lambda pair: (max(pair), pair))
    return tuple(say_skill(names[item], names[target]) for item, target in pairs)


def gather(client: ModelClient, params: Params) -> Inputs:
    """Tokenise the longest list, and score short ones against the clock."""
    every = commands(OBJECTS[-1])
    answer = _ask(client, params, "language.tokenize_skills", {"skills": list(every)})
    ends = np.cumsum(answer.arrays["token_counts"])
    flat = answer.arrays["token_ids"].tolist()
    starts = [0, *ends[:-1].tolist()]
    ids = tuple(tuple(flat[a:b]) for a, b in zip(starts, ends.tolist(), strict=True))
    seconds: dict[str, dict[int, float]] = {"greedy": {}, "saycan_shared": {}, "saycan": {}}
    for count in MEASURED[1:]:
        if count > int(params.measured):
            break
        skills = every[:count]
        seconds["greedy"][count] = _score(client, params, every[count - 1 : count])
        seconds["saycan_shared"][count] = _score(client, params, skills)
        scored = _ask(
            client,
            params,
            "language.score_choices",
            {"prompt": PROMPT, "candidates": [f" {skill}\n" for skill in skills]},
        )
        seconds["saycan"][count] = scored.receipt.seconds
    return Inputs(ids, seconds)


def _score(client: ModelClient, params: Params, skills: tuple[str, ...]) -> float:
    arguments: dict[str, Json] = {"prompt": PROMPT, "skills": list(skills), "top": 0}
    return _ask(client, params, "language.score_skills", arguments).receipt.seconds


def _ask(client: ModelClient, params: Params, operation: str, arguments: dict[str, Json]) -> Answer:
    return client.call(Request(operation, model=params.model, arguments=arguments))


def compute(inputs: Inputs, params: Params) -> Result:
    """Count tokens for every length of the list."""
    every = commands(OBJECTS[-1])
    counts = np.array([objects * (objects - 1) for objects in OBJECTS])
    tries = [SkillTrie.from_skills(every[:count], inputs.token_ids[:count]) for count in counts]
    middle = int(np.median([len(ids) for ids in inputs.token_ids]))
    return Result(
        params,
        counts,
        middle,
        {
            "greedy": np.full(len(counts), float(middle)),
            "saycan_shared": np.array([float(shared_tokens(trie)) for trie in tries]),
            "saycan": np.array([float(every_skill_tokens(trie)) for trie in tries]),
        },
        {
            method: np.array([measured.get(int(count), np.nan) for count in counts])
            for method, measured in inputs.seconds.items()
        },
    )


def summarise(result: Result) -> Summary:
    """Tokens at 462 and at the most commands, and seconds where they were measured."""
    at = int(np.flatnonzero(result.counts == 462)[0])
    numbers: dict[str, float] = {"tokens_greedy": float(result.command_tokens)}
    numbers["tokens_beam"] = float(result.beam_tokens(result.params.beam_width)[at])
    for method in ("saycan_shared", "saycan"):
        numbers[f"tokens_{method}_462"] = float(result.tokens[method][at])
        numbers[f"tokens_{method}_{result.counts[-1]}"] = float(result.tokens[method][-1])
    numbers["ratio_saycan_462"] = round(
        float(result.tokens["saycan"][at] / result.command_tokens), 3
    )
    for method, seconds in result.seconds.items():
        for count, value in zip(result.counts, seconds, strict=True):
            if np.isfinite(value):
                numbers[f"{method}_{count}_seconds"] = round(float(value), 3)
    return numbers


COST: Study[Params, Inputs, Result] = Study(
    slug="grounded.cost",
    title="The cost race",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
