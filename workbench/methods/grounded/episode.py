"""Plan and act: choose a command, carry it out, look again, until the model says "done".

Algorithm 1 of arXiv:2303.00855: after every step the grounders see the new state and the step joins
the history that the model reads, whether or not it succeeded. What a step leaves undone the model
is not told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from workbench.errors import InputError
from workbench.methods.grounded.asking import Score
from workbench.methods.grounded.decoder import (
    PAPER,
    Decoded,
    Rules,
    grounded_beam,
    grounded_greedy,
)
from workbench.methods.grounded.grounders import Grounding, Mix, ground
from workbench.methods.grounded.saycan import saycan
from workbench.methods.grounded.scores import LanguageScores
from workbench.methods.grounded.trie import prefix_value
from workbench.methods.grounded.worlds.world import DONE, Task, World

METHODS = ("ungrounded", "greedy", "beam", "saycan")
OUTCOMES = ("success", "planner", "policy", "limit")
"""The goal is reached; the plan was wrong; a skill that could be done failed, and the goal was
missed; the step limit ended it."""
STEP_LIMIT = 8
FEASIBLE = 1e-3
"""A skill whose value in the state is at least this can be done."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How every step is chosen.

    Args:
        method: one of ``METHODS``; "ungrounded" is greedy decoding with p_G = 1 everywhere.
        rules: how language and grounding are combined.
        mix: which grounders are on.
        mode: how prefixes are valued, see ``trie.prefix_value``.
        width: of the beam.
        step_limit: most steps of an episode.
        only_possible: the model is asked about skills of a value above 0 alone; the choice is
            the same as long as tokens outside the list are masked and λ is above 0.
    """

    method: str = "greedy"
    rules: Rules = PAPER
    mix: Mix = field(default_factory=Mix)
    mode: str = "max"
    width: int = 4
    step_limit: int = STEP_LIMIT
    only_possible: bool = False

    def __post_init__(self) -> None:
        if self.only_possible and (self.rules.vocabulary != "closed" or not self.rules.strength):
            raise ValueError("skills of value 0 may be chosen under these rules")


@dataclass(frozen=True, eq=False)
class Step:
    """One step of an episode.

    Args:
        world: the state it was chosen in.
        command: in words; when it left the list of skills, what was written until then.
        skill: its number, or ``None`` when it is no skill.
        decoded: how it was decoded; ``None`` for SayCan.
        scores: what the model said.
        grounding: what the grounders said.
        could: whether it could be done in that state.
        succeeded: whether it was done.
        tokens_scored: contexts that the method read to choose it.
    """

    world: World
    command: str
    skill: int | None
    decoded: Decoded | None
    scores: LanguageScores
    grounding: Grounding
    could: bool
    succeeded: bool
    tokens_scored: int


@dataclass(frozen=True, eq=False)
class Episode:
    """One episode: the task, its steps, the state it ended in and how it ended."""

    task: Task
    settings: Settings
    steps: tuple[Step, ...]
    world: World
    outcome: str

    @property
    def tokens_scored(self) -> int:
        """Contexts read in all steps together."""
        return sum(step.tokens_scored for step in self.steps)

    @property
    def commands(self) -> tuple[str, ...]:
        """What was commanded, in order."""
        return tuple(step.command for step in self.steps)


@dataclass(frozen=True, eq=False)
class Choice:
    """A chosen command; the fields are those of ``Step``."""

    command: str
    skill: int | None
    decoded: Decoded | None
    tokens_scored: int


def choose(
    scores: LanguageScores,
    grounding: Grounding,
    settings: Settings,
    forced: Mapping[int, int] | None = None,
) -> Choice:
    """Choose one command.

    Several grounders are multiplied for whole skills, and prefixes are valued by that product: some
    completion must please them all. The paper multiplies what each says of the prefix on its own.

    Args:
        scores: what the model says.
        grounding: what the scene says, over the same skills.
        settings: how to choose.
        forced: place in the command -> id of the token that stands there; greedy decoding only.

    Raises:
        InputError: a forced token is in no skill that begins so.
    """
    product = grounding.product
    if settings.method == "saycan":
        found = saycan(scores, product, strength=settings.rules.strength)
        command = scores.trie.skills[found.skill]
        return Choice(command, found.skill, None, found.tokens_scored)
    decoded = decode(scores, product, settings, forced or {})
    command = (
        scores.trie.skills[decoded.skill]
        if decoded.skill is not None
        else describe(scores, decoded)
    )
    return Choice(command, decoded.skill, decoded, decoded.tokens_scored)


def decode(
    scores: LanguageScores,
    product: np.ndarray,
    settings: Settings,
    forced: Mapping[int, int],
) -> Decoded:
    """Decode one command with the values ``(m,)`` of whole skills."""
    rules = settings.rules
    if settings.method == "ungrounded":
        ones = np.ones(len(scores.trie))
        alone = Rules(rules.vocabulary, outside=1.0, combination=rules.combination)
        return grounded_greedy(scores, ones, alone)
    values = prefix_value(scores.trie, product, settings.mode)
    if settings.method == "greedy":
        found = grounded_greedy(scores, values, rules)
        for place in sorted(forced):
            if found.skill is not None and not scores.is_read[found.skill]:
                break  # what it says beyond is not yet known
            start = _follow(scores, found, place, forced[place])
            found = grounded_greedy(scores, values, rules, start=start)
        return found
    return grounded_beam(scores, values, settings.width, rules).best


def _follow(scores: LanguageScores, found: Decoded, place: int, token: int) -> int:
    """The node that a forced token leads to from the first tokens of a command."""
    before = found.nodes[place - 1] if 0 < place <= len(found.nodes) else 0
    for child in scores.trie.children(before) if place <= len(found.nodes) else ():
        if scores.trie.token[child] == token:
            return child
    text = scores.texts.get(token, "")
    raise InputError(
        f"No skill goes on with {text[:20]!r} there; force a token that the list of skills has."
    )


def describe(scores: LanguageScores, decoded: Decoded) -> str:
    """What was decoded, in words, the token that left the list included."""
    written = "".join(scores.text(node) for node in decoded.nodes)
    if decoded.has_left:
        written += scores.texts.get(decoded.outside_token, "")
    return " ".join(written.split())


def run(  # noqa: PLR0913  one episode's circumstances
    world: World,
    task: Task,
    settings: Settings,
    language_scores: Score,
    seed: int = 0,
    forced: Mapping[tuple[int, int], int] | None = None,
    meddle: Callable[[World, int], World] | None = None,
) -> Episode:
    """Run one episode.

    Args:
        world: the first state.
        task: what is wanted; its goal is judged at the end only.
        settings: how to choose.
        language_scores: steps so far -> scores over the world's skills and "done", which must not
            depend on the state. Where greedy decoding comes to words that were not read, it is
            told which skills to read, too.
        seed: of the chances whether skills succeed.
        forced: step and place in it -> id of the token that stands there; greedy decoding only.
        meddle: what others do to the state after so many steps, before the next is chosen.
    """
    rng = np.random.default_rng([seed, 1])
    steps: list[Step] = []
    is_over = False
    while not is_over and len(steps) < settings.step_limit:
        world = meddle(world, len(steps)) if meddle else world
        grounding = ground(world, settings.mix)
        history = [step.command for step in steps]
        # the model alone may command what cannot be done
        sparing = settings.only_possible and settings.method != "ungrounded"
        possible = (grounding.product > 0,) if sparing else ()
        scores = language_scores(history, *possible)
        here = {p: token for (s, p), token in (forced or {}).items() if s == len(steps)}
        chosen = choose(scores, grounding, settings, here)
        while chosen.skill is not None and not scores.is_read[chosen.skill]:
            scores = language_scores(history, scores.beyond(chosen.skill))
            if not scores.is_read[chosen.skill]:
                raise ValueError(f"{chosen.command!r} was asked for and is not read")
            chosen = choose(scores, grounding, settings, here)
        before, could, succeeded = world, False, False
        if chosen.command == DONE or chosen.skill is None:
            is_over = True  # what is no skill cannot be carried out; the model would repeat it
            could = succeeded = chosen.command == DONE
        else:
            could = bool(world.affordances()[chosen.skill] >= FEASIBLE)
            world, succeeded = world.execute(chosen.command, rng)
        steps.append(
            Step(
                before,
                chosen.command,
                chosen.skill,
                chosen.decoded,
                scores,
                grounding,
                could,
                succeeded,
                chosen.tokens_scored,
            )
        )
    return Episode(task, settings, tuple(steps), world, _judge(world, task, steps, is_over))


def _judge(world: World, task: Task, steps: Sequence[Step], is_over: bool) -> str:
    if world.is_done(task):
        return "success"
    if any(step.could and not step.succeeded for step in steps):
        return "policy"
    return "planner" if is_over else "limit"
