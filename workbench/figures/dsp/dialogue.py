"""Dialogue acts: one turn answered without an act, with the recorded one, and with your own."""

from __future__ import annotations

import numpy as np
from plotly.subplots import make_subplots

from workbench.figures.live import LiveFigure
from workbench.figures.marks import add_points
from workbench.figures.passages import LivePassages, Passage, Span
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import join, say_percent
from workbench.methods.dsp.dialogue_result import Dialogue, Reply
from workbench.methods.dsp.published import DIALOGUES, relative_gain


def draw_dialogue(found: Dialogue) -> LivePassages:
    """The conversation so far, the three answers, and the recorded one."""
    spans: list[Span] = []
    for turn in found.history:
        spans += [
            Span("User: ", "muted"),
            Span(f"{turn.user}\n"),
            Span(f"Assistant ({turn.act}): ", "muted"),
            Span(f"{turn.reply}\n"),
        ]
    spans += [Span("User: ", "muted"), Span(found.turn.user, "accent")]
    return LivePassages(
        (
            Passage(
                "The dialogue so far", tuple(spans), "Acts and answers as recorded.", is_wide=True
            ),
            _answer("Without an act", found.without),
            _answer("With the recorded act", found.recorded),
            _answer("With your act", found.own),
            Passage("Recorded answer", (Span(found.turn.reply),), found.turn.act),
        ),
        words=_words(found),
    )


def draw_published_dialogues(found: Dialogue) -> LiveFigure:
    """The paper's MultiWOZ table: combined score and BLEU."""
    figure = make_subplots(
        1, 2, column_widths=[0.6, 0.4], horizontal_spacing=0.03, shared_yaxes=True
    )
    heights = np.arange(len(DIALOGUES), dtype=float)[::-1]
    for version, symbol, scores in (
        ("2.0", "square", [row.on_2_0 for row in DIALOGUES]),
        ("2.1", "square-open", [row.on_2_1 for row in DIALOGUES]),
    ):
        for col, values in (
            (1, [score.combined for score in scores]),
            (2, [score.bleu for score in scores]),
        ):
            add_points(
                figure,
                1,
                col,
                x=values,
                y=heights,
                name=f"published, MultiWOZ {version}",
                symbol=symbol,
                color=PALETTE["published"],
                line={"width": 2, "color": PALETTE["published"]},
                showlegend=col == 1,
                hovertemplate=f"MultiWOZ {version}: %{{x:.1f}}, published<extra></extra>",
            )
    figure.update_layout(template=TEMPLATE, height=460, margin={"t": 56, "l": 196, "r": 20})
    figure.update_yaxes(
        tickvals=heights, ticktext=[row.system for row in DIALOGUES], range=[-0.6, 7.6]
    )
    figure.update_xaxes(title_text="combined score, published", range=[60.0, 115.0], row=1, col=1)
    figure.update_xaxes(title_text="BLEU, published", range=[5.0, 22.0], row=1, col=2)
    by_name = {row.system: row.on_2_0 for row in DIALOGUES}
    standard, trained = (by_name[f"ChatGPT, {n}"] for n in ("standard", "reinforced, 80"))
    words = (
        f"Published: acts written by a policy trained on 80 dialogues lift the combined score from "
        f"{standard.combined:.1f} to {trained.combined:.1f}, "
        f"{say_percent(relative_gain(trained.combined, standard.combined), 0)} more; that is "
        f"Inform and Success, while BLEU, the reward itself, falls from {standard.bleu:.1f} to "
        f"{trained.bleu:.1f}. Here there is no database to look things up in, so neither Inform "
        f"nor Success is measured; {found.model} is judged by BLEU alone."
    )
    return LiveFigure(figure, {}, (), words)


def _answer(title: str, reply: Reply) -> Passage:
    act = f"{reply.act} · " if reply.act else ""
    return Passage(title, (Span(reply.text),), f"{act}BLEU {reply.bleu:.1f} of 100")


def _words(found: Dialogue) -> str:
    best = max((found.without, found.recorded, found.own), key=lambda reply: reply.bleu)
    same = found.own.text.split() == found.recorded.text.split()
    share = say_percent(found.own.jaccard, 0)
    return join(
        [
            f"Your act shares {share} of its parts with the recorded one.",
            "The answer is the same with both acts: the model does not heed the difference."
            if same and found.own.act != found.recorded.act
            else "",
            f"BLEU against the recorded answer is {found.without.bleu:.1f} without an act, "
            f"{found.recorded.bleu:.1f} with the recorded act and {found.own.bleu:.1f} with yours."
            if best.bleu > 0
            else "No answer shares as much as a word with the recorded one.",
            "One turn: it shows what an act does, not how good acts are on average.",
        ]
    )
