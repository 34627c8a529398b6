"""Thought and plan in the kitchen: what changes when the scene decides what the brackets hold?

Huang et al. 2023 (arXiv:2303.00855, section 4.3): the language model writes a thought in which
brackets switch the detector on, and SayCan's scoring makes the plan after it. Here the thought's
words around the brackets are fixed, the phrase inside is chosen among all that may be named, and
every step is the skill with the largest product of probability and affordance. Prompt, items and
detector table are ours; a photo of one's own is looked at by a real detector (``photo``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np

from workbench.errors import InputError
from workbench.methods.grounded.asking import ask_scores
from workbench.methods.grounded.grounders import detector
from workbench.methods.grounded.photo import DEFAULT_DETECTOR, DETECTOR, UPLOAD, Seen, see
from workbench.methods.grounded.prompts import THOUGHT_END, Prompt
from workbench.methods.grounded.worlds.kitchen import (
    ITEMS,
    KINDS,
    SHELVES,
    Kitchen,
    read_detections,
)
from workbench.methods.grounded.worlds.world import DONE, FREE, Task, with_done
from workbench.params import Model, Range, Text, check
from workbench.server.api import ModelClient
from workbench.study import Study, Summary

MISSING = 1e-4
"""Score of a phrase that the detector's table does not hold."""
THERE = 0.3
"""What the table scores this high is taken to be there when the plan is carried out."""
MAX_STEPS = 6
EXAMPLES: Final = """Task: bring me the spoon
Robot thought: the person wants the [ spoon ].
Step 1: find the spoon
Step 2: pick up the spoon
Step 3: go to the user
Step 4: put it down
Step 5: done

Task: throw the orange in the bin
Robot thought: the person wants the [ orange ].
Step 1: find the orange
Step 2: pick up the orange
Step 3: go to the bin
Step 4: put it down
Step 5: done

"""
STRENGTH = Range(
    0.0,
    2.0,
    0.25,
    "Strength λ of the detector",
    live=True,
    help="0: the language model alone. 1: the paper's product.",
)


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    instruction: Annotated[
        str, Text("Instruction", max_chars=200, min_chars=1, help="In any words.")
    ] = "I am thirsty, help me"
    detections: Annotated[
        str,
        Text(
            "What the detector sees",
            max_chars=1_000,
            lines=5,
            help="Phrases and scores: change them as if the scene had changed.",
        ),
    ] = "apple 0.81; sponge 0.88; tea 0.79; spoon 0.74; empty can 0.62; cola 0.03; chips 0.05"
    photo: Annotated[str, UPLOAD] = ""
    strength: Annotated[float, STRENGTH] = 1.0
    detector: Annotated[str, DETECTOR] = DEFAULT_DETECTOR
    model: Annotated[str, Model("causal-lm", "Language model")] = "smollm2-135m-instruct"

    def __post_init__(self) -> None:
        check(self)
        read_detections(self.detections)


@dataclass(frozen=True)
class Plan:
    """What the robot does once the thought names a phrase.

    Args:
        steps: skills, in order; the last is "done" unless it ran out of steps.
        has_worked: whether each could be carried out.
        is_done: whether the instruction's goal was reached; None when nobody can check it.
    """

    steps: tuple[str, ...]
    has_worked: tuple[bool, ...]
    is_done: bool | None


@dataclass(frozen=True)
class Inputs:
    """What the language model says.

    Args:
        phrases: what may stand in the brackets.
        log_language: ``(p,)`` log-probability of each, the closing bracket included.
        plans: by the number of a phrase, for what λ = 0 and λ = 1 choose.
        seen: what a detector sees on the photo; ``None`` without one.
    """

    phrases: tuple[str, ...]
    log_language: np.ndarray
    plans: dict[int, Plan]
    seen: Seen | None = None


@dataclass(frozen=True)
class Result:
    """Phrases with their three scores, and the plans.

    Args:
        params: what was asked for.
        phrases: what may stand in the brackets.
        language: ``(p,)`` probability, summing to 1 over the phrases.
        scene: ``(p,)`` the detector's scores.
        strengths: ``(k,)`` every λ.
        product: ``(k, p)`` p_LLM · score^λ, divided by its largest.
        chosen: ``(k,)`` number of the phrase that wins.
        plans: by the number of a phrase; those that only other strengths choose have none.
        seen: what a detector sees on the photo; ``None`` without one.
    """

    params: Params
    phrases: tuple[str, ...]
    language: np.ndarray
    scene: np.ndarray
    strengths: np.ndarray
    product: np.ndarray
    chosen: np.ndarray
    plans: dict[int, Plan]
    seen: Seen | None = None

    @property
    def there(self) -> float:
        """Score from which a phrase is taken to be there."""
        return self.seen.there if self.seen else THERE


def gather(client: ModelClient, params: Params) -> Inputs:
    """Score the phrases, then plan for what the model alone and the paper's product choose."""
    scores = read_detections(params.detections)
    phrases = tuple(dict.fromkeys((*ITEMS, *scores)))
    seen = see(client, params.detector, params.photo, phrases) if params.photo else None
    there = seen.there if seen else THERE
    scores = seen.scores if seen else scores
    head = f"Task: {' '.join(params.instruction.split())}\nRobot thought: the person wants the ["
    language = _score(client, params, head, phrases, "The thought")
    combined = _combine(language, detector(phrases, scores, MISSING))
    positions = STRENGTH.positions()
    planned = [positions.index(0.0), positions.index(1.0)]
    winners = dict.fromkeys(combined[planned].argmax(axis=1).tolist())
    world = scene_of(scores, there)
    plans = {
        number: _plan(client, params, f"{head} {phrases[number]} ].\n", world) for number in winners
    }
    return Inputs(phrases, language, plans, seen)


def scene_of(scores: dict[str, float], there: float = THERE) -> Kitchen:
    """The kitchen that scores describe: what scores enough stands on the shelves.

    Args:
        scores: by phrase.
        there: what is enough.
    """
    found = [item for item in ITEMS if scores.get(item, 0.0) >= there]
    return Kitchen(tuple((item, SHELVES[i % 2]) for i, item in enumerate(found)))


def find_task(instruction: str) -> Task:
    """The task whose instruction this is, so that its goal can be checked; else a free one."""
    words = " ".join(instruction.split()).lower()
    known = {kind.instruction.lower(): name for name, kind in KINDS.items()}
    return Task(known.get(words, FREE), instruction)


def _plan(client: ModelClient, params: Params, head: str, world: Kitchen) -> Plan:
    rng = np.random.default_rng(0)
    task = find_task(params.instruction)
    steps: list[str] = []
    worked: list[bool] = []
    prompt = head
    for step in range(1, MAX_STEPS + 1):
        skills, values = with_done(world.skills(), world.affordances())
        prompt += f"Step {step}:"
        log_language = _score(client, params, prompt, skills, f"Step {step}")
        with np.errstate(divide="ignore"):
            skill = skills[int(np.argmax(log_language + np.log(values)))]
        steps.append(skill)
        if skill == DONE:
            worked.append(True)
            break
        world, has_worked = world.execute(skill, rng)
        worked.append(has_worked)
        prompt += f" {skill}\n"
    is_done = None if task.template == FREE else world.is_done(task)
    return Plan(tuple(steps), tuple(worked), is_done)


def _score(
    client: ModelClient, params: Params, prompt: str, texts: tuple[str, ...], label: str
) -> np.ndarray:
    """``(texts,)`` log-probability of each text with what ends it, in nats."""
    ends = THOUGHT_END if prompt.endswith("[") else "\n"
    found = ask_scores(
        client, params.model, Prompt(EXAMPLES, prompt), texts, top=0, terminator=ends, label=label
    )
    return found.log_skill


def _combine(log_language: np.ndarray, scene: np.ndarray) -> np.ndarray:
    """``(k, p)`` log p_LLM + λ log score for every λ; a score of 0 rules out unless λ is 0."""
    strengths = np.array(STRENGTH.positions())[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        weighed = np.where(strengths > 0, strengths * np.log(scene), 0.0)
    return log_language + weighed


def compute(inputs: Inputs, params: Params) -> Result:
    """Multiply what the model says by what the detector sees, at every strength."""
    scores = inputs.seen.scores if inputs.seen else read_detections(params.detections)
    scene = detector(inputs.phrases, scores, MISSING)
    combined = _combine(inputs.log_language, scene)
    highest = combined.max(axis=1, keepdims=True)
    if not np.isfinite(highest).all():
        raise InputError("The detector sees nothing that may be named; give a phrase above 0.")
    language = np.exp(inputs.log_language - inputs.log_language.max())
    return Result(
        params,
        inputs.phrases,
        language / language.sum(),
        scene,
        np.array(STRENGTH.positions()),
        np.exp(combined - highest),
        combined.argmax(axis=1),
        inputs.plans,
        inputs.seen,
    )


def summarise(result: Result) -> Summary:
    """The phrases with and without the detector, and what becomes of the grounded plan."""
    at = int(np.argmin(np.abs(result.strengths - result.params.strength)))
    alone, chosen = int(result.chosen[0]), int(result.chosen[at])
    plan = result.plans.get(chosen)
    summary: dict[str, float | int | str | bool] = {
        "phrase_alone": result.phrases[alone],
        "phrase": result.phrases[chosen],
        "score_alone": round(float(result.scene[alone]), 4),
        "score": round(float(result.scene[chosen]), 4),
    }
    if plan is not None:
        summary |= {"plan": "; ".join(plan.steps), "steps": len(plan.steps)}
    for name, found in (("is_done", plan), ("is_done_alone", result.plans[alone])):
        if found is not None and found.is_done is not None:
            summary[name] = found.is_done
    return summary


KITCHEN: Study[Params, Inputs, Result] = Study(
    slug="grounded.kitchen",
    title="Kitchen thoughts",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
