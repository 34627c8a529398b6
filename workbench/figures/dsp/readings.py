"""The summaries themselves: one article, without a hint and with the hint of a source."""

from __future__ import annotations

from workbench.figures.dsp.sources import SUBJECTS
from workbench.figures.dsp.texts import list_phrases, mark_article, mark_output, say_marks
from workbench.figures.dsp.wording import say_score
from workbench.figures.live import Slot
from workbench.figures.passages import LivePassages, Passage, Role, Span
from workbench.figures.wording import each, join, say_signed
from workbench.methods.dsp.comparison import READ, ROW_NAMES, SOURCE, Comparison
from workbench.methods.dsp.marking import FATES, fate

AXES = ("article", "source")


def draw_readings(found: Comparison) -> LivePassages:
    """Article, reference, and the summary without and with the hint, side by side."""
    sources = [name for name in SOURCE.options if name in found.sources]
    numbers = range(min(READ, len(found.articles)))
    # the control goes on to its last position whatever the number of articles
    shown = [min(n, len(found.articles) - 1) for n in range(READ)]
    passages = [[_passages(found, n, source) for source in sources] for n in numbers]
    words = each(lambda a, s: _words(found, shown[a], sources[s]), READ, len(sources))
    return LivePassages(
        [passages[n] for n in shown],
        {"article": [n + 1 for n in range(READ)], "source": sources},
        Slot("", AXES, words),
    )


def _passages(found: Comparison, a: int, source: str) -> tuple[Passage, ...]:
    article = found.articles[a]
    none, s = found.sources.index("none"), found.sources.index(source)
    hint = found.hints[s][a]
    output = found.outputs[s][a]

    def role_of(phrase: str) -> tuple[Role, str]:
        what = fate(phrase, output, article.reference)
        return what, FATES[what]

    return (
        Passage("Without a hint", (Span(found.outputs[none][a]),), _note(found, a, "none")),
        Passage(
            "With the hint", mark_output(output, hint, article.reference), _note(found, a, source)
        ),
        Passage(f"Hint: {ROW_NAMES[source]}", list_phrases(hint, role_of)),
        Passage("Reference", (Span(article.reference),)),
        Passage(
            f"Article {a + 1}",
            mark_article(article.text, hint, article.reference),
            say_marks(hint, article.reference),
            is_wide=True,
        ),
    )


def _note(found: Comparison, a: int, row: str) -> str:
    scores = found.of_first[1, :3, found.rows.index(row), a]
    return "ROUGE-1, 2, L (words stemmed): " + ", ".join(say_score(score) for score in scores)


def _words(found: Comparison, a: int, source: str) -> str:
    one, other = (found.of_first[1, 0, found.rows.index(r), a] for r in (source, "none"))
    whole = found.gain(source, "none")
    return join(
        [
            f"{SUBJECTS[source]} move ROUGE-1 of this article's summary by "
            f"{say_signed(100 * float(one - other))} points, words stemmed.",
            f"One article proves nothing: over all {len(found.articles)} it is "
            f"{say_signed(100 * whole.mean)}, with an interval from {say_signed(100 * whole.low)} "
            f"to {say_signed(100 * whole.high)}.",
        ]
    )
