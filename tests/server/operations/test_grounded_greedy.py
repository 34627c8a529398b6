"""The theatre plans with a real, if tiny, model as when every command is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.server.operations.recording import run_one
from workbench.methods.grounded import theatre
from workbench.methods.grounded.moments import moments
from workbench.methods.grounded.scene import open_scene
from workbench.methods.grounded.worlds.board import value_of
from workbench.methods.grounded.worlds.tabletop import Tabletop
from workbench.models.language_model import LanguageModel
from workbench.server.api import Receipt, Request, Result, canonical_json
from workbench.server.operations import score_skills

RECEIPT = Receipt(
    "language.score_skills", 1, "tiny", "", "float32", "cpu", None, "", "", "", 1.0, {}
)


class TinyServer:
    """Computes each question once, as an engine does."""

    def __init__(self, loaded: LanguageModel) -> None:
        # positions are rotations: more of them than the model was made for still give numbers
        self.loaded = replace(loaded, max_tokens=4096)
        self.known: dict[str, Result] = {}

    @property
    def contexts(self) -> int:
        """How many contexts were read."""
        return sum(len(answer.arrays["internal"]) for answer in self.known.values())

    @property
    def first_steps(self) -> set[str]:
        """What was asked before the first step of a plan."""
        return {key for key in self.known if 'Step 1:",' in key}

    def call(self, request: Request) -> Result:
        key = canonical_json(dict(request.arguments))
        if key not in self.known:
            output = run_one(score_skills.OPERATION, self.loaded, request.arguments)
            self.known[key] = Result(output.arrays, output.values, RECEIPT)
        return self.known[key]


def play(server: TinyServer, **values: Any) -> theatre.Result:
    params = theatre.Params(task="brown_box", scene=2, **values)
    return theatre.compute(theatre.gather(server, params), params)  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [{}, {"vocabulary": "closed"}, {"strength": 0.2}], ids=str)
def test_plan_and_bars_are_those_of_the_whole_read(
    llama: LanguageModel, values: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, some = TinyServer(llama), TinyServer(llama)
    expected = play(whole, **values)
    monkeypatch.setattr(theatre, "LONG", 20)
    result = play(some, **values)
    for one, other in ((result.grounded, expected.grounded), (result.alone, expected.alone)):
        assert one.commands == other.commands
        assert one.outcome == other.outcome
        for here, there in zip(moments(one), moments(other), strict=True):
            assert here.labels == there.labels
            assert here.chosen == there.chosen
            np.testing.assert_allclose(here.language, there.language, atol=1e-5)
    assert 0 < some.contexts < whole.contexts


def test_what_is_taken_away_or_moved_executes_nothing(
    llama: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(theatre, "LONG", 20)
    server = TinyServer(llama)
    given = {"vocabulary": "closed", "habit": False}
    world, _ = open_scene(theatre.Params(task="brown_box", scene=2))
    assert isinstance(world, Tabletop)
    commands = {play(server, **given).grounded.commands[0]}
    known = server.first_steps
    for thing in world.things:
        commands.add(play(server, **given, taken=thing.name).grounded.commands[0])
    assert server.first_steps == known
    assert len(commands) > 1, "another command is chosen, and its end was known"
    board = value_of(world)
    play(server, **given, board=board)
    known = server.first_steps
    play(server, **given, board=board.replace("@0.", "@0.1"))
    assert server.first_steps == known
