"""``vision.measure``: what a network of the VisionLLM tab answers on a test set."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import preparing

MAX_SCENES = 2_000


class Arguments(Base):
    """``scenes``: how many."""

    scenes: Annotated[int, Field(ge=8, le=MAX_SCENES)] = 500


def measure(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Measure for one request; it can be stopped between passes."""
    from workbench.training.visionllm.measure import Bench, collect, world_of
    from workbench.training.visionllm.recipe import VARIANTS, Recipe

    # A variant that was trained for detection alone is asked for nothing else.
    recipe = VARIANTS.get(loaded.name, Recipe())
    world = world_of(loaded.model.shape)
    bench = Bench(loaded.model, world, item.arguments.scenes, item.seed or 0, control.check)
    outcomes = collect(
        bench,
        has_all_tasks=recipe.first_stage < 1,
        report=lambda fraction, text: control.progress(number, fraction, text),
    )
    return Output(
        outcomes.arrays,
        {"question_kinds": list(outcomes.question_kinds), "class_names": list(world.names)},
    )


OPERATION = Operation(
    name="vision.measure",
    version=2,
    kinds=frozenset({"visionllm"}),
    prepare=preparing(Arguments),
    run=one_by_one(measure),
    summary="What a network answers on a test set of scenes, laid open for every score.",
)
