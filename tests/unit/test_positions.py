"""The axes of live figures are the live parameters as declared."""

from dataclasses import dataclass
from typing import Annotated

from workbench.figures.positions import live_axes
from workbench.params import Choice, Flag, Range, Text


@dataclass(frozen=True)
class Params:
    count: Annotated[int, Range(1, 3, 1, "Count", live=True)] = 1
    share: Annotated[float, Range(0.0, 0.3, 0.1, "Share", live=True)] = 0.0
    still: Annotated[float, Range(0.0, 1.0, 0.5, "Still")] = 0.0
    kind: Annotated[str, Choice(("a", "b"), "Kind", live=True)] = "a"
    told: Annotated[str, Text("Told")] = ""
    on: Annotated[bool, Flag("On", live=True)] = False


def test_live_parameters_become_axes_in_order_and_others_do_not() -> None:
    axes = live_axes(Params)
    assert list(axes) == ["count", "share", "kind", "on"]
    assert axes == {
        "count": [1, 2, 3],
        "share": [0.0, 0.1, 0.2, 0.3],
        "kind": ["a", "b"],
        "on": [False, True],
    }


def test_whole_numbers_stay_whole() -> None:
    assert [type(position) for position in live_axes(Params)["count"]] == [int, int, int]
