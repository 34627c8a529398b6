"""What the figures of a swapped head say."""

from __future__ import annotations

from workbench.figures.attention.wording import IN_SENTENCE, say_number
from workbench.figures.wording import keep_together
from workbench.methods.attention.swap import Effect, Result

HARDLY = 0.97
"""A model that keeps this share of its likeliest words without the head can do without it."""


def say_next_word(result: Result, kind: str, degree: int) -> str:
    """How far the polynomial moves the next word, beside the baselines, and what it would cost."""
    effect = result.polynomials[kind, degree]
    if not effect.is_available:
        return _say_missing(result, kind)
    kept = result.params.dimension
    columns, tokens = result.ranks[degree], len(result.tokens)
    cost = (
        f"It takes {columns:,} columns in {kept} of {result.head_dimension} dimensions, for "
        f"{tokens} tokens" + (": nothing is saved." if columns >= tokens else ".")
    )
    if effect.negative_rows:
        cost = (
            f"At {effect.negative_rows} of {tokens} positions its weights sum to less than 0, and "
            "the head's output means nothing there."
        )
    return keep_together(
        f"With a degree-{degree} {IN_SENTENCE[kind]} polynomial in its place the head's output is "
        f"off by {_percent(effect.output_error)}, the next word moves by "
        f"{say_number(effect.mean_divergence)} nats on average (at most "
        f"{say_number(effect.max_divergence)}), and the likeliest word stays at "
        f"{_percent(effect.agreement)} of the positions. {_compare(result, effect)} {cost}"
    )


def say_texts(result: Result, kind: str, degree: int) -> str:
    """Whether the text that the model writes changes."""
    effect, zero = result.polynomials[kind, degree], result.baselines["zero"]
    if not effect.is_available:
        return _say_missing(result, kind)
    if not result.params.new_tokens:
        return "No tokens were asked for; raise “Tokens to write” and run again."
    same, same_without = effect.text == result.text, zero.text == result.text
    name = f"a degree-{degree} {IN_SENTENCE[kind]} polynomial in the head's place"
    if same == same_without:
        said = f"With {name} the text is {_say_same(same)}, and so it is without the head."
    else:
        said = f"With {name} the text is {_say_same(same)}, without the head {_say_same(not same)}."
    return (
        f"Each line continues the text with the likeliest word, {result.params.new_tokens} tokens. "
        f"{said} One word that tips over changes all that follow (bold), so a text says less than "
        "the divergence does."
    )


def _say_same(is_same: bool) -> str:
    return "the model's own" if is_same else "another"


def _compare(result: Result, effect: Effect) -> str:
    zero, projected = result.baselines["zero"], result.baselines["projected"]
    share = (
        "Most of that is the projection's doing"
        if projected.mean_divergence > 0.5 * effect.mean_divergence
        else f"The projection alone makes {say_number(projected.mean_divergence)} of that"
    )
    removed = (
        f"Without the head the next word moves by {say_number(zero.mean_divergence)} nats and "
        f"{_percent(zero.agreement)} stay"
    )
    if effect.mean_divergence > zero.mean_divergence:
        return f"{removed}: this stand-in is worse than no head at all."
    if zero.agreement >= HARDLY:
        return f"{removed}: replacing this head changes little, but so does removing it."
    return f"{share}. {removed}: the head matters, and the stand-in keeps its part."


def _say_missing(result: Result, kind: str) -> str:
    return (
        f"A {IN_SENTENCE[kind]} polynomial is not computed for scores up to "
        f"{result.score_bound:.0f}: beyond 16, rounding hides the error that it levels. Choose "
        "another kind, or fewer dimensions."
    )


def _percent(share: float) -> str:
    return f"{100.0 * share:.0f} %" if share < 2.0 else f"{share:,.3g} times its size"
