"""Figures of grounded decoding: what they show is what was computed, at every position."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import plotly.graph_objects as go
import pytest

from tests.unit.grounded_client import WordClient
from tests.unit.grounded_records import word_scores
from tests.unit.live_positions import every_position
from workbench.figures.grounded.beam import draw_beam
from workbench.figures.grounded.cost import draw_cost
from workbench.figures.grounded.frames import add_scene
from workbench.figures.grounded.kitchen import draw_dialogue, draw_phrases
from workbench.figures.grounded.ledger import draw_ledger
from workbench.figures.grounded.manifold import draw_manifold
from workbench.figures.grounded.mixer import draw_mixed_plans, draw_mixer
from workbench.figures.grounded.published import draw_published_tables
from workbench.figures.grounded.reasons import say_why
from workbench.figures.grounded.scene import marks_of
from workbench.figures.grounded.success import draw_published, draw_success, draw_tasks
from workbench.figures.grounded.table import draw_table
from workbench.figures.grounded.telling import draw_case, draw_telling
from workbench.figures.grounded.theatre import draw_plans, draw_theatre
from workbench.figures.grounded.tree_layout import choose_leaves, lay_out
from workbench.figures.grounded.trie import draw_trie
from workbench.figures.grounded.wording import show_text, show_token, verdict_of
from workbench.figures.wording import keep_together
from workbench.methods.grounded import (
    TRIE,
    comparison,
    grounded_beam,
    grounded_greedy,
    kitchen,
    mixer,
    prefix_value,
    race,
    telling,
)
from workbench.methods.grounded.decoder import Rules
from workbench.methods.grounded.episode import Settings, run
from workbench.methods.grounded.grounders import Mix, ground
from workbench.methods.grounded.moments import CANDIDATES, moments, most_overruled, weigh
from workbench.methods.grounded.one_step import TrieParams
from workbench.methods.grounded.records import Record, Records
from workbench.methods.grounded.theatre import MOMENTS, Params, Result
from workbench.methods.grounded.worlds import catalog, grid, tasks
from workbench.methods.grounded.worlds.tabletop import Tabletop, Thing
from workbench.methods.grounded.worlds.vocabulary import find_domain, say_skill
from workbench.methods.grounded.worlds.world import DONE, with_done
from workbench.methods.intervals import Interval

RNG = np.random.default_rng(0)


# ---------- fixtures ----------
@cache
def theatre(template: str = "matching") -> Result:
    """Both plans of a made-up language model."""
    world, task = tasks.sample(template, 0)
    skills, _ = with_done(world.skills(), world.affordances())
    made = cache(lambda steps: word_scores(skills, steps + 3))

    def scores(history):
        return made(len(history))

    grounded = run(world, task, Settings("greedy"), scores)
    return Result(Params(), grounded, run(world, task, Settings("ungrounded"), scores), ())


@cache
def one_step():
    """Scores, values and choices of one step on the default table."""
    world, _ = tasks.sample("matching", 0)
    grounding = ground(world, Mix())
    scores = word_scores(grounding.skills)
    values = prefix_value(scores.trie, 0.2 + 0.8 * grounding.product)
    return SimpleNamespace(
        params=TrieParams(),
        grounding=grounding,
        scores=scores,
        values=values,
        greedy=grounded_greedy(scores, values),
        alone=grounded_greedy(scores, np.ones_like(values)),
    )


# ---------- moments ----------
def test_a_moment_is_the_rule_of_the_paper_at_every_token() -> None:
    for moment in moments(theatre().grounded):
        product = moment.language * moment.grounding  # λ = 1
        assert moment.product == pytest.approx(product / product.max())
        assert moment.chosen == int(np.argmax(product))
        assert len(moment.tokens) <= CANDIDATES
        assert list(moment.language) == sorted(moment.language, reverse=True)


def test_alone_the_scene_weighs_nothing() -> None:
    for moment in moments(theatre().alone):
        assert np.all(moment.grounding == 1.0)
        assert moment.chosen == int(np.argmax(moment.language))


def test_the_texts_of_the_moments_spell_the_commands() -> None:
    episode = theatre().grounded
    every = moments(episode)
    for number, step in enumerate(episode.steps):
        said = "".join(m.labels[m.chosen] for m in every if m.step == number)
        assert said.strip() == step.command


def test_in_a_closed_vocabulary_no_candidate_leaves_the_list() -> None:
    one = one_step()
    trie = one.scores.trie
    first = int(trie.token[next(iter(trie.children(0)))])
    closed = weigh(one.scores, one.values, 0, first, Rules(vocabulary="closed"))
    assert set(closed.tokens.tolist()) <= {int(trie.token[c]) for c in trie.children(0)}
    opened = weigh(one.scores, one.values, 0, first, Rules())
    assert int(one.scores.outside_token[0]) in opened.tokens


# ---------- the scene ----------
@pytest.mark.parametrize("world", catalog.TEMPLATES)
def test_everything_in_a_world_is_drawn_inside_the_square(world: str) -> None:
    for template in catalog.TEMPLATES[world]:
        state, _ = catalog.sample(world, template, 0)
        marks = marks_of(state)
        assert all(-0.01 <= m.x <= 1.01 and -0.01 <= m.y <= 1.01 for m in marks)
        names = " ".join(m.name for m in marks)
        assert all(thing in names for thing in state.describe().split(", "))


def test_a_stacked_block_is_drawn_higher_and_says_what_it_lies_on() -> None:
    world, _ = tasks.sample("matching", 0)
    block = next(t.name for t in world.things if t.name.endswith("block"))
    bowl = block.replace("block", "bowl")
    after, _ = world.execute(say_skill(block, bowl), RNG)
    marks = {m.name: m for m in marks_of(after)}
    assert f"{block}, on the {bowl}" in marks
    assert marks[f"{block}, on the {bowl}"].y > marks[bowl].y


def test_what_never_moves_is_sent_once_and_frames_follow_their_order() -> None:
    world, _ = grid.sample("multi_room", 3)
    able = next(s for s, a in zip(world.skills(), world.affordances(), strict=True) if a > 0.01)
    after, _ = world.execute(able, RNG)
    figure = go.Figure().set_subplots(1, 1)
    slots = add_scene(figure, [world, after], "moment", order=[0, 0, 1])
    walls = int((world.cells[..., 0] == grid.WALL).sum())
    assert len(figure.data[0].x) >= walls
    assert all(len(slot.values) == 3 for slot in slots)
    assert slots[0].values.shape[1] < 10
    assert np.array_equal(slots[0].values[0], slots[0].values[1], equal_nan=True)


def test_an_empty_table_is_drawn_with_nothing_on_it() -> None:
    figure = go.Figure().set_subplots(1, 1)
    assert add_scene(figure, [Tabletop("blocks")], "moment") == []
    assert marks_of(Tabletop("blocks")) == []


# ---------- the theatre ----------
def test_the_theatre_shows_each_moment_and_repeats_the_last() -> None:
    result = theatre()
    every = moments(result.grounded)
    live = draw_theatre(result)
    assert live.axes == {"moment": every_position(Params)["moment"]}
    assert len(live.axes["moment"]) == MOMENTS + 1
    for position in (1, 5, 17, MOMENTS):
        moment = every[min(position, len(every)) - 1]
        bars = [trace for trace in live.at(moment=position).data if trace.type == "bar"]
        count = len(moment.tokens)
        for trace, numbers in zip(
            bars, (moment.language, moment.grounding, moment.product), strict=True
        ):
            assert np.asarray(trace.x)[:count] == pytest.approx(numbers, abs=1e-6)
            assert np.all(np.asarray(trace.x)[count:] == 0)
        clicked = int(np.asarray(bars[0].customdata)[moment.chosen])
        assert divmod(clicked, CANDIDATES) == (min(position, len(every)) - 1, moment.chosen)
    assert "goal" in live.words_at(moment=MOMENTS)


def test_the_theatre_opens_where_the_model_is_overruled_most() -> None:
    result = theatre()
    every = moments(result.grounded)
    lost = [0.0 if np.argmax(m.language) == m.chosen else m.language.max() for m in every]
    assert max(lost) > 0
    place = int(np.argmax(lost))
    assert most_overruled(every) == place
    live = draw_theatre(result)
    assert Params().moment == live.axes["moment"][0] == 0
    for first, again in zip(live.at(moment=0).data, live.at(moment=place + 1).data, strict=True):
        assert np.array_equal(np.asarray(first.x, float), np.asarray(again.x, float), True)
    assert live.words_at(moment=0).endswith(live.words_at(moment=place + 1))
    assert live.words_at(moment=0).startswith(f"Of the plan's {len(every)} tokens")
    told = draw_plans(result).at(moment=0)[0]
    assert [span.pick for span in told.spans if span.role == "accent"] == [place + 1]


def test_a_plan_that_never_overrules_the_model_says_so_at_its_first_token() -> None:
    result = theatre()
    live = draw_theatre(replace(result, grounded=result.alone))
    assert most_overruled(moments(result.alone)) == 0
    assert live.words_at(moment=0).startswith("The model is overruled at none")
    assert live.words_at(moment=0).endswith(live.words_at(moment=1))


def said_against(command: str, world: Tabletop, mix: Mix) -> str:
    """Why the word at which a command parts from the rest is not taken, the model wanting it."""
    grounding = ground(world, mix)
    scores = word_scores(grounding.skills)
    values = prefix_value(scores.trie, grounding.product)
    can_be_done = int(np.argmax(grounding.product[:-1]))
    taken, wanted = (
        scores.trie.path(int(scores.trie.leaf_of_skill[skill]))
        for skill in (can_be_done, grounding.skills.index(command))
    )
    place = next(i for i, node in enumerate(wanted) if node != taken[i])
    log = scores.log_probability.copy()
    log[wanted[place]] = np.log(0.9)
    sure, chosen = replace(scores, log_probability=log), int(scores.trie.token[taken[place]])
    moment = weigh(sure, values, (0, *taken)[place], chosen, Rules(), (0, place))
    decoded = SimpleNamespace(nodes=taken)
    step = SimpleNamespace(world=world, grounding=grounding, decoded=decoded, scores=sure)
    row = moment.tokens.tolist().index(int(scores.trie.token[wanted[place]]))
    return say_why(step, moment, row)


def test_each_reason_against_a_word_is_the_scenes() -> None:
    world, _ = tasks.sample("brown_box", 0)
    here = {thing.name for thing in world.things}
    absent = next(name for name in find_domain("boxes").things if name not in here | {"knife"})
    free = next(name for name in sorted(world.pickable) if name not in {"knife", "soap"})
    everything = Mix(safety=True, habit=True)
    put = Tabletop(
        "boxes",
        (
            Thing("brown box", 0.7, 0.7),
            Thing(free, 0.7, 0.7, 0),
            Thing("blue box", 0.2, 0.2),
            Thing("soap", 0.4, 0.4),
        ),
    )
    lying = Tabletop("boxes", (*put.things, Thing("knife", 0.2, 0.8)))
    box = "pick up the {} and place it on the {} box"
    assert said_against(box.format(absent, "brown"), world, everything) == (
        f"there is no {absent} here"
    )
    assert "hazard" in said_against(box.format("knife", "brown"), lying, everything)
    assert "put away" in said_against(box.format(free, "blue"), put, everything)
    assert said_against(DONE, world, everything) == "something can still be done"


def test_rings_mark_only_what_the_words_can_still_mean() -> None:
    result = theatre()
    every = moments(result.grounded)
    live = draw_theatre(result)
    rings = [len(_rings(live, p)) for p in range(1, len(every) + 1)]
    world = result.grounded.steps[0].world
    assert rings[0] == len(world.pickable)
    named = next(i for i, m in enumerate(every) if m.written.endswith(" the"))
    assert _rings(live, named + 1) == _rings(live, 1)


def _rings(live, position: int) -> set:
    trace = next(
        t for t in live.at(moment=position).data if t.type == "scatter" and t.mode == "markers"
    )
    pairs = zip(np.asarray(trace.x, float), np.asarray(trace.y, float), strict=True)
    return {(round(float(x), 3), round(float(y), 3)) for x, y in pairs if np.isfinite(x)}


def test_both_plans_are_told_and_a_token_leads_to_its_moment() -> None:
    result = theatre()
    every = moments(result.grounded)
    grounded, alone = draw_plans(result).at(moment=3)
    told = "".join(span.text for span in grounded.spans)
    assert all(command in told.replace("⏎", "") for command in result.grounded.commands)
    picks = [span.pick for span in grounded.spans if span.pick is not None]
    assert picks == list(range(1, len(every) + 1))
    assert [s.role for s in grounded.spans if s.pick == 3] == ["accent"]
    assert all(c in "".join(s.text for s in alone.spans) for c in result.alone.commands)


# ---------- the trie ----------
def test_the_tree_keeps_the_likeliest_leaves_and_every_branch_leads_to_one() -> None:
    one = one_step()
    leaves = choose_leaves(one.scores, one.values, 20)
    assert len(set(leaves.tolist())) == 20
    best = one.scores.trie.leaf_of_skill[int(np.argmax(one.scores.log_skill))]
    assert best in leaves
    layout = lay_out(one.scores, leaves)
    assert int(layout.is_leaf.sum()) == 20
    assert set(layout.last[layout.is_leaf].tolist()) == set(leaves.tolist())
    assert sorted(layout.y[layout.is_leaf]) == list(range(20))
    for branch in np.flatnonzero(layout.is_leaf):
        text, at = "", int(branch)
        while at > 0:
            text, at = layout.labels[at] + text, int(layout.above[at])
        assert text == one.scores.text_of_path(int(layout.last[branch]))


def test_where_nothing_can_be_done_the_tree_says_so() -> None:
    params = TRIE.params(task="brown_box", board="brown box@0.5,0.5", vocabulary="closed")
    result = TRIE.compute(TRIE.gather(WordClient(), params), params)  # type: ignore[arg-type]
    assert not result.world.affordances().any()
    said = "Nothing else can be done in this scene."
    assert said in draw_trie(result).words_at(token=16)
    assert said not in draw_trie(one_step()).words_at(token=16)


def test_taking_a_thing_away_recolours_the_tree_and_moves_no_size() -> None:
    one = one_step()
    other = SimpleNamespace(**{**vars(one), "values": np.ones_like(one.values)})
    marks = [draw_trie(r).figure.data[3].marker for r in (one, other)]
    assert np.allclose(np.sort(marks[0].size)[-3:], np.sort(marks[1].size)[-3:])
    assert np.asarray(marks[0].color).min() < 1.0
    assert np.all(np.asarray(marks[1].color) == 1.0)


def test_the_walked_path_grows_with_the_tokens_and_ends_at_the_command() -> None:
    one = one_step()
    live = draw_trie(one)
    lengths = [
        int(np.isfinite(np.asarray(live.at(token=t).data[2].x, float)).sum()) for t in range(16)
    ]
    assert lengths == sorted(lengths)
    assert lengths[0] == 0 < lengths[-1]
    command = one.scores.trie.skills[one.greedy.skill]
    assert command in live.words_at(token=15)


# ---------- the beam ----------
def test_the_beam_shows_what_was_kept_and_both_rules() -> None:
    one = one_step()
    beams = {
        rule: grounded_beam(one.scores, one.values, 4, Rules(combination=rule))
        for rule in ("paper", "telescoped")
    }
    live = draw_beam(SimpleNamespace(**{**vars(one), "beams": beams}))
    for rule, beam in beams.items():
        figure = live.at(combination=rule)
        shown = {t.name: int(np.isfinite(np.asarray(t.x, float)).sum()) for t in figure.data}
        ended = sum(int(level.is_finished[: level.kept].sum()) for level in beam.levels)
        kept = sum(level.kept for level in beam.levels)
        assert (shown["finished"], shown["kept"]) == (ended, kept - ended)
        assert shown["beam's choice"] == 2 * len(beam.best.nodes)
        assert one.scores.trie.skills[beam.best.skill] in live.words_at(combination=rule)


def test_a_beam_of_one_read_as_much_as_greedy() -> None:
    one = one_step()
    beams = {"paper": grounded_beam(one.scores, one.values, 1, Rules())}
    assert beams["paper"].best.tokens_scored == one.greedy.tokens_scored
    live = draw_beam(SimpleNamespace(**{**vars(one), "beams": beams}))
    assert "The beam read as many tokens as greedy." in live.words_at(combination="paper")


# ---------- cost, manifold, tables ----------
def race_result(seconds: bool = False) -> race.Result:
    every = race.commands(race.OBJECTS[-1])
    number: dict[str, int] = {}
    ids = tuple(
        tuple(number.setdefault(word, len(number)) for word in [*skill.split(), "\n"])
        for skill in every
    )
    measured = {m: {12: 0.5, 42: 1.5} if seconds else {} for m in ("greedy", "saycan")}
    return race.compute(race.Inputs(ids, measured), race.Params())


def test_tokens_of_the_race_are_counted_as_by_hand() -> None:
    result = race_result()
    assert result.counts.tolist() == [n * (n - 1) for n in race.OBJECTS]
    assert result.command_tokens == 13  # 12 words and the line break
    assert np.array_equal(result.tokens["saycan"], 13.0 * result.counts)
    assert np.array_equal(result.beam_tokens(4), np.full(len(result.counts), 49.0))
    four = race.commands(4)
    prefixes = {
        tuple([*skill.split(), "\n"][:i]) for skill in four for i in range(len(skill.split()) + 1)
    }
    assert result.tokens["saycan_shared"][0] == len(prefixes)
    assert race.summarise(result)["ratio_saycan_462"] == 462.0


def test_a_shorter_list_of_the_race_is_the_beginning_of_a_longer_one() -> None:
    for count in race.OBJECTS:
        assert race.commands(101)[: count * (count - 1)] == race.commands(count)


def test_the_cost_figure_draws_seconds_only_where_they_were_measured() -> None:
    assert not any(t.xaxis == "x2" for t in draw_cost(race_result()).figure.data)
    timed = draw_cost(race_result(seconds=True))
    (saycan, *_) = [
        t
        for t in timed.figure.data
        if t.xaxis == "x2" and t.name == "SayCan" and t.mode == "markers"
    ]
    assert list(saycan.y) == [0.5, 1.5]
    live = draw_cost(race_result())
    assert live.axes == every_position(race.Params)
    beam = next(t for t in live.at(beam_width=2).data if t.name == "beam, at most")
    assert np.asarray(beam.y).tolist() == [25.0] * len(race.OBJECTS)
    assert "published" in live.words_at(beam_width=2)


def test_published_marks_are_the_papers_numbers_and_own_ones_stand_apart() -> None:
    live = draw_published_tables({("letters", True): {"ungrounded": 0.1, "greedy": 0.5}})
    shown = {t.name: t for t in live.figure.data if t.name}
    assert list(shown["beam, published"].x)[2] == pytest.approx((90 + 70 + 55 + 95) / 4)
    assert list(shown["language model, published"].x) == [20, 35, 11, 19, 28]
    assert list(shown["grounded, greedy, here"].x) == [50.0]
    assert "from 10" in live.words
    assert "Nothing was measured" in str(draw_published_tables({}).words)


def test_the_manifold_puts_the_plan_where_its_commands_are() -> None:
    points = RNG.normal(size=(30, 2))
    able = (np.arange(30) % 3 == 0).astype(float)
    live = draw_manifold(
        SimpleNamespace(
            commands=tuple(f"command {i}" for i in range(30)),
            points=points,
            grounding=SimpleNamespace(possible=np.append(able >= 0.5, False)),
            path=(3, 6),
            saycan=9,
            neighbours_alike=0.4,
            possible=1 / 3,
            spread=0.6,
        )
    )
    traces = {t.name: t for t in live.figure.data}
    assert len(traces["can be done now"].x) == 10
    assert np.asarray(traces["grounded plan"].x) == pytest.approx(points[[3, 6], 0])
    assert list(traces["SayCan's first"].x) == [points[9, 0]]
    assert "40\N{NO-BREAK SPACE}%" in say(live)


# ---------- the comparison ----------
def say(live) -> str:
    return keep_together(str(live.words))


@cache
def comparison_result() -> comparison.Result:
    """Records in which greedy wins 30 of 40 scenes and the model alone 10."""
    wins = {"ungrounded": 10, "greedy": 30, "beam": 32, "saycan": 34}
    found = [
        Record(
            task=task,
            scene=scene,
            method=method,
            outcome="success" if 20 * t + scene < won else "planner" if scene % 2 else "policy",
            commands=("x",),
            tokens_scored=({"greedy": 13, "saycan": 6006}.get(method, 40),),
            succeeded=(True,),
        )
        for method, won in wins.items()
        for t, task in enumerate(("stack_all", "matching"))
        for scene in range(20)
    ]
    records = Records(tuple(found), "made up", {})
    return comparison.compute(records, comparison.Params())


def test_success_is_drawn_with_its_interval_and_the_verdict_is_said() -> None:
    result = comparison_result()
    live = draw_success(result)
    strokes, means, tokens = live.figure.data
    assert list(means.x) == pytest.approx([25.0, 75.0, 80.0, 85.0])
    low, high = np.asarray(strokes.x)[3:5]  # greedy's
    assert (low, high) == pytest.approx(
        (100 * result.success["greedy"].low, 100 * result.success["greedy"].high)
    )
    assert list(tokens.x) == [40, 13, 40, 6006]
    assert "+50 points" in live.words
    assert ": a gain." in live.words
    assert "462 times the tokens" in live.words


def test_a_difference_whose_interval_holds_zero_is_called_no_effect() -> None:
    assert verdict_of(Interval(0.1, -0.05, 0.2)) == "no detectable effect"
    assert verdict_of(Interval(-0.1, -0.2, -0.05)) == "a loss"


def test_every_task_has_its_row_and_the_ledger_adds_up() -> None:
    result = comparison_result()
    live = draw_tasks(result)
    assert list(live.figure.layout.yaxis.ticktext) == ["stack all", "matching"]
    alone = next(t for t in live.figure.data if t.name == "language model alone")
    assert list(alone.x) == [50.0, 0.0]
    ledger = draw_ledger(result)
    bars = [np.asarray(t.x, float) for t in ledger.figure.data if t.type == "bar"]
    assert np.sum(bars, axis=0) == pytest.approx([100.0] * 4)
    assert "the paper's own" in draw_published(result).words


def test_equal_rates_of_one_task_do_not_hide_one_another() -> None:
    marks = [t for t in draw_tasks(comparison_result()).figure.data if t.mode == "markers"]
    every = [point for t in marks for point in zip(t.x, t.y, strict=True)]
    grounded = [t for t in marks if t.name != "language model alone"]
    assert [t.x[0] for t in grounded] == [100.0] * 3  # all win all scenes of the first task
    heights = sorted(t.y[0] for t in grounded)
    assert min(np.diff(heights)) > 0.1
    assert all(abs(y - round(y)) < 0.25 for _, y in every)  # and stay nearest to their own row


# ---------- strengths, telling ----------
def test_the_mixer_draws_every_strength_and_tells_three_plans() -> None:
    result = theatre()
    count = len(mixer.STRENGTHS)
    mixed = SimpleNamespace(
        strengths=np.array(mixer.STRENGTHS),
        success=np.linspace(0, 1, count),
        feasible=np.linspace(0.2, 1, count),
        episodes=((result.alone, *[result.grounded] * (count - 1)),),
    )
    live = draw_mixer(mixed)
    reached = next(t for t in live.figure.data if t.name == "goals reached")
    assert np.asarray(reached.y) == pytest.approx(100 * mixed.success)
    assert "mechanism, not a rate" in live.words
    told = draw_mixed_plans(mixed).at()
    assert [len([s for s in p.spans if s.role == "muted"]) for p in told] == [
        len(e.steps) for e in (result.alone, result.grounded, result.grounded)
    ]


def test_what_could_not_be_done_is_red_in_every_told_plan() -> None:
    result = theatre()
    plans = dict.fromkeys(telling.PLANS, result.alone)
    shown = SimpleNamespace(
        params=telling.Params(case="gone"),
        world=result.alone.steps[0].world,
        task=result.alone.task,
        said="red block, blue bowl",
        plans=plans,
    )
    told, *passages = draw_telling(shown).at()
    assert "red block, blue bowl" in "".join(span.text for span in told.spans)
    impossible = sum(not step.could for step in result.alone.steps)
    assert impossible > 0
    for passage in passages:
        assert sum(span.role == "bad" for span in passage.spans) == impossible
    assert "taken away" in draw_case(shown).words


def test_the_table_of_one_step_draws_only_arrows_between_what_is_there() -> None:
    one = one_step()
    world, _ = tasks.sample("matching", 0)
    live = draw_table(SimpleNamespace(**vars(one), world=world))
    arrows = [t for t in live.figure.data if t.mode == "lines+markers"]
    at = {(t.x, t.y) for t in world.things}
    for arrow in arrows:
        assert set(zip(arrow.x, arrow.y, strict=True)) <= at


# ---------- the kitchen ----------
def kitchen_result() -> kitchen.Result:
    phrases = ("cola", "tea", "apple")
    plan = kitchen.Plan(("find the tea", "done"), (True, True), True)
    none = kitchen.Plan(("find the cola", "done"), (False, True), False)
    language = np.log([0.7, 0.2, 0.1])
    params = kitchen.Params(detections="tea 0.8; cola 0.02; apple 0.5")
    return kitchen.compute(kitchen.Inputs(phrases, language, {0: none, 1: plan}), params)


def test_the_brackets_hold_the_product_of_word_and_detector() -> None:
    result = kitchen_result()
    at = result.strengths.tolist().index(1.0)
    by_hand = np.array([0.7 * 0.02, 0.2 * 0.8, 0.1 * 0.5])
    assert result.product[at] == pytest.approx(by_hand / by_hand.max())
    assert (int(result.chosen[0]), int(result.chosen[at])) == (0, 1)
    assert kitchen.summarise(result)["phrase"] == "tea"
    live = draw_phrases(result)
    assert live.axes == every_position(kitchen.Params)
    assert "“tea”" in live.words_at(strength=1.0)
    alone, grounded = draw_dialogue(result).at(strength=1.0)
    assert "could not be done" in {s.note for s in alone.spans}
    assert next(s.role for s in grounded.spans if "tea" in s.text) == "good"


# ---------- wording ----------
def test_tokens_and_texts_of_others_are_shown_safely() -> None:
    assert show_token("\n") == "⏎"
    assert "<" not in show_token(" <b>")
    assert show_text("<i>" + "x" * 90).startswith("&lt;i&gt;")


# ---------- the race, with a made-up tokenizer ----------
class _Clock:
    """A model server that splits at words and takes a tenth of a second a command."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def call(self, request):
        texts = request.arguments.get("skills") or request.arguments["candidates"]
        self.asked.append((request.operation, len(texts)))
        ids = [[hash_of(word) for word in [*text.split(), "\n"]] for text in texts]
        return SimpleNamespace(
            arrays={
                "token_counts": np.array([len(one) for one in ids]),
                "token_ids": np.concatenate(ids),
            },
            receipt=SimpleNamespace(seconds=0.1 * len(texts)),
        )


def hash_of(word: str) -> int:
    return int.from_bytes(word.encode()[:6].ljust(6), "big")


def test_the_race_asks_for_tokens_once_and_for_seconds_only_up_to_the_limit() -> None:
    clock = _Clock()
    quick = race.Params(measured="0")
    assert race.gather(clock, quick).seconds == {"greedy": {}, "saycan_shared": {}, "saycan": {}}
    assert clock.asked == [("language.tokenize_skills", 101 * 100)]
    clock.asked.clear()
    timed = race.Params(measured="42")
    found = race.compute(race.gather(clock, timed), timed)
    counts = [count for name, count in clock.asked if name == "language.score_choices"]
    assert counts == [12, 42]
    assert found.seconds["greedy"][:2] == pytest.approx([0.1, 0.1])
    assert found.seconds["saycan"][:2] == pytest.approx([1.2, 4.2])
    assert np.isnan(found.seconds["saycan"][2:]).all()
    assert race.summarise(found)["saycan_42_seconds"] == pytest.approx(4.2)
