"""Names beside the ends of curves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.figures.attention.labels import spread_labels


@given(places=st.lists(st.floats(-8.0, 3.0), min_size=1, max_size=9), gap=st.floats(0.01, 0.6))
def test_labels_keep_their_order_distance_and_frame(places: list[float], gap: float) -> None:
    moved = spread_labels(np.array(places), gap=gap, low=-5.0, high=1.0)
    wanted = np.clip(places, -5.0, 1.0)
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(moved[order]) >= gap - 1e-9).all()
    assert moved.min() >= -5.0 - 1e-9
    assert moved.max() <= 1.0 + 1e-9
    if (np.diff(wanted[order]) >= gap).all():
        np.testing.assert_allclose(moved, wanted, atol=1e-9)


def test_two_labels_in_one_place_move_apart_evenly() -> None:
    moved = spread_labels(np.array([0.0, 0.0]), gap=0.4, low=-5.0, high=1.0)
    assert sorted(moved) == pytest.approx([-0.2, 0.2])


def test_labels_that_do_not_fit_share_the_frame() -> None:
    moved = spread_labels(np.zeros(4), gap=5.0, low=0.0, high=3.0)
    assert sorted(moved) == pytest.approx([0.0, 1.0, 2.0, 3.0])
