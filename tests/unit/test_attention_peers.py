"""The peers of the polynomial: what defines each, what must hold of all, and what is refused."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.methods.attention import (
    exact_attention,
    favor_attention,
    importance_sampling_attention,
    make_inputs,
    mean_of_values,
    nystrom_attention,
    polynomial_attention,
    sliding_window_attention,
    uniform_sampling_attention,
)
from workbench.methods.attention.peers import (
    window,
)
from workbench.methods.attention.peers.arguments import check_size

Attend = Callable[..., np.ndarray]

PEERS: dict[str, Attend] = {
    "favor": lambda q, k, v, m: favor_attention(q, k, v, features=m, seed=3),
    "nystrom": lambda q, k, v, m: nystrom_attention(q, k, v, landmarks=m),
    "uniform": lambda q, k, v, m: uniform_sampling_attention(q, k, v, samples=m, seed=3),
    "importance": lambda q, k, v, m: importance_sampling_attention(
        q, k, v, block=m, samples=m, seed=3
    ),
    "window": lambda q, k, v, m: sliding_window_attention(q, k, v, window=m),
    "mean": lambda q, k, v, _: mean_of_values(q, k, v),
}
POSITIVE = ("favor", "uniform", "importance", "window", "mean")
"""Methods whose weights are all positive."""


@st.composite
def instances(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Queries, keys, values and a budget no larger than n."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(1, 20)), draw(st.integers(1, 5))
    q, k = random.uniform(-1.0, 1.0, (2, n, d)) * draw(st.floats(0.1, 3.0))
    return q, k, random.uniform(-3.0, 3.0, (n, 2)), draw(st.integers(1, n))


# ---------------------------------------------------------------- all of them


@pytest.mark.parametrize("name", PEERS)
@given(instance=instances())
@settings(max_examples=25, deadline=None)
def test_values_of_one_give_outputs_of_one(name: str, instance: tuple) -> None:
    q, k, v, budget = instance
    ones = PEERS[name](q, k, np.ones_like(v), budget)
    # Nyströmformer's inverse magnifies rounding by up to 1e10; see its module.
    np.testing.assert_allclose(ones, 1.0, atol=1e-5 if name == "nystrom" else 1e-12)


@pytest.mark.parametrize("name", POSITIVE)
@given(instance=instances())
@settings(max_examples=25, deadline=None)
def test_positive_weights_keep_outputs_within_the_values(name: str, instance: tuple) -> None:
    q, k, v, budget = instance
    output = PEERS[name](q, k, v, budget)
    assert output.shape == (len(q), 2)
    assert (output >= v.min(axis=0) - 1e-12).all()
    assert (output <= v.max(axis=0) + 1e-12).all()


@pytest.mark.parametrize("name", ["nystrom", "uniform", "importance", "window"])
@given(instance=instances())
@settings(max_examples=25, deadline=None)
def test_a_budget_of_all_tokens_is_exact_attention(name: str, instance: tuple) -> None:
    q, k, v, _ = instance
    tolerance = 1e-5 if name == "nystrom" else 1e-12
    np.testing.assert_allclose(
        PEERS[name](q, k, v, len(k)), exact_attention(q, k, v), atol=tolerance
    )


@pytest.mark.parametrize("name", ["favor", "mean"])
@given(instance=instances(), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_the_order_of_keys_does_not_matter(name: str, instance: tuple, seed: int) -> None:
    q, k, v, budget = instance
    order = np.random.default_rng(seed).permutation(len(k))
    np.testing.assert_allclose(
        PEERS[name](q, k[order], v[order], budget), PEERS[name](q, k, v, budget), atol=1e-10
    )


@pytest.mark.parametrize("name", ["favor", "uniform", "mean"])
@given(instance=instances(), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_a_query_is_answered_without_the_others(name: str, instance: tuple, seed: int) -> None:
    q, k, v, budget = instance
    order = np.random.default_rng(seed).permutation(len(q))
    np.testing.assert_allclose(
        PEERS[name](q[order], k, v, budget), PEERS[name](q, k, v, budget)[order], atol=1e-10
    )


def test_the_order_of_keys_matters_to_a_window() -> None:
    q, k, v = make_inputs("uniform", tokens=32, dimension=3, seed=0)
    reverse = sliding_window_attention(q, k[::-1], v[::-1], window=4)
    assert np.abs(reverse - sliding_window_attention(q, k, v, window=4)).max() > 0.1


def test_the_mean_is_exact_where_queries_say_nothing() -> None:
    _, k, v = make_inputs("uniform", tokens=32, dimension=3, seed=0)
    nothing = np.zeros((5, 3))
    np.testing.assert_allclose(
        mean_of_values(nothing, k, v), exact_attention(nothing, k, v), atol=1e-15
    )


REFERENCE = {
    "taylor 2": (1e-4, 7e-3, 0.06, 0.30),
    "taylor 4": (1e-6, 9e-4, 0.03, 0.25),
    "favor": (3e-3, 0.03, 0.15, 0.37),
    "nystrom": (1e-3, 0.07, 0.93, 6.9),
    "uniform": (0.06, 0.08, 0.18, 0.47),
    "mean": (0.01, 0.04, 0.12, 0.32),
}
"""Largest errors at B = 1, 2, 3, 4 for n = 1,024 and d = 8 with uniform entries and V in [-1, 1].

Computed once by another implementation of the same formulas, on other random numbers.
"""


def test_errors_are_of_the_size_another_implementation_found() -> None:
    queries, keys, v = make_inputs("uniform", tokens=1_024, dimension=8, seed=0)
    for i, b in enumerate((1.0, 2.0, 3.0, 4.0)):
        q, k = b * queries, b * keys
        exact = exact_attention(q, k, v)
        outputs = {
            "taylor 2": polynomial_attention(q, k, v, degree=2, kind="taylor"),
            "taylor 4": polynomial_attention(q, k, v, degree=4, kind="taylor"),
            "favor": favor_attention(q, k, v, features=512, seed=0),
            "nystrom": nystrom_attention(q, k, v, landmarks=64),
            "uniform": uniform_sampling_attention(q, k, v, samples=256, seed=0),
            "mean": mean_of_values(q, k, v),
        }
        for name, output in outputs.items():
            error = float(np.abs(output - exact).max())
            assert 0.5 < error / REFERENCE[name][i] < 2.0, (name, b, error)


# ---------------------------------------------------------------- the window


@given(instance=instances())
@settings(max_examples=40, deadline=None)
def test_a_window_is_attention_to_neighbours_by_hand(instance: tuple) -> None:
    q, k, v, width = instance
    n = len(q)
    wanted = np.empty_like(v)
    for i in range(n):
        first = min(max(i - width // 2, 0), n - width)
        near = slice(first, first + width)
        wanted[i] = exact_attention(q[i : i + 1], k[near], v[near])[0]
    np.testing.assert_allclose(sliding_window_attention(q, k, v, window=width), wanted, atol=1e-12)


def test_a_window_in_blocks_equals_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    q, k, v = make_inputs("uniform", tokens=50, dimension=4, seed=3)
    whole = sliding_window_attention(q, k, v, window=9)
    monkeypatch.setattr(window, "BLOCK_ROWS", 7)
    np.testing.assert_allclose(sliding_window_attention(q, k, v, window=9), whole, atol=1e-14)


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("attend", "options", "said"),
    [
        (favor_attention, {"features": 0, "seed": 0}, "Features: 0 is not possible; .* from 1"),
        (favor_attention, {"features": 2.5, "seed": 0}, "Features: 2.5 is not possible"),
        (favor_attention, {"features": 4, "seed": -1}, "Seed: -1 is not possible"),
        (favor_attention, {"features": 10**10, "seed": 0}, "GiB"),
        (nystrom_attention, {"landmarks": 7}, "Landmarks: 7 .* 1 to 6, the number of tokens"),
        (nystrom_attention, {"landmarks": True}, "Landmarks: True is not possible"),
        (uniform_sampling_attention, {"samples": 7, "seed": 0}, "1 to 6, the number of keys"),
        (uniform_sampling_attention, {"samples": 2, "seed": None}, "Seed: NoneType"),
        (importance_sampling_attention, {"block": 0, "samples": 2, "seed": 0}, "Block: 0"),
        (importance_sampling_attention, {"block": 2, "samples": 9, "seed": 0}, "Samples: 9"),
        (sliding_window_attention, {"window": 0}, "Window: 0 is not possible"),
        (sliding_window_attention, {"window": "3"}, "Window: str is not possible"),
    ],
)
def test_budgets_that_make_no_sense_are_refused(attend: Attend, options: dict, said: str) -> None:
    q, k, v = make_inputs("uniform", tokens=6, dimension=2, seed=0)
    with pytest.raises(InputError, match=said):
        attend(q, k, v, **options)


@pytest.mark.parametrize("name", PEERS)
def test_entries_that_are_not_finite_are_refused_with_their_place(name: str) -> None:
    q, k, v = make_inputs("uniform", tokens=6, dimension=2, seed=0)
    k[3, 1] = np.nan
    with pytest.raises(InputError, match=r"keys .* row 3, column 1"):
        PEERS[name](q, k, v, 2)


def test_a_window_needs_as_many_keys_as_queries() -> None:
    q, k, v = make_inputs("uniform", tokens=6, dimension=2, seed=0)
    with pytest.raises(InputError, match="4 queries and 6 keys"):
        sliding_window_attention(q[:4], k, v, window=2)


def test_an_array_too_large_is_refused_with_what_fits() -> None:
    with pytest.raises(InputError, match=r"1,000,000 keys a query .* at most 268 fit"):
        check_size(1_000_000, 1_000_000, of="keys a query")
