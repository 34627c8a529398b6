"""One command, looked at closely: the trie it is chosen from, and the search that chooses it.

``grounded.trie`` shows how the language model's choice splits at each word and what the scene still
allows; ``grounded.beam`` the hypotheses that a beam keeps, with both forms of the product.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Final

import numpy as np

from workbench.composed import chips
from workbench.methods.grounded.asking import ask_steps
from workbench.methods.grounded.cost import every_skill_tokens, shared_tokens
from workbench.methods.grounded.decoder import (
    Beam,
    Decoded,
    grounded_beam,
    grounded_greedy,
)
from workbench.methods.grounded.episode import describe
from workbench.methods.grounded.grounders import Grounding, ground
from workbench.methods.grounded.rules import COMBINATIONS, Rules
from workbench.methods.grounded.saycan import SayCan, saycan
from workbench.methods.grounded.scene import Grounded, mix_of, open_scene, settings_of
from workbench.methods.grounded.scores import LanguageScores
from workbench.methods.grounded.trie import prefix_value
from workbench.methods.grounded.worlds.world import Task, World
from workbench.params import Chips, Choice, Range, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

TOKENS: Final = 16
"""Positions of the slider along the command."""
WIDEST: Final = 16


@dataclass(frozen=True, slots=True)
class OneStep(Grounded):
    """A scene, the steps that the model is told were taken, and the grounders."""

    history: Annotated[
        str,
        Chips(
            "Steps so far",
            max_items=8,
            max_chars=120,
            help="What the model reads as done; the scene stays as it is.",
            can_lock=False,
        ),
    ] = ""


@dataclass(frozen=True, slots=True)
class TrieParams(OneStep):
    """What the user may change."""

    token: Annotated[int, Range(0, TOKENS, 1, "Tokens written", live=True)] = TOKENS

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class BeamParams(OneStep):
    """What the user may change."""

    width: Annotated[int, Range(1, WIDEST, 1, "Beam width")] = 4
    length_exponent: Annotated[
        float,
        Range(0.0, 1.0, 0.1, "Length exponent α", help="0 as in the paper."),
    ] = 0.0
    combination: Annotated[
        str,
        Choice(
            COMBINATIONS,
            "Product",
            live=True,
            names=("every prefix, as in the paper", "last value only"),
        ),
    ] = "paper"

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class Inputs:
    """The state, the task, and what the model says of the next step."""

    world: World
    task: Task
    scores: LanguageScores


@dataclass(frozen=True, eq=False)
class TrieResult:
    """One command over its trie.

    Args:
        params: what was asked for.
        world: the state.
        task: what is wanted.
        scores: what the model says.
        grounding: what the scene says of whole skills.
        values: ``(n,)`` p_G of every node.
        greedy: the grounded command.
        alone: the language model's own.
        saycan: the whole skill with the largest product.
    """

    params: TrieParams
    world: World
    task: Task
    scores: LanguageScores
    grounding: Grounding
    values: np.ndarray
    greedy: Decoded
    alone: Decoded
    saycan: SayCan


@dataclass(frozen=True, eq=False)
class BeamResult:
    """One command by every search.

    Args:
        params: what was asked for.
        world: the state.
        task: what is wanted.
        scores: what the model says.
        beams: the search by form of the product, "paper" and "telescoped".
        greedy: what greedy decoding chooses.
        saycan: the whole skill with the largest product.
    """

    params: BeamParams
    world: World
    task: Task
    scores: LanguageScores
    beams: dict[str, Beam]
    greedy: Decoded
    saycan: SayCan


def gather(client: ModelClient, params: OneStep) -> Inputs:
    """Ask the model about the next step."""
    world, task = open_scene(params)
    steps = [chip.text for chip in chips(params.history)]
    return Inputs(world, task, ask_steps(client, params.model, task, world)(steps))


def compute_trie(inputs: Inputs, params: TrieParams) -> TrieResult:
    """Value every prefix and decode with and without the scene."""
    scores = inputs.scores
    grounding = ground(inputs.world, mix_of(params))
    values = prefix_value(scores.trie, grounding.product, params.mode)
    rules = settings_of(params).rules
    free = Rules(params.vocabulary, outside=1.0)
    return TrieResult(
        params=params,
        world=inputs.world,
        task=inputs.task,
        scores=scores,
        grounding=grounding,
        values=values,
        greedy=grounded_greedy(scores, values, rules),
        alone=grounded_greedy(scores, np.ones(len(scores.trie)), free),
        saycan=saycan(scores, grounding.product, strength=params.strength),
    )


def compute_beam(inputs: Inputs, params: BeamParams) -> BeamResult:
    """Search with both forms of the product, and greedily."""
    scores = inputs.scores
    product = ground(inputs.world, mix_of(params)).product
    values = prefix_value(scores.trie, product, params.mode)
    rules = replace(settings_of(params).rules, length_exponent=params.length_exponent)
    return BeamResult(
        params=params,
        world=inputs.world,
        task=inputs.task,
        scores=scores,
        beams={
            name: grounded_beam(scores, values, params.width, replace(rules, combination=name))
            for name in COMBINATIONS
        },
        greedy=grounded_greedy(scores, values, rules),
        saycan=saycan(scores, product, strength=params.strength),
    )


def _say(scores: LanguageScores, decoded: Decoded) -> str:
    if decoded.skill is not None:
        return scores.trie.skills[decoded.skill]
    return describe(scores, decoded)


def summarise_trie(result: TrieResult) -> Summary:
    """The commands, and the size of the trie."""
    scores, product = result.scores, result.grounding.product
    chosen = result.greedy.skill
    return {
        "command": _say(scores, result.greedy),
        "command_alone": _say(scores, result.alone),
        "command_saycan": scores.trie.skills[result.saycan.skill],
        "value": float(product[chosen]) if chosen is not None else 0.0,
        "has_left": result.greedy.has_left,
        "has_left_alone": result.alone.has_left,
        "skills": len(scores.trie.skills),
        "possible": int(result.grounding.possible[:-1].sum()),
        "contexts": shared_tokens(scores.trie),
        "tokens_every_skill": every_skill_tokens(scores.trie),
        "outside_mass_first": round(float(scores.outside_mass[0]), 6),
    }


def summarise_beam(result: BeamResult) -> Summary:
    """The commands of each search, their scores and the tokens read."""
    numbers: dict[str, float | int | str | bool] = {}
    for name, beam in result.beams.items():
        numbers[f"command_{name}"] = _say(result.scores, beam.best)
        numbers[f"tokens_{name}"] = beam.best.tokens_scored
        if np.isfinite(beam.best.score):
            numbers[f"score_{name}"] = round(beam.best.score, 6)
    numbers["command_greedy"] = _say(result.scores, result.greedy)
    numbers["tokens_greedy"] = result.greedy.tokens_scored
    numbers["command_saycan"] = result.scores.trie.skills[result.saycan.skill]
    numbers["tokens_saycan"] = result.saycan.tokens_scored
    return numbers


TRIE: Study[TrieParams, Inputs, TrieResult] = Study(
    slug="grounded.trie",
    title="The skill trie",
    params=TrieParams,
    gather=gather,
    compute=compute_trie,
    summarise=summarise_trie,
)
BEAM: Study[BeamParams, Inputs, BeamResult] = Study(
    slug="grounded.beam",
    title="Greedy or beam?",
    params=BeamParams,
    gather=gather,
    compute=compute_beam,
    summarise=summarise_beam,
)
