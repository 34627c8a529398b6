"""What does it reach? Every task of one network on scenes it has never seen, with baselines.

Wang et al. 2023, arXiv:2305.11175, tables 1 to 6, on scenes of this project's own: no weights of
the paper's model were ever published, so none of its numbers can be measured here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from workbench.methods.visionllm.outcomes import Numbers, Outcomes, count_up
from workbench.params import Model, Range, check
from workbench.server.api import ModelClient, Request
from workbench.study import Study, Summary

DEFAULT_MODEL: Final = "visionllm-pointer"
MODEL: Final = Model("visionllm", "Network")


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    model: Annotated[str, MODEL] = DEFAULT_MODEL
    scenes: Annotated[int, Range(100, 1_000, 100, "Test scenes")] = 500

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class Result:
    """What the test set says.

    Args:
        params: what was asked for.
        numbers: with intervals, and their baselines.
        outcomes: what was answered on each scene.
        class_names: of the labels.
    """

    params: Params
    numbers: Numbers
    outcomes: Outcomes
    class_names: tuple[str, ...]


def gather(client: ModelClient, params: Params) -> tuple[Outcomes, tuple[str, ...]]:
    """Ask the network everything."""
    answer = client.call(
        Request(
            "vision.measure",
            model=params.model,
            arguments={"scenes": params.scenes},
            dtype="float32",
            label="Measuring",
        )
    )
    kinds, names = (
        tuple(map(str, answer.values[key]))  # type: ignore[arg-type]
        for key in ("question_kinds", "class_names")
    )
    return Outcomes(answer.arrays, kinds), names


def compute(inputs: tuple[Outcomes, tuple[str, ...]], params: Params) -> Result:
    """Count up."""
    outcomes, names = inputs
    return Result(params, count_up(outcomes), outcomes, names)


def summarise(result: Result) -> Summary:
    """Every number with its interval, and the baselines."""
    numbers: dict[str, float | int] = {}
    for name, one in result.numbers.measured.items():
        one.put(numbers, name, digits=6)
    numbers |= {name: float(f"{one:.6g}") for name, one in result.numbers.baselines.items()}
    return numbers | {"scenes": result.numbers.scenes}


REACHED: Study[Params, tuple[Outcomes, tuple[str, ...]], Result] = Study(
    slug="visionllm",
    title="What it reaches",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
