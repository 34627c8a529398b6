"""Leave one out: what each phrase of a hint is worth, in ROUGE and in log probability."""

from __future__ import annotations

import html

import numpy as np
from plotly.subplots import make_subplots

from workbench.figures.dsp.marks import span_of
from workbench.figures.dsp.texts import mark_output
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.passages import LivePassages, Passage, Span
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import each, join, say_signed, shorten
from workbench.methods.dsp.marking import occurs
from workbench.methods.dsp.removal import Removal

AXIS = ("stemmer",)

PHRASE_CHARACTERS = 26


def draw_removal(found: Removal) -> LiveFigure:
    """One row a phrase: points of ROUGE and nats of log probability lost without it."""
    k = len(found.phrases)
    heights = np.arange(k, dtype=float)[::-1]
    colours = [
        PALETTE["green"] if occurs(phrase, found.article.reference) else PALETTE["baseline"]
        for phrase in found.phrases
    ]
    lost, nats = 100.0 * found.rouge_lost, found.log_probability_lost
    figure = make_subplots(
        1, 2, column_widths=[0.5, 0.5], horizontal_spacing=0.04, shared_yaxes=True
    )
    written = [[say_signed(float(one)) for one in of_stemmer] for of_stemmer in lost]
    for col, values, texts in (
        (1, lost[1], written[1]),
        (2, nats, [say_signed(float(one), 2) for one in nats]),
    ):
        figure.add_bar(
            x=values,
            y=heights,
            orientation="h",
            width=0.5,
            marker={"color": colours},
            text=texts,
            textposition="outside",
            cliponaxis=False,
            name="lost",
            hoverinfo="skip",
            row=1,
            col=col,
        )
    figure.update_layout(
        template=TEMPLATE,
        height=max(260, 110 + 44 * k),
        margin={"t": 20, "l": 190, "r": 30},
        showlegend=False,
    )
    figure.update_yaxes(
        tickvals=heights,
        ticktext=[html.escape(shorten(phrase, PHRASE_CHARACTERS)) for phrase in found.phrases],
        range=[-0.6, k - 0.4],
    )
    for col, values, title in (
        (1, lost, "mean ROUGE lost without it (points)"),
        (2, nats, "log probability of the reference lost (nats)"),
    ):
        figure.update_xaxes(
            title_text=title,
            range=span_of(values, np.zeros(1), pad=0.22),
            zeroline=True,
            zerolinecolor=PALETTE["grid"],
            row=1,
            col=col,
        )
    words = Slot("", AXIS, each(lambda b: _words(found, b), 2))
    slots = (Slot("data[0].x", AXIS, lost), Slot("data[0].text", AXIS, written))
    return LiveFigure(figure, {"stemmer": [False, True]}, slots, words)


def draw_removal_texts(found: Removal) -> LivePassages:
    """The summary of the whole hint, and those without each phrase."""
    reference = found.article.reference
    mean = found.rouge[1].mean(axis=-1)
    cards = [
        Passage(
            "Whole hint"
            if not i
            else f"Without “{shorten(found.phrases[i - 1], PHRASE_CHARACTERS)}”",
            mark_output(output, found.hint, reference),
            f"mean ROUGE {100 * mean[i]:.1f} (words stemmed)",
        )
        for i, output in enumerate(found.outputs)
    ]
    return LivePassages((*cards, Passage("Reference", (Span(reference),))), words=_words(found, 1))


def _words(found: Removal, b: int) -> str:
    lost, nats = 100.0 * found.rouge_lost[b], found.log_probability_lost
    by_rouge, by_nats = int(lost.argmax()), int(nats.argmax())
    same = int((found.rouge_lost[b] == 0.0).sum())
    names = [f"“{shorten(phrase, PHRASE_CHARACTERS)}”" for phrase in found.phrases]
    return join(
        [
            f"Without {names[by_nats]} the reference loses most, "
            f"{float(nats[by_nats]):.2f} nats of log probability"
            if nats[by_nats] > 0
            else "No phrase makes the reference more probable on this article",
            f"; by ROUGE it is {names[by_rouge]}, {float(lost[by_rouge]):.1f} points "
            f"({'words stemmed' if b else 'words not stemmed'})."
            if lost[by_rouge] > 0
            else "; by ROUGE no phrase is missed.",
            f"{same} of {len(names)} phrases leave ROUGE exactly as it was." if same else "",
            "ROUGE jumps, because another word may change the whole summary; the log probability "
            "moves smoothly and needs no sampling. Green phrases stand in the reference.",
        ]
    ).replace(" ; ", "; ")
