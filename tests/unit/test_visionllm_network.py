"""What the network promises before any training: what it may look at and what may not matter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from tests.unit.visionllm_tiny import NAMES, ask_for, pictures, tiny_network, tiny_shape
from workbench.errors import InputError, UnknownNameError
from workbench.methods.visionllm import Slots, Task
from workbench.methods.visionllm.task import KINDS
from workbench.training.visionllm.inference import (
    Options,
    fill_slots,
    fit_picture,
    look,
    write_texts,
)
from workbench.training.visionllm.network import VisionLLM
from workbench.training.visionllm.prompts import build_prompts, kind_number
from workbench.training.visionllm.shape import Shape

PICTURES = pictures(3)
HEADS = ("pointer", "strict")


def slots(
    network: VisionLLM, *names: str, options: Options | None = None, **task: Any
) -> list[Slots]:
    tasks = [ask_for(*names, **task)] * len(PICTURES)
    return fill_slots(network, PICTURES, tasks, options)


def assert_same(one: list[Slots], two: list[Slots], order: slice | list[int] = slice(None)) -> None:
    for first, second in zip(one, two, strict=True):
        np.testing.assert_allclose(first.objectness, second.objectness, atol=1e-5)
        np.testing.assert_allclose(first.centres, second.centres, atol=1e-5)
        np.testing.assert_allclose(
            first.class_probabilities[:, order], second.class_probabilities, atol=1e-5
        )
        np.testing.assert_allclose(
            first.location_probabilities, second.location_probabilities, atol=1e-5
        )


# The dictionary ----------------------------------------------------------------------------


def test_permuting_the_dictionary_permutes_the_pointers_answer_and_nothing_else() -> None:
    network = tiny_network("pointer")
    order = [2, 0, 3, 1]
    plain = slots(network, *NAMES)
    assert_same(plain, slots(network, *(NAMES[k] for k in order)), order)
    spread = np.ptp(plain[0].class_probabilities, axis=1)
    assert spread.max() > 1e-3  # names are told apart


def test_the_strict_head_reads_class_tokens_and_not_places() -> None:
    """The same names with the same tokens in another order are the same prompt …"""
    network = tiny_network("strict")
    order = (2, 0, 3, 1)
    names = tuple(NAMES[k] for k in order)
    plain = slots(network, *NAMES)
    assert_same(plain, slots(network, *names, tokens=order), list(order))
    # … and other tokens another prompt, whose answer nothing but training can keep.
    other = slots(network, *names)
    difference = plain[0].class_probabilities[:, list(order)] - other[0].class_probabilities
    assert abs(difference).max() > 1e-3


def test_the_pointer_does_not_read_class_tokens() -> None:
    network = tiny_network("pointer")
    assert_same(slots(network, *NAMES), slots(network, *NAMES, tokens=(9, 3, 15, 0)))


@pytest.mark.parametrize("head", HEADS)
def test_swapping_two_names_and_keeping_their_slots_swaps_their_labels(head: str) -> None:
    network = tiny_network(head)  # pyright: ignore[reportArgumentType]
    swapped = ("car", "dog", *NAMES[2:])
    one, two = slots(network, *NAMES), slots(network, *swapped)
    if head == "pointer":
        assert_same(one, two, [1, 0, 2, 3])
    else:  # the class tokens moved to other names
        assert abs(one[0].class_probabilities - two[0].class_probabilities).max() > 1e-4


def test_a_key_that_the_text_encoder_reads_alike_changes_nothing() -> None:
    network = tiny_network()
    assert_same(slots(network, *NAMES), slots(network, "DOG", "Car", "Sailing  boat", "lemon"))


@pytest.mark.parametrize("head", HEADS)
def test_padding_never_wins_and_changes_nothing(head: str) -> None:
    network = tiny_network(head)  # pyright: ignore[reportArgumentType]
    task = ask_for(*NAMES)
    longer = [ask_for(*NAMES[:2]), task, ask_for("dog")]
    pixels = torch.from_numpy(PICTURES).permute(0, 3, 1, 2)
    with torch.no_grad():
        for entries in (4, 11):
            prompts = build_prompts(longer, network.shape, entries=entries)
            assert prompts.entries.shape == (3, entries)
            seen = network.look(pixels, prompts)
            logits = network.class_logits(seen, network.fill(seen, 2)[:, :, 0])
            assert (logits.softmax(-1)[0, :, 2:] == 0).all()
            assert (logits.softmax(-1)[2, :, 1:] == 0).all()
    alone = fill_slots(network, PICTURES[:1], longer[:1])
    beside = fill_slots(network, PICTURES, longer)
    assert_same(alone, beside[:1])


# Candidates, slots, passes -----------------------------------------------------------------


def test_a_candidates_slots_do_not_see_those_of_another() -> None:
    network = tiny_network()
    seen = look(network, PICTURES, [ask_for(*NAMES)] * 3, Options())
    moved = seen.items.clone()
    moved[:, 1] += torch.linspace(
        -2, 3, moved.shape[-1]
    )  # the queries of candidate 1 alone; the memory stays
    with torch.no_grad():
        plain, other = network.fill(seen, 2), network.fill(replace(seen, items=moved), 2)
    untouched = [0, 2, 3]
    torch.testing.assert_close(plain[:, untouched], other[:, untouched])
    assert (plain[:, 1] - other[:, 1]).abs().max() > 0.01


@pytest.mark.parametrize("points", [2, 8])
def test_one_by_one_equals_all_at_once_where_slots_do_not_see_each_other(points: int) -> None:
    network = tiny_network()
    seen = look(network, PICTURES, [ask_for(*NAMES, points=points)] * 3, Options())
    with torch.no_grad():
        parallel = network.fill(seen, points, inside_tuple=False)
        written, passes = network.fill_one_by_one(seen, points, inside_tuple=False)
        torch.testing.assert_close(parallel, written, atol=1e-5, rtol=1e-5)
        assert passes == 4 * (1 + 2 * points)
        seeing, _ = network.fill_one_by_one(seen, points)
        assert (seeing - network.fill(seen, points)).abs().max() > 1e-3
        # the first slot has nothing before it, the last has seen all the others
        torch.testing.assert_close(seeing[:, :, 0], parallel[:, :, 0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("points", [2, 8, 14, 16, 24])
def test_every_format_has_its_slots_and_no_two_are_asked_alike(points: int) -> None:
    network = tiny_network()
    (one, *_) = slots(network, *NAMES, points=points)
    assert one.location_probabilities.shape == (4, 2 * points, 33)
    np.testing.assert_allclose(one.location_probabilities.sum(-1), 1, atol=1e-5)
    assert one.class_probabilities.shape == (4, 4)
    with torch.no_grad():
        asked = network.slot_embeddings(points)
    distances = torch.cdist(asked, asked) + 9 * torch.eye(len(asked))
    assert distances.min() > 1e-3


def test_a_contours_slot_is_asked_by_its_angle_whatever_the_number_of_points() -> None:
    network = tiny_network()
    with torch.no_grad():
        eight, sixteen = network.slot_embeddings(8), network.slot_embeddings(16)
    torch.testing.assert_close(eight[1:].reshape(8, 2, -1), sixteen[1:].reshape(16, 2, -1)[::2])


def test_the_attention_to_the_dictionary_is_part_of_a_whole_and_leaves_out_padding() -> None:
    network = tiny_network()
    tasks = [ask_for(*NAMES), ask_for("dog"), ask_for("dog", "car")]
    seen = look(network, PICTURES, tasks, Options())
    attention = network.class_attention(seen, 2)
    assert attention.shape == (3, 2, 2, 4, 4)  # pictures, layers, heads, candidates, entries
    assert (attention[1, ..., 1:] == 0).all()
    assert (attention[2, ..., 2:] == 0).all()
    assert (attention[0] > 0).all()
    assert (attention.sum(-1) < 1).all()  # the rest goes to the task, the tokens and the grid


# Language ----------------------------------------------------------------------------------


def test_the_prompt_guides_the_tokens_and_without_language_it_does_not() -> None:
    network = tiny_network()
    blind = Options(use_language=False)
    with_dog, with_car = slots(network, "dog"), slots(network, "car")
    assert abs(with_dog[0].objectness - with_car[0].objectness).max() > 1e-4
    first, second = (slots(network, name, options=blind) for name in ("dog", "car"))
    np.testing.assert_array_equal(first[0].objectness, second[0].objectness)
    np.testing.assert_array_equal(first[0].centres, second[0].centres)


def test_each_kind_of_task_begins_with_a_command_of_its_own() -> None:
    tasks = [Task(kind, points=0) for kind in KINDS] + [Task("captioning", is_long=True)]
    assert len({kind_number(task) for task in tasks}) == len(KINDS) + 1


def test_unknown_words_and_too_many_classes_are_refused_in_words() -> None:
    shape = tiny_shape()
    with pytest.raises(UnknownNameError, match=r"No word called 'dgo'\. Did you mean dog"):
        build_prompts([ask_for("dgo")], shape)
    with pytest.raises(UnknownNameError, match=r"'unicorn'\. This .* alone: .*sailing"):
        build_prompts([ask_for("unicorn")], shape)  # nothing is like it: no far-fetched guess
    with pytest.raises(UnknownNameError):
        build_prompts([ask_for("<pad>")], shape)
    with pytest.raises(InputError, match="16 class tokens, <c0> to <c15>"):
        build_prompts([ask_for("dog", tokens=(16,))], shape)
    with pytest.raises(InputError, match="give 1 to 24"):
        build_prompts([ask_for(" ".join(["dog"] * 25))], shape)


# Texts -------------------------------------------------------------------------------------


def test_a_word_sees_only_those_before_it() -> None:
    network = tiny_network()
    seen = look(network, PICTURES, [Task("captioning", points=0)] * 3, Options())
    words = torch.tensor([[1, 5, 7, 9], [1, 6, 6, 8], [1, 4, 5, 5]])
    other = words.clone()
    other[:, 2:] = 11
    with torch.no_grad():
        plain, changed = network.read_words(seen, words), network.read_words(seen, other)
    torch.testing.assert_close(plain[:, :2], changed[:, :2])
    assert (plain[:, 2:] - changed[:, 2:]).abs().max() > 1e-3


def test_texts_are_words_and_nothing_else_and_come_with_their_probabilities() -> None:
    network = tiny_network()
    tasks = [
        Task("captioning", points=0),
        Task("captioning", points=0, is_long=True),
        Task("question", points=0, question="how many dogs are there?"),
    ]
    for one in write_texts(network, PICTURES, tasks):
        words = one.text.split()
        assert set(words) <= set(network.shape.words[3:])
        assert len(one.probabilities) in (len(words), len(words) + 1)
        assert ((one.probabilities > 0) & (one.probabilities <= 1)).all()
        assert len(words) < network.shape.text_tokens


# Shapes ------------------------------------------------------------------------------------


def test_a_shape_survives_json_and_knows_its_grid() -> None:
    shape = tiny_shape("strict")
    assert Shape.from_json(shape.as_json()) == shape
    assert (shape.grid, shape.width, shape.locations) == (8, 16, 33)


@pytest.mark.parametrize("size", [(64, 64), (1, 1), (20, 400), (128, 96)])
def test_pictures_of_any_size_fit(size: tuple[int, int]) -> None:
    assert fit_picture(np.zeros((*size, 3), dtype=np.uint8), 64).shape == (64, 64, 3)
