"""The token theatre: the scene, and what was weighed when each token of the plan was chosen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from workbench.figures.grounded.bars import Bars, draw_bars
from workbench.figures.grounded.frames import add_scene
from workbench.figures.grounded.reasons import say_why
from workbench.figures.grounded.wording import say_value, show_text, show_token
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.passages import LivePassages, Passage, Span
from workbench.figures.positions import live_axes
from workbench.figures.theme import PALETTE
from workbench.figures.wording import each, join, say_percent
from workbench.methods.grounded.episode import Episode, Step
from workbench.methods.grounded.moments import CANDIDATES, Moment, moments, most_overruled
from workbench.methods.grounded.theatre import Params, Result
from workbench.methods.grounded.worlds.tabletop import Tabletop
from workbench.methods.grounded.worlds.vocabulary import PLACES, skills_of
from workbench.methods.grounded.worlds.world import DONE, FREE

AXIS = "moment"
SCENE_SHARE = 0.34
OUTCOMES = {
    "success": "The goal is reached.",
    "planner": "The goal is not reached: the plan was wrong.",
    "policy": "The goal is not reached: the hand failed at something it could do.",
    "limit": "The goal is not reached: it ran out of steps.",
}


def say_outcome(episode: Episode) -> str:
    """How an episode ended, in words; nobody can check the goal of a free instruction."""
    if episode.task.template == FREE:
        said = "A free instruction: its goal is not checked."
        limit = episode.settings.step_limit
        is_cut = len(episode.steps) == limit and episode.steps[-1].command != DONE
        return f"Stopped at the limit of {limit} steps. {said}" if is_cut else said
    return OUTCOMES[episode.outcome]


def draw_theatre(result: Result) -> LiveFigure:
    """The scene and three aligned bars at every token of the grounded plan.

    The first token is position 1 of the slider; positions after the last token repeat it, and
    position 0 shows the token where language model and scene differ most.
    """
    episode = result.grounded
    every = moments(episode)
    positions = _positions()
    numbers = _numbers(every, positions)
    at = [every[number] for number in numbers]
    bars = Bars(
        labels=[_pad(list(m.labels), "") for m in at],
        language=_stack([m.language for m in at]),
        scene=_stack([m.grounding for m in at]),
        product=_stack([m.product for m in at]),
        chosen=[m.chosen for m in at],
        numbers=np.array(
            [[number * CANDIDATES + row for row in range(CANDIDATES)] for number in numbers]
        ),
        space=SCENE_SHARE,
    )
    figure, slots = draw_bars(bars, AXIS)
    worlds = [step.world for step in episode.steps] + [episode.world]
    order = [_frame(every, m) for m in at]
    slots += _add_halos(figure, episode, at)  # first, so that names stand over them
    slots += add_scene(figure, worlds, AXIS, order=order, side_px=220)
    figure.update_layout(xaxis={"domain": [0.0, 0.25]})
    words = [_words(result, every, m, is_end=m is at[-1] and i > 0) for i, m in enumerate(at)]
    words[0] = join([_say_start(every), words[0]])
    return LiveFigure(figure, {AXIS: [*positions]}, tuple(slots), Slot("", (AXIS,), words))


def _positions() -> list[int]:
    return [int(p) for p in live_axes(Params)[AXIS]]


def _numbers(every: Sequence[Moment], positions: Sequence[int]) -> list[int]:
    """Number of the token at each position of the slider, from 0."""
    return [min(p, len(every)) - 1 if p else most_overruled(every) for p in positions]


def _say_start(every: Sequence[Moment]) -> str:
    """Why the slider begins where it does."""
    moment = every[most_overruled(every)]
    if int(np.argmax(moment.language)) == moment.chosen:
        return f"The model is overruled at none of the plan's {len(every)} tokens."
    return f"Of the plan's {len(every)} tokens, model and scene differ most at this one."


def _frame(every: Sequence[Moment], moment: Moment) -> int:
    """The state to show: before the step while it is written, after it with its last token."""
    is_last = moment.place == max(m.place for m in every if m.step == moment.step)
    return moment.step + is_last


def _add_halos(figure: go.Figure, episode: Episode, at: Sequence[Moment]) -> list[Slot]:
    """Halos behind what the words so far can still mean."""
    found = [_meant(episode.steps[m.step], m) for m in at]
    room = max((len(points) for points in found), default=0)
    if not room:
        return []
    halos = np.full((len(at), room, 2), np.nan)
    for row, points in zip(halos, found, strict=True):
        row[: len(points)] = np.array(points).reshape(-1, 2)
    number = len(list(figure.data))
    figure.add_scatter(
        x=halos[0, :, 0],
        y=halos[0, :, 1],
        mode="markers",
        marker={
            "symbol": "circle",
            "size": 34,
            "color": PALETTE["green"],
            "opacity": 0.35,
        },
        hoverinfo="skip",
        showlegend=False,
        row=1,
        col=1,
    )
    return [
        Slot(f"data[{number}].x", (AXIS,), halos[..., 0]),
        Slot(f"data[{number}].y", (AXIS,), halos[..., 1]),
    ]


def _meant(step: Step, moment: Moment) -> list[tuple[float, float]]:
    """Where the things stand that the next words may name: first the things, then the targets."""
    world = step.world
    if not isinstance(world, Tabletop) or step.decoded is None:
        return []
    nodes = step.decoded.nodes[: moment.place]
    below = step.scores.trie.below(nodes[-1] if nodes else 0)
    skills = skills_of(world.domain)
    able = [
        skills[step.grounding.skills[s]]
        for s in below
        if step.grounding.possible[s] and step.grounding.skills[s] in skills
    ]
    items = {item for item, _ in able}
    names = items if len(items) > 1 else {target for _, target in able}
    things = [(t.x, t.y) for t in world.things if t.name in names]
    return things + [PLACES[name] for name in sorted(names) if name in PLACES]


def _pad(values: list[str], empty: str) -> list[str]:
    return values + [empty] * (CANDIDATES - len(values))


def _stack(rows: Sequence[np.ndarray]) -> np.ndarray:
    return np.array([np.pad(row, (0, CANDIDATES - len(row))) for row in rows])


def _words(result: Result, every: Sequence[Moment], moment: Moment, *, is_end: bool) -> str:
    written = show_text(moment.written)
    likeliest = int(np.argmax(moment.language))
    chosen = moment.chosen
    label = [show_token(text).replace("\N{NO-BREAK SPACE}", " ").strip() for text in moment.labels]
    after = f", after “{written}”" if written else ", the first token"
    head = f"Step {moment.step + 1}{after}."
    best = int(np.argmax(moment.product))
    if moment.product[chosen] < (1.0 - 1e-9) * moment.product[best]:
        body = (
            f"“{label[chosen]}” is forced (model "
            f"{say_percent(float(moment.language[chosen]), 0)}, scene "
            f"{say_value(float(moment.grounding[chosen]))}); the product would pick "
            f"“{label[best]}”."
        )
    elif likeliest == chosen:
        body = (
            f"Both agree on “{label[chosen]}”: the model gives it "
            f"{say_percent(float(moment.language[chosen]), 0)}, the scene "
            f"{say_value(float(moment.grounding[chosen]))}."
        )
    else:
        body = (
            f"The model alone would write “{label[likeliest]}” "
            f"({say_percent(float(moment.language[likeliest]), 0)}), but "
            f"{say_why(result.grounded.steps[moment.step], moment, likeliest)}: the scene gives "
            f"{say_value(float(moment.grounding[likeliest]))}. The product picks "
            f"“{label[chosen]}” (model {say_percent(float(moment.language[chosen]), 0)}, scene "
            f"{say_value(float(moment.grounding[chosen]))})."
        )
    ended = is_end or moment is every[-1]
    cut = len(every) - len(_positions())
    return join(
        [
            head,
            body,
            f"The plan has {cut} more tokens than the slider shows." if is_end and cut > 0 else "",
            say_outcome(result.grounded) if ended else "",
        ]
    )


def draw_plans(result: Result) -> LivePassages:
    """Both plans as they are written; a click on a token of the grounded one goes to it."""
    positions = _positions()
    every = moments(result.grounded)
    alone = _whole("Language model alone", result.alone)
    counts = [number + 1 for number in _numbers(every, positions)]
    passages = [(_written(result.grounded, every, count), alone) for count in counts]
    words = Slot(
        "",
        (AXIS,),
        each(
            lambda i: join(
                [
                    f"{counts[i]} of {len(every)} tokens are chosen.",
                    f"Grounded: {say_outcome(result.grounded)}",
                    f"Alone: {say_outcome(result.alone)}",
                ]
            ),
            len(positions),
        ),
    )
    return LivePassages(passages, {AXIS: [*positions]}, words)


def _written(episode: Episode, every: Sequence[Moment], count: int) -> Passage:
    spans: list[Span] = []
    for number, step in enumerate(episode.steps):
        spans.append(Span(f"Step {number + 1}:", "muted"))
        for place, moment in enumerate(every):
            if moment.step != number:
                continue
            is_last = place == count - 1
            overruled = int(np.argmax(moment.language)) != moment.chosen
            role = (
                "accent" if is_last else "muted" if place >= count else "mark" if overruled else ""
            )
            note = (
                ""
                if place >= count
                else (
                    f"model {say_percent(float(moment.language[moment.chosen]), 0)}, scene "
                    f"{say_value(float(moment.grounding[moment.chosen]))}"
                )
            )
            text = moment.labels[moment.chosen]
            spans.append(Span(text if text.strip() else "⏎", role, note, pick=place + 1))
        failed = step.could and not step.succeeded
        spans.append(Span(" (the hand failed)\n" if failed else "\n", "bad" if failed else ""))
    return Passage("Grounded", tuple(spans), say_outcome(episode))


def _whole(title: str, episode: Episode) -> Passage:
    spans: list[Span] = []
    for number, step in enumerate(episode.steps):
        spans.append(Span(f"Step {number + 1}: ", "muted"))
        role = "" if step.succeeded else "bad"
        note = "" if step.could else "cannot be done in this scene"
        spans.append(Span(f"{step.command or '(nothing)'}\n", role, note))
    return Passage(title, tuple(spans), say_outcome(episode))
