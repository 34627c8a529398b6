"""The studies of grounded decoding, with a model server made of words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.grounded_client import WordClient
from workbench.errors import InputError
from workbench.figures.grounded.theatre import draw_theatre
from workbench.methods.grounded import manifold, mixer, one_step, telling, theatre
from workbench.methods.grounded.scene import open_scene
from workbench.methods.grounded.worlds.tabletop import Tabletop
from workbench.methods.grounded.worlds.world import FREE
from workbench.server.api import canonical_json
from workbench.study import Study

BOXES: dict[str, Any] = {"task": "brown_box", "vocabulary": "closed"}


def answer(study: Study, client: WordClient | None = None, **values: Any) -> tuple[Any, Any]:
    params = study.params(**values)
    result = study.compute(study.gather(client or WordClient(), params), params)  # type: ignore[arg-type]
    summary = study.summarise(result)
    canonical_json(dict(summary))  # finite numbers, plain values
    return result, summary


def test_the_theatre_shows_both_plans_of_one_scene() -> None:
    result, summary = answer(theatre.THEATRE, **BOXES)
    assert result.grounded.steps[0].world is result.alone.steps[0].world
    assert result.alone.settings.method == "ungrounded"
    assert summary["steps"] == len(result.grounded.steps)
    assert all(step.could for step in result.grounded.steps)


def test_moving_an_object_asks_the_model_nothing() -> None:
    client = WordClient()
    one_step.gather(client, one_step.TrieParams(task="stack_all", scene=1))  # type: ignore[arg-type]
    one_step.gather(
        client,  # type: ignore[arg-type]
        one_step.TrieParams(task="stack_all", board="red block@0.2,0.2; blue block@0.6,0.6"),
    )
    first, second = client.asked
    assert first.arguments == second.arguments
    assert first.model == second.model


def test_other_words_move_the_models_numbers_and_no_value_of_the_scene() -> None:
    clients = [WordClient(), WordClient()]
    said = ("put the food in the brown box", "lay the table, s'il vous plaît")
    (one, _), (other, _) = (
        answer(one_step.TRIE, client, **BOXES, instruction=words, safety=True, noise=0.3)
        for client, words in zip(clients, said, strict=True)
    )
    first, second = (client.asked[0].arguments for client in clients)
    assert first["prompt"] != second["prompt"]
    assert {**first, "prompt": ""} == {**second, "prompt": ""}
    assert one.grounding.values.tobytes() == other.grounding.values.tobytes()
    assert one.values.tobytes() == other.values.tobytes()


def test_a_forced_token_stands_in_the_plan_and_can_be_let_go() -> None:
    plain, _ = answer(theatre.THEATRE, **BOXES)
    moments = theatre.moments(plain.grounded)
    place = next(i for i, m in enumerate(moments) if (m.grounding > 0).sum() > 1)
    moment = moments[place]
    row = next(
        i for i in range(len(moment.tokens)) if i != moment.chosen and moment.grounding[i] > 0
    )
    forced, _ = answer(theatre.THEATRE, **BOXES, forced=str(place * theatre.CANDIDATES + row))
    assert forced.grounded.commands != plain.grounded.commands
    written = theatre.moments(forced.grounded)[place]
    assert written.tokens[written.chosen] == moment.tokens[row]
    before = zip(theatre.moments(forced.grounded)[:place], moments, strict=False)
    assert all(one.tokens[one.chosen] == other.tokens[other.chosen] for one, other in before)
    said = draw_theatre(forced).words_at(moment=place + 1)
    assert "is forced" in said
    assert f"would pick “{moment.labels[moment.chosen].strip()}”" in said
    assert not any("is forced" in draw_theatre(plain).words_at(moment=m) for m in range(9))
    assert forced.alone.commands == plain.alone.commands


def test_forcing_a_token_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="no token number 799"):
        answer(theatre.THEATRE, **BOXES, forced="799")


def test_taking_a_thing_away_takes_its_skills_away() -> None:
    world, _ = open_scene(theatre.Params(task="matching"))
    assert isinstance(world, Tabletop)
    name = world.things[0].name
    for taken in ("", name):
        result, summary = answer(one_step.TRIE, task="matching", taken=taken)
        below = [i for i, s in enumerate(result.world.skills()) if f"the {name} and" in s]
        assert bool(result.grounding.product[below].any()) == (not taken)
        assert summary["skills"] == len(world.skills()) + 1


def test_the_trie_shows_the_value_of_every_prefix_of_the_chosen_command() -> None:
    result, summary = answer(one_step.TRIE, **BOXES)
    path = list(result.greedy.nodes)
    assert np.all(np.diff(result.values[path]) <= 0)
    assert result.values[path[-1]] == summary["value"] > 0
    assert summary["contexts"] < summary["tokens_every_skill"]


def test_a_wider_beam_reads_more_and_finds_no_worse() -> None:
    narrow, _ = answer(one_step.BEAM, **BOXES, width=1)
    wide, summary = answer(one_step.BEAM, **BOXES, width=16)
    for name in ("paper", "telescoped"):
        assert wide.beams[name].best.score >= narrow.beams[name].best.score
        assert wide.beams[name].best.tokens_scored > narrow.beams[name].best.tokens_scored
    assert narrow.beams["paper"].best.nodes == wide.greedy.nodes
    assert summary["tokens_saycan"] > summary["tokens_paper"]


def test_the_ends_of_the_mixer_are_the_model_alone_and_the_scene_alone() -> None:
    result, summary = answer(mixer.MIXER, **BOXES, noise=0.1)
    alone, _ = answer(theatre.THEATRE, **BOXES)
    assert result.episodes[0][0].commands == alone.alone.commands
    assert result.changed[0] == 0.0
    assert np.all(result.feasible[np.array(mixer.STRENGTHS) >= 1.0] == 1.0)
    assert summary["scenes"] == 1


def test_discounting_the_models_habits_asks_without_the_instruction() -> None:
    client = WordClient()
    answer(mixer.MIXER, client, **BOXES, beta=0.5)
    prompts = [str(request.arguments["prompt"]) for request in client.asked]
    assert any(prompt.startswith("Task:\n") for prompt in prompts)
    assert any(prompt.startswith("Task: put the food") for prompt in prompts)


@pytest.mark.parametrize("case", telling.CASES)
def test_the_list_in_the_prompt_is_that_of_before(case: str) -> None:
    client = WordClient()
    result, summary = answer(
        telling.TELLING, client, task="stack_all", vocabulary="closed", case=case
    )
    first, _ = open_scene(telling.Params(task="stack_all"))
    assert result.said == first.describe()
    told = [r for r in client.asked if "Objects:" in str(r.arguments["prompt"]).split("Task:")[-1]]
    assert 0 < len(told) < len(client.asked)
    assert summary["impossible_grounded"] == summary["impossible_both"] == 0
    if case == "stacked":
        assert [t.on for t in result.world.things] != [t.on for t in first.things]  # type: ignore[attr-defined]
        assert len(result.world.things) == len(first.things)  # type: ignore[attr-defined]
    if case == "gone":
        assert len(result.world.things) < len(first.things)  # type: ignore[attr-defined]


def test_projection_keeps_what_two_directions_hold() -> None:
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(30, 2)) @ rng.normal(size=(2, 8))
    points, spread = manifold.project(flat)
    assert spread == pytest.approx(1.0)
    gaps = np.linalg.norm(flat[:, None] - flat[None], axis=-1)
    assert np.linalg.norm(points[:, None] - points[None], axis=-1) == pytest.approx(gaps)
    assert manifold.project(np.ones((4, 3)))[1] == 1.0


def test_neighbours_are_counted_as_by_hand() -> None:
    line = np.arange(8.0)[:, None]
    able = np.array([1, 1, 1, 0, 0, 0, 0, 1], dtype=bool)
    # nearest two of 0: 1, 2; of 1: 0, 2; of 2: 1, 3; of 7: 6, 5
    assert manifold.alike(line, able, 2) == pytest.approx((2 + 2 + 1 + 0) / 8)
    assert np.isnan(manifold.alike(line, np.zeros(8, dtype=bool), 2))


def test_own_words_are_a_free_task_and_the_tasks_own_words_are_not() -> None:
    params = theatre.Params(task="stack_all", instruction="empile tous les blocs 🟥")
    assert open_scene(params)[1].template == FREE
    own = replace(params, instruction="  stack all   the blocks ")
    assert open_scene(own)[1].template == "stack_all"
    result, _ = answer(theatre.THEATRE, task="brown_box", instruction="🟥 終 مرحبا")
    assert result.grounded.outcome != "success"


def test_a_board_is_laid_only_where_it_fits() -> None:
    board = "red block@0.2,0.2"
    assert open_scene(theatre.Params(task="stack_all", board=board))[0].describe() == "red block"
    with pytest.raises(InputError, match="choose among its own pieces"):
        open_scene(theatre.Params(task="vowels", board=board))
    with pytest.raises(InputError, match="Only tables"):
        open_scene(theatre.Params(task="kitchen.apple", board=board))
