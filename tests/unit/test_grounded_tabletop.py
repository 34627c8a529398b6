"""The tabletop: what can be done, what follows, and when a goal is reached."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError, UnknownNameError
from workbench.methods.grounded.one_step import TrieParams
from workbench.methods.grounded.scene import open_scene
from workbench.methods.grounded.worlds import tasks
from workbench.methods.grounded.worlds.board import pieces_of, value_of, world_of
from workbench.methods.grounded.worlds.goals import GOALS, SPORTS, letters_on_squares
from workbench.methods.grounded.worlds.tabletop import Tabletop, Thing
from workbench.methods.grounded.worlds.tasks import SPACING, TEMPLATES, WORDS, sample, scatter
from workbench.methods.grounded.worlds.vocabulary import DOMAINS, say_skill, skills_of
from workbench.methods.grounded.worlds.world import DONE, DONE_VALUE, FREE, Task, with_done

RNG = np.random.default_rng(0)


def table(domain: str, *things: tuple[str, int | str | None]) -> Tabletop:
    """A table of (name, what it lies on)."""
    placed = (Thing(name, 0.1 * i, 0.5, on) for i, (name, on) in enumerate(things))
    return Tabletop(domain, tuple(placed))


def possible(world: Tabletop) -> set[str]:
    return {s for s, a in zip(world.skills(), world.affordances(), strict=True) if a == 1.0}


def do(world: Tabletop, item: str, target: str) -> Tabletop:
    after, worked = world.execute(say_skill(item, target), RNG)
    assert worked, (item, target)
    return after


# ---------- skills and affordances ----------
def test_the_blocks_domain_has_the_462_skills_of_22_objects() -> None:
    assert len(Tabletop("blocks").skills()) == 22 * 21  # the count in the method's specification
    for name in DOMAINS:
        assert len(set(Tabletop(name).skills())) == len(Tabletop(name).skills())


def test_only_what_is_free_can_be_picked_and_only_what_has_room_placed_on() -> None:
    world = table("blocks", ("red block", None), ("blue block", 0), ("green bowl", None))
    assert possible(world) == {
        say_skill("blue block", "green bowl"),
        say_skill("green bowl", "blue block"),
    }  # the red block is covered; blue on red stands there already


def test_a_full_bowl_takes_no_second_block_and_a_box_takes_many() -> None:
    world = table("blocks", ("red block", 1), ("red bowl", None), ("blue block", None))
    assert say_skill("blue block", "red bowl") not in possible(world)
    packed = table("boxes", ("apple", 1), ("brown box", None), ("pear", None))
    assert say_skill("pear", "brown box") in possible(packed)
    assert say_skill("apple", "brown box") not in possible(packed)  # it would change nothing


def test_an_empty_table_affords_nothing_so_done_has_value_one() -> None:
    for domain in DOMAINS:
        world = Tabletop(domain)
        assert not possible(world)
        skills, values = with_done(world.skills(), world.affordances())
        assert (skills[-1], values[-1]) == (DONE, 1.0)
        assert world.describe() == "nothing"
    world, _ = sample("matching", 0)
    assert with_done(world.skills(), world.affordances())[1][-1] == DONE_VALUE


@given(st.sampled_from(sorted(TEMPLATES)), st.integers(0, 10_000))
def test_affordances_are_exactly_the_skills_that_execute_and_change_the_state(
    name: str, seed: int
) -> None:
    world, _ = sample(name, seed)
    rng = np.random.default_rng(seed)
    for _ in range(3):  # a few random steps deep
        for skill, value in zip(world.skills(), world.affordances(), strict=True):
            after, worked = world.execute(skill, rng)
            assert worked == (value == 1.0)
            assert (after.things != world.things) == worked
        chosen = sorted(possible(world))
        world, _ = world.execute(chosen[int(rng.integers(len(chosen)))], rng)


@given(st.integers(0, 500))
def test_the_instruction_never_reaches_the_affordances(seed: int) -> None:
    world, task = sample("matching", seed)
    other = sample("mismatched", seed)[1]
    before = world.affordances()
    world.is_done(task)
    world.is_done(other)
    assert np.array_equal(world.affordances(), before)
    copied = Tabletop(world.domain, world.things)  # equal states, equal affordances
    assert np.array_equal(copied.affordances(), before)


def test_of_two_objects_of_one_name_the_one_that_still_has_to_move_is_moved() -> None:
    world = table("blocks", ("red block", 1), ("red bowl", None), ("red block", None))
    assert not any(
        "red bowl" in s and s.startswith("pick up the red block") for s in possible(world)
    )
    two = table("corners", ("red block", None), ("red block", None))
    once = do(two, "red block", "left side")
    assert [t.on for t in once.things] == ["left side", None]
    assert [t.on for t in do(once, "red block", "left side").things] == ["left side"] * 2
    stacked = do(
        table("blocks", ("red block", None), ("blue block", None)), "red block", "blue block"
    )
    assert stacked.level(0) == 1


def test_a_hundred_objects_are_scattered_and_one_more_is_refused() -> None:
    names = ["red block"] * 100
    things = scatter(names, np.random.default_rng(0))
    assert len(things) == 100
    assert all(0 <= t.x <= 1 and 0 <= t.y <= 1 for t in things)
    assert Tabletop("blocks", things).affordances().sum() == 0  # red on red is not a skill
    with pytest.raises(InputError, match="at most 100"):
        scatter([*names, "red block"], np.random.default_rng(0))


def test_what_somebody_took_away_can_no_longer_be_used() -> None:
    world = table("blocks", ("red block", None), ("blue block", 0), ("green bowl", None))
    without = world.without("red block")
    assert [(t.name, t.on) for t in without.things] == [("blue block", None), ("green bowl", None)]
    after, worked = without.execute(say_skill("red block", "green bowl"), RNG)
    assert not worked
    assert after is without
    assert without.execute("juggle 🤹", RNG) == (without, False)


def test_a_hand_of_half_reliability_succeeds_about_half_the_time() -> None:
    world = Tabletop("corners", (Thing("red block", 0.5, 0.5),), reliability=0.5)
    rng = np.random.default_rng(7)
    skill = say_skill("red block", "left side")
    wins = sum(world.execute(skill, rng)[1] for _ in range(400))
    assert abs(wins - 200) < 4 * np.sqrt(400 * 0.25)  # four standard deviations


def test_an_unknown_domain_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="blocks"):
        Tabletop("block")


# ---------- goals, against states made by hand ----------
def L(text: str, *on: str | None) -> Tabletop:  # noqa: N802  a table of letters
    return table("letters", *((f"letter {c}", o) for c, o in zip(text, on, strict=True)))


FIRST, SECOND, THIRD = "first square", "second square", "third square"
TL, TR, BL = "top left corner", "top right corner", "bottom left corner"
CASES: list[tuple[str, tuple[str, ...], Tabletop, Tabletop]] = [
    ("alphabetical", (), L("CAB", THIRD, FIRST, SECOND), L("CAB", FIRST, SECOND, THIRD)),
    ("reverse_alphabetical", (), L("CA", FIRST, SECOND), L("CA", SECOND, FIRST)),
    ("spell_word", ("CAT",), L("TCA", THIRD, FIRST, SECOND), L("TCA", FIRST, SECOND, THIRD)),
    ("spell_sport", (),
     L("FLOG", "fourth square", THIRD, SECOND, FIRST),
     L("GOL", FIRST, SECOND, THIRD)),
    ("vowels", (), L("AXE", "tray", None, "tray"), L("AXE", "tray", "tray", "tray")),
    ("consonants", (), L("AXE", None, "tray", None), L("AXE", None, None, None)),
    ("symmetric", (), L("AB", "tray", None), L("AB", None, "tray")),
    ("letters_before", ("D",), L("CD", "tray", None), L("CD", "tray", "tray")),
    ("stack_all", (), table("blocks", ("red block", None), ("blue block", 0), ("grey block", 1)),
     table("blocks", ("red block", None), ("blue block", 0), ("grey block", None))),
    ("matching", (), table("blocks", ("red block", 1), ("red bowl", None), ("pink block", None)),
     table("blocks", ("red block", 2), ("red bowl", None), ("blue bowl", None))),
    ("mismatched", (), table("blocks", ("red block", 1), ("blue bowl", None)),
     table("blocks", ("red block", 1), ("red bowl", None))),
    ("one_corner", (TL,),
     table("corners", ("red block", TL), ("grey block", TL), ("red bowl", None)),
     table("corners", ("red block", TL), ("grey block", TR))),
    ("different_corners", (), table("corners", ("red block", TL), ("grey block", BL)),
     table("corners", ("red block", TL), ("grey block", TL))),
    ("cool", (TR,), table("corners", ("blue block", TR), ("red block", None)),
     table("corners", ("blue block", TR), ("red block", TR))),
    ("warm", (TR,), table("corners", ("blue block", None), ("red block", TR)),
     table("corners", ("blue block", None), ("red block", None))),
    ("primary_left", ("left side",),
     table("corners", ("yellow block", "left side"), ("pink block", None)),
     table("corners", ("yellow block", None), ("pink block", "left side"))),
    ("brown_box", (), table("boxes", ("apple", 1), ("brown box", None), ("knife", None)),
     table("boxes", ("apple", 1), ("brown box", None), ("knife", 1))),
    ("any_boxes", (), table("boxes", ("apple", 1), ("blue box", None), ("knife", None)),
     table("boxes", ("apple", 1), ("red box", None), ("knife", None))),
    ("snacks_right", (), table("boxes", ("cookie", "right side"), ("apple", None)),
     table("boxes", ("cookie", "right side"), ("apple", "right side"))),
    ("picnic", (), table("boxes", ("juice", 1), ("blue box", None), ("soap", None)),
     table("boxes", ("juice", None), ("blue box", None), ("soap", 1))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "arguments", "reached", "missed"), CASES, ids=[c[0] for c in CASES]
)
def test_a_goal_is_seen_where_it_is_reached_and_only_there(
    name: str, arguments: tuple[str, ...], reached: Tabletop, missed: Tabletop
) -> None:
    task = Task(name, "", arguments)
    assert reached.is_done(task)
    assert not missed.is_done(task)


def test_every_goal_of_the_papers_table_has_a_hand_made_case() -> None:
    assert {case[0] for case in CASES} == set(GOALS) == set(TEMPLATES)
    assert len(GOALS) == 20  # rows of the per-task table of arXiv:2303.00855


def test_a_free_instruction_is_never_done_and_nothing_is_done_on_an_empty_table() -> None:
    world, _ = sample("matching", 0)
    assert not world.is_done(Task(FREE, "空に虹を架けて"))
    for name, template in TEMPLATES.items():
        assert not Tabletop(template.domain).is_done(Task(name, "", ("D",)))


def test_letters_are_read_up_to_the_first_empty_square() -> None:
    assert letters_on_squares(L("CAT", FIRST, SECOND, "fourth square")) == "CA"


# ---------- tasks ----------
@pytest.mark.parametrize("name", TEMPLATES)
def test_every_first_scene_is_unsolved_seeded_and_spaced(name: str) -> None:
    for seed in range(20):
        world, task = sample(name, seed)
        again = sample(name, seed)
        assert (world.things, task) == (again[0].things, again[1])
        assert not world.is_done(task)
        assert "{" not in task.instruction
        at = np.array([(t.x, t.y) for t in world.things])
        gaps = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)) + np.eye(len(at))
        assert gaps.min() >= SPACING - 1e-3
    assert len({sample(name, seed)[0].things for seed in range(20)}) > 15


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_sampled_task_can_be_solved(name: str) -> None:
    for seed in range(10):
        world, task = sample(name, seed)
        for item, target in solve(world, task):
            world = do(world, item, target)
        assert world.is_done(task), (name, seed, task)


def solve(world: Tabletop, task: Task) -> list[tuple[str, str]]:
    """A plan by a rule for each template, written apart from the checkers."""
    names = [t.name for t in world.things]
    blocks = [n for n in names if n.endswith("block")]
    letters = sorted(n[-1] for n in names if n.startswith("letter"))
    squares = [t for t in DOMAINS["letters"].targets if t.endswith("square")]
    spelled = {
        "alphabetical": "".join(letters),
        "reverse_alphabetical": "".join(letters[::-1]),
        "spell_word": task.arguments[0] if task.arguments else "",
        "spell_sport": next((s for s in SPORTS if sorted(s) == letters), ""),
    }
    on_tray = {
        "vowels": set("AEIOU"),
        "consonants": set("BCDFGHJKLMNPQRSTVWXYZ"),
        "symmetric": set("AHIMOTUVWXY"),
        "letters_before": set("ABC"),
    }
    coloured = {
        "cool": {"green", "blue", "purple", "cyan"},
        "warm": {"red", "orange", "yellow", "pink"},
        "primary_left": {"red", "yellow", "blue"},
    }
    if task.template in spelled:
        return [(f"letter {c}", squares[i]) for i, c in enumerate(spelled[task.template])]
    if task.template in on_tray:
        return [(f"letter {c}", "tray") for c in letters if c in on_tray[task.template]]
    if task.template in coloured:
        kept = [b for b in blocks if b.split()[0] in coloured[task.template]]
        return [(b, task.arguments[0]) for b in kept]
    return solve_blocks(blocks, task) or pack(names, task)


def solve_blocks(blocks: list[str], task: Task) -> list[tuple[str, str]]:
    match task.template:
        case "stack_all":
            return list(zip(blocks[1:], blocks, strict=False))
        case "one_corner":
            return [(b, task.arguments[0]) for b in blocks]
        case "different_corners":
            return list(zip(blocks, DOMAINS["corners"].targets, strict=False))
        case "matching":
            return [(b, b.replace("block", "bowl")) for b in blocks]
        case "mismatched":
            bowls = [f"{b.split()[0]} bowl" for b in blocks]
            return list(zip(blocks, [*bowls[1:], bowls[0]], strict=True))
    return []


def pack(names: list[str], task: Task) -> list[tuple[str, str]]:
    tools, hazards = {"sponge", "soap", "stapler"}, {"knife", "red candle"}
    boxes = {"brown box", "blue box", "red box"}
    if task.template == "any_boxes":
        return [(n, "brown box") for n in names if n not in hazards | boxes]
    if task.template == "snacks_right":
        snacks = {"pretzels", "cookie", "crackers", "popcorn"}
        return [(n, "right side") for n in names if n in snacks]
    box = "brown box" if task.template == "brown_box" else "blue box"
    return [(n, box) for n in names if n not in tools | hazards | boxes]


def test_words_to_spell_repeat_no_letter_and_fit_on_the_squares() -> None:
    for word in (*WORDS, *SPORTS):
        assert len(set(word)) == len(word) <= 6
    with pytest.raises(UnknownNameError, match="matching"):
        tasks.sample("matchin", 0)


# ---------- the board ----------
@given(st.sampled_from(sorted(TEMPLATES)), st.integers(0, 1000))
def test_a_scene_written_on_a_board_reads_back_with_the_same_affordances(
    name: str, seed: int
) -> None:
    world, _ = sample(name, seed)
    again = world_of(value_of(world), world.domain)
    assert possible(again) == possible(world)


def test_a_piece_dropped_on_another_lies_on_it_and_one_in_a_corner_is_in_the_corner() -> None:
    world = world_of("red bowl@0.50,0.50; red block@0.52,0.49; blue block@0.51,0.5", "blocks")
    assert [t.on for t in world.things] == [None, 0, 1]
    assert value_of(world).startswith("red bowl@0.500,0.500; red block@0.500,0.500")
    corner = world_of("red block@0.95,0.90; blue block@0.5,0.5", "corners")
    assert [t.on for t in corner.things] == ["top right corner", None]
    assert world_of("", "blocks").things == ()


def test_pieces_of_a_domain_are_all_it_can_hold_and_others_are_refused() -> None:
    for name, domain in DOMAINS.items():
        assert tuple(piece.name for piece in pieces_of(name)) == domain.things
        used = {word for pair in skills_of(name).values() for word in pair}
        assert used <= {*domain.things, *domain.places}
    with pytest.raises(InputError, match="has no 'apple'"):
        world_of("apple@0.1,0.1", "blocks")


def test_a_table_of_ones_own_serves_tasks_with_its_pieces_and_others_say_so() -> None:
    board = "brown box@0.5,0.5; banana@0.5,0.5; apple@0.2,0.3"
    world, _ = open_scene(TrieParams(board=board))  # the default task packs a box
    assert [t.on for t in world.things] == [None, 0, None]
    assert say_skill("apple", "brown box") in possible(world)
    with pytest.raises(InputError, match="scene of letters has no 'brown box'"):
        open_scene(TrieParams(task="vowels", board=board))
