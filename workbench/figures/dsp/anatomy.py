"""Reward anatomy: what one hint was paid, phrase by phrase, under coefficients of your own."""

from __future__ import annotations

import html

import numpy as np
import plotly.graph_objects as go

from workbench.figures.dsp.wording import say_score
from workbench.figures.live import LiveFigure, Position, Slot
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import each, join, say_count, say_signed, shorten
from workbench.methods.dsp.anatomy import BETA, PENALTY, STEP, TERMINAL, Anatomy
from workbench.methods.dsp.theatre import ITERATION, points_at

PARTS = (
    ("phrase in the reference", PALETTE["green"]),
    ("miss or repeat", PALETTE["danger"]),
    ("KL to the supervised policy", PALETTE["purple"]),
    ("the summary's ROUGE", PALETTE["blue"]),
)
AXES = ("iteration", "terminal_weight", "step_weight", "penalty", "beta")
"""Names that the study's parameters must have."""
GAP = 0.6
"""Between the last action and the sum."""

PHRASE_CHARACTERS = 22


def draw_anatomy(found: Anatomy) -> LiveFigure:
    """Bars of every part of the reward at each action, and of their sum."""
    actions = found.actions
    at = points_at(len(found.rollouts))
    x = np.append(np.arange(actions, dtype=float), actions + GAP)
    terminals, steps, penalties, betas = (
        np.array(kind.positions()) for kind in (TERMINAL, STEP, PENALTY, BETA)
    )
    hits, misses, kl = (
        _with_sum(part[at]) for part in (found.is_hit, found.is_miss, found.kl)
    )  # (iteration, action + sum)
    last = np.array([len(found.rollouts[i].kl) - 1 for i in at])
    end = np.zeros_like(kl)
    end[np.arange(len(at)), last] = found.terminal[at]
    end[:, -1] = found.terminal[at]
    values = (
        Slot("data[0].y", AXES[0:3:2], steps[None, :, None] * hits[:, None]),
        Slot(
            "data[1].y",
            (AXES[0], AXES[2], AXES[3]),
            -steps[None, :, None, None] * penalties[:, None] * misses[:, None, None],
        ),
        Slot("data[2].y", (AXES[0], AXES[4]), -betas[None, :, None] * kl[:, None]),
        Slot("data[3].y", (AXES[0], AXES[1]), terminals[None, :, None] * end[:, None]),
    )
    figure = go.Figure()
    for name, colour in PARTS:
        figure.add_bar(
            x=x,
            y=np.zeros(len(x)),
            name=name,
            marker={"color": colour},
            width=0.62,
            hovertemplate=f"{name}: %{{y:+.3f}}<extra></extra>",
        )
    totals = found.totals(terminals.tolist(), steps.tolist(), penalties.tolist(), betas.tolist())[
        at
    ]
    figure.add_scatter(
        x=[x[-1] + 0.42],
        y=[0.0],
        mode="markers+text",
        texttemplate="<b>%{y:.2f}</b>",
        textposition="middle right",
        marker={"symbol": "triangle-left", "size": 12, "color": PALETTE["exact"]},
        name="sum",
        showlegend=False,
        cliponaxis=False,
        hovertemplate="sum: %{y:.3f}<extra></extra>",
    )
    names = [[*_names(found, i), "<b>sum</b>"] for i in at]
    figure.update_layout(
        template=TEMPLATE,
        height=480,
        barmode="relative",
        margin={"t": 64, "b": 116, "r": 20},
    )
    figure.update_xaxes(tickvals=x, ticktext=names[0], tickangle=-32, range=[-0.7, x[-1] + 1.2])
    figure.update_yaxes(title_text="reward", zeroline=True, zerolinecolor=PALETTE["grid"])
    slots = (
        *values,
        Slot("data[4].y[0]", AXES, totals),
        Slot("layout.xaxis.ticktext", (AXES[0],), names),
        Slot("layout.yaxis.range", AXES[1:4], _heights(found, terminals, steps, penalties)),
    )
    axes: dict[str, list[Position]] = {
        AXES[0]: [int(i) for i in ITERATION.positions()],
        **{
            name: [*kind.positions()]
            for name, kind in zip(AXES[1:], (TERMINAL, STEP, PENALTY, BETA), strict=True)
        },
    }
    words = Slot("", AXES[:1], each(lambda i: _words(found, at[i]), len(at)))
    return LiveFigure(figure, axes, slots, words)


def _with_sum(part: np.ndarray) -> np.ndarray:
    """``(i, t)`` -> ``(i, t + 1)``, the sum last."""
    return np.concatenate([part, part.sum(axis=1, keepdims=True)], axis=1).astype(float)


def _heights(
    found: Anatomy, terminals: np.ndarray, steps: np.ndarray, penalties: np.ndarray
) -> np.ndarray:
    """``(terminals, steps, penalties, 2)`` ends that no rollout leaves, whatever the iteration."""
    a, b, c = np.ix_(terminals, steps, penalties)
    kl = BETA.maximum * float(np.abs(found.kl).sum(axis=1).max())
    top = a * found.terminal.max() + b * found.is_hit.sum(axis=1).max() + kl
    bottom = -b * c * found.is_miss.sum(axis=1).max() - kl
    top, bottom = np.broadcast_arrays(top, bottom)
    return np.stack([1.15 * bottom - 0.1, 1.15 * top + 0.3], axis=-1)


def _names(found: Anatomy, i: int) -> list[str]:
    phrases = [
        html.escape(shorten(phrase, PHRASE_CHARACTERS)) for phrase in found.rollouts[i].phrases
    ]
    return [*phrases, "stop", *[""] * (found.actions - len(phrases) - 1)]


def _words(found: Anatomy, i: int) -> str:
    rollout = found.rollouts[i]
    hits, misses = int(found.is_hit[i].sum()), int(found.is_miss[i].sum())
    kl = float(found.kl[i].sum())
    when = "Before any reward" if i == 0 else f"After iteration {i}"
    return join(
        [
            f"{when} the policy chose {say_count(len(rollout.phrases), 'phrase')} for an article: "
            f"{hits} in the reference, {misses} penalised; then it stopped and the language "
            f"model's summary had mean ROUGE {say_score(rollout.terminal)}.",
            f"Over all its choices log π − log π of the supervised policy is {say_signed(kl, 2)} "
            "nats: one sample, so it can be negative.",
            "One rollout of a random article each time: compare the parts, not the iterations.",
        ]
    )
