"""The hint bench: one article, one hint, and what the language model writes with and without it."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.figures.dsp.texts import list_phrases, mark_article, mark_output, say_marks
from workbench.figures.dsp.wording import say_score
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.passages import LivePassages, Passage, Role, Span
from workbench.figures.theme import PALETTE, TEMPLATE
from workbench.figures.wording import each, join, say_count, say_signed
from workbench.methods.dsp.bench_result import Bench
from workbench.methods.dsp.marking import FATES
from workbench.methods.dsp.records import METRIC_NAMES

AXIS = ("stemmer",)
SERIES = (
    ("first two sentences", PALETTE["baseline"], 0.55),
    ("without the hint", PALETTE["blue"], 1.0),
    ("with the hint", PALETTE["green"], 1.0),
)


def draw_bench(found: Bench) -> LivePassages:
    """Both summaries side by side, above the article with the hint's phrases and the reference."""
    fates = dict(zip(found.phrases, found.fates, strict=True))
    article, reference = found.article, found.article.reference

    def role_of(phrase: str) -> tuple[Role, str]:
        return fates[phrase], FATES[fates[phrase]]

    title = f"Test article {found.number}" if found.number else "Your own article"
    passages = (
        Passage("Without the hint", (Span(found.output_without),), _note(found.output_without)),
        Passage(
            "With the hint",
            mark_output(found.output_with, found.phrases, reference),
            _note(found.output_with),
        ),
        Passage("Hint", list_phrases(found.phrases, role_of)),
        *(
            (Passage("Reference", (Span(reference),), "Never shown to the model."),)
            if reference
            else ()
        ),
        Passage(
            title,
            mark_article(article.text, found.phrases, reference),
            say_marks(found.phrases, reference),
            is_wide=True,
        ),
    )
    return LivePassages(passages, words=_words(found, 1))


def draw_bench_scores(found: Bench) -> LiveFigure:
    """ROUGE of both summaries and of the article's first two sentences."""
    scores = 100.0 * np.stack([found.rouge_lead2, found.rouge_without, found.rouge_with])
    figure = go.Figure()
    for (name, colour, opacity), values in zip(SERIES, scores, strict=True):
        figure.add_bar(
            x=list(METRIC_NAMES),
            y=values[1],
            name=name,
            marker={"color": colour, "opacity": opacity},
            texttemplate="%{y:.1f}",
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"%{{x}}, {name}: %{{y:.2f}}<extra></extra>",
        )
    figure.update_layout(
        template=TEMPLATE, height=440, margin={"t": 60, "r": 20}, bargap=0.3, bargroupgap=0.08
    )
    figure.update_yaxes(
        title_text="score (F1 × 100)", range=[0.0, min(112.0, 1.15 * float(scores.max()) + 2.0)]
    )
    slots = tuple(Slot(f"data[{i}].y", AXIS, scores[i]) for i in range(len(SERIES)))
    words = Slot("", AXIS, each(lambda b: _words(found, b), 2))
    return LiveFigure(figure, {"stemmer": [False, True]}, slots, words)


def say_so_far(scores: np.ndarray, *, stemmer: bool) -> str:
    """ROUGE of a summary that is still being written, in one line."""
    said = ", ".join(say_score(float(one)) for one in scores)
    return f"ROUGE-1, 2, L so far (words {'stemmed' if stemmer else 'not stemmed'}): {said}"


def _note(output: str) -> str:
    return say_count(len(output.split()), "word")


def _words(found: Bench, b: int) -> str:
    setting = "words stemmed" if b else "words not stemmed"
    with_hint, without, lead = (
        float(scores[b, 0]) for scores in (found.rouge_with, found.rouge_without, found.rouge_lead2)
    )
    change = 100.0 * (with_hint - without)
    score = (
        f"With the hint ROUGE-1 is {say_score(with_hint)}, without it {say_score(without)} "
        f"({say_signed(change)} points, {setting}); the article's first two sentences have "
        f"{say_score(lead)}" + (": they win." if lead > max(with_hint, without) else ".")
    )
    if not found.article.reference:
        score = "Without a reference summary there is no ROUGE; give one to see it."
    if not found.phrases:
        return join(["The hint is empty, so both summaries are the same question twice.", score])
    used = sum(fate != "muted" for fate in found.fates)
    strange = found.not_in_article
    return join(
        [
            score,
            f"The summary took up {used} of {say_count(len(found.phrases), 'phrase')}"
            + (f"; the reference has {found.hits} of them." if found.article.reference else "."),
            f"Not in the article: {'; '.join(strange)}. The model may write it all the same."
            if strange
            else "",
            "This is one article: it shows how, not whether, hints help.",
        ]
    )
