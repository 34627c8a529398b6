"""Location tokens, matching, average precision, ceilings and exports, against independent peers."""

from __future__ import annotations

import contextlib
import io
import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from transformers.models.florence2.processing_florence2 import Florence2PostProcessor

from workbench.data.scenes.scene import World
from workbench.errors import InputError
from workbench.methods.visionllm import (
    Candidates,
    Entry,
    Slots,
    Task,
    Truth,
    average_precision,
    decode,
    decode_offsets,
    encode_offsets,
    match,
    published,
)
from workbench.methods.visionllm.absolute import decode_places, encode_places
from workbench.methods.visionllm.boxes import (
    box_around,
    box_overlaps,
    mask_overlap,
    polygon_mask,
    sort_corners,
)
from workbench.methods.visionllm.ceilings import box_ceiling, contour_ceiling
from workbench.methods.visionllm.coco import polygon_area, to_coco
from workbench.methods.visionllm.matching import matching_cost
from workbench.methods.visionllm.precision import Detections, Objects

REACHES = st.sampled_from((8, 16, 32, 64, 128, 512))


# Location tokens ---------------------------------------------------------------------------


@given(st.floats(-1, 1), st.floats(0, 1), REACHES)
def test_a_round_trip_loses_half_a_token_at_most(offset: float, centre: float, reach: int) -> None:
    coordinate = np.array([centre + offset])
    again = decode_offsets(encode_offsets(coordinate, centre, reach), centre, reach)
    assert abs(again - coordinate).max() <= 1 / (2 * reach) + 1e-12


@given(st.floats(0, 1), st.floats(1, 100), REACHES)
def test_offsets_beyond_the_range_are_clipped(centre: float, far: float, reach: int) -> None:
    tokens = encode_offsets(np.array([centre + far, centre - far]), centre, reach)
    assert tokens.tolist() == [reach, -reach]


def test_the_token_of_no_offset_is_the_centre_itself() -> None:
    assert encode_offsets(np.array(0.43), np.array(0.43), 64) == 0
    assert decode_offsets(np.array(0), np.array(0.43), 64) == 0.43
    # the worked example of the specification: <p-37> of 64 at 0.43
    assert decode_offsets(np.array(-37), np.array(0.43), 64) == pytest.approx(0.43 - 37 / 64)


def test_offsets_are_rounded_and_not_floored() -> None:
    assert encode_offsets(np.array([0.109, -0.109]), 0.0, 10).tolist() == [1, -1]
    assert encode_offsets(np.array([0.16, -0.16]), 0.0, 10).tolist() == [2, -2]


def test_tokens_that_do_not_exist_are_refused() -> None:
    with pytest.raises(InputError, match=r"no token <p-65>.*<p-64> to <p64>"):
        decode_offsets(np.array([3, -65]), 0.5, 64)
    for reach in (0, -3):
        with pytest.raises(InputError, match="at least 1"):
            encode_offsets(np.array([0.5]), 0.5, reach)
    with pytest.raises(InputError, match="not a finite number"):
        encode_offsets(np.array([np.nan]), 0.5, 64)


# Relatives ---------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.integers(2, 1500))
def test_absolute_places_by_flooring_are_florence_2s(places: list[float], bins: int) -> None:
    """transformers' own processor, on a picture of 500 × 300 pixels, is the reference."""
    size = (500, 300)
    box = torch.tensor([places], dtype=torch.float64) * torch.tensor([*size, *size])
    processor = SimpleNamespace(quantize_bins=(bins, bins))
    theirs = Florence2PostProcessor.quantize(processor, box, size)  # pyright: ignore
    # in exact arithmetic a place on the edge between two bins may fall either way
    scaled = np.array(places) * bins
    clear = abs(scaled - np.rint(scaled)) > 1e-6
    own = encode_places(np.array(places), bins, "floor")
    assert own[clear].tolist() == theirs[0].numpy()[clear].tolist()
    back = Florence2PostProcessor.dequantize(processor, theirs, size)[0]  # pyright: ignore
    pixels = decode_places(theirs[0].numpy(), bins, "floor") * np.array([*size, *size])
    assert abs(pixels - back.numpy()).max() <= 1 + 1e-6  # the processor cuts off to whole pixels


@given(st.floats(0, 1), st.integers(2, 1500))
def test_absolute_places_by_rounding_are_half_a_bin_off_at_most(place: float, bins: int) -> None:
    token = encode_places(np.array(place), bins, "round")
    assert int(token) == round(place * (bins - 1))
    assert abs(decode_places(token, bins, "round") - place) <= 0.5 / (bins - 1) + 1e-12


def test_absolute_places_need_two_bins_and_finite_numbers() -> None:
    with pytest.raises(InputError, match="at least 2"):
        encode_places(np.array([0.5]), 1, "round")
    with pytest.raises(InputError, match="not a finite number"):
        encode_places(np.array([np.inf]), 10, "floor")


# Matching ----------------------------------------------------------------------------------


def candidates(generator: np.random.Generator, count: int, classes: int) -> Candidates:
    scores = generator.random((count, classes))
    return Candidates(
        np.log(scores / scores.sum(axis=1, keepdims=True)),
        generator.random(count),
        generator.random((count, 2)),
        sort_corners(generator.random((count, 4))),
    )


def truth(generator: np.random.Generator, count: int, classes: int) -> Truth:
    boxes = sort_corners(generator.random((count, 4)))
    return Truth(generator.integers(classes, size=count), boxes)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(0, 5))
def test_the_match_is_the_cheapest_of_all(seed: int, tokens: int, objects: int) -> None:
    """Brute force over every way to pair them; the cost written out for each pair."""
    generator = np.random.default_rng(seed)
    mine, theirs = candidates(generator, tokens, 3), truth(generator, objects, 3)
    cost = np.zeros((tokens, objects))
    for i, j in itertools.product(range(tokens), range(objects)):
        box = theirs.boxes[j]
        centre = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]
        cost[i, j] = (
            0.5 * -mine.log_probabilities[i, theirs.entries[j]]
            + 5 * sum(abs(mine.centres[i][a] - centre[a]) for a in range(2))
            + 2 * sum(abs(mine.boxes[i][a] - box[a]) for a in range(4))
            - 2 * mine.objectness[i]
        )
    np.testing.assert_allclose(matching_cost(mine, theirs), cost)
    rows, columns = match(mine, theirs)
    size = min(tokens, objects)
    assert len(set(rows)) == len(set(columns)) == len(rows) == size
    best = min(
        sum(cost[i, j] for i, j in zip(chosen, order, strict=True))
        for chosen in itertools.permutations(range(tokens), size)
        for order in itertools.combinations(range(objects), size)
    )
    assert cost[rows, columns].sum() == pytest.approx(best)


# Overlaps ----------------------------------------------------------------------------------


@given(st.integers(0, 10**6))
def test_box_overlap_is_that_of_the_pixels(seed: int) -> None:
    """Boxes on a grid of 20 pixels, counted pixel by pixel."""
    generator = np.random.default_rng(seed)
    boxes = generator.integers(0, 21, (4, 4))
    masks = np.zeros((4, 20, 20), dtype=bool)
    for mask, (left, top, right, bottom) in zip(masks, boxes, strict=True):
        mask[top:bottom, left:right] = True  # an inverted box has no pixel
    found = box_overlaps(boxes / 20, boxes / 20)
    expected = [[mask_overlap(one, two) for two in masks] for one in masks]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_polygon_is_filled_by_the_even_odd_rule() -> None:
    square = np.array([[0.2, 0.1], [0.7, 0.1], [0.7, 0.9], [0.2, 0.9]])
    mask = polygon_mask(square, 10)
    assert mask.sum() == 5 * 8
    assert mask[1:9, 2:7].all()
    star = np.array([[np.sin(a), -np.cos(a)] for a in 4 * np.pi * np.arange(5) / 5]) * 0.4 + 0.5
    assert not polygon_mask(star, 51)[25, 25]  # its middle is crossed twice
    assert polygon_mask(star, 51)[10, 25]


# Average precision -------------------------------------------------------------------------


def random_answers(seed: int, pictures: int = 25) -> tuple[list[Detections], list[Objects]]:
    """Boxes near the true ones, wrong ones, doubles, and classes mixed up."""
    generator = np.random.default_rng(seed)
    found, there = [], []
    for _ in range(pictures):
        count = generator.integers(0, 5)
        boxes = generator.random((count, 2)) * 0.6
        boxes = np.concatenate([boxes, boxes + 0.1 + 0.3 * generator.random((count, 2))], 1)
        labels = generator.integers(3, size=count)
        there.append(Objects(labels, boxes))
        near = np.repeat(boxes, 2, axis=0) + generator.normal(0, 0.03, (2 * count, 4))
        wrong = sort_corners(generator.random((2, 4)))
        guessed = np.concatenate([np.repeat(labels, 2), generator.integers(3, size=2)])
        mixed = np.where(generator.random(len(guessed)) < 0.2, 0, guessed)
        boxes = sort_corners(np.concatenate([near, wrong]))
        found.append(Detections(mixed, generator.random(len(mixed)).round(1), boxes))
    return found, there


def peer_precision(found: list[Detections], there: list[Objects]) -> np.ndarray:
    """pycocotools on the same boxes: AP, AP50, AP75."""

    def annotation(box: np.ndarray, label: int, image: int, number: int) -> dict[str, object]:
        left, top, right, bottom = (float(one) * 1000 for one in box)
        size = [left, top, right - left, bottom - top]
        area = size[2] * size[3]
        return {"id": number, "image_id": image, "category_id": int(label), "bbox": size,
                "area": area, "iscrowd": 0}  # fmt: skip

    numbers = itertools.count(1)
    objects = [
        annotation(box, label, image, next(numbers))
        for image, one in enumerate(there, 1)
        for box, label in zip(one.boxes, one.labels, strict=True)
    ]
    detections = [
        {**annotation(box, label, image, 0), "score": float(score)}
        for image, one in enumerate(found, 1)
        for box, label, score in zip(one.boxes, one.labels, one.scores, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        data = COCO()
        data.dataset = {
            "images": [{"id": image + 1} for image in range(len(there))],
            "categories": [{"id": label} for label in range(3)],
            "annotations": objects,
        }
        data.createIndex()
        evaluation = COCOeval(data, data.loadRes(detections), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return np.array(evaluation.stats[:3])


@pytest.mark.parametrize("seed", range(6))
def test_average_precision_is_cocos(seed: int) -> None:
    found, there = random_answers(seed)
    precision = average_precision(found, there)
    own = np.array([precision.ap, precision.ap50, precision.ap75])
    assert 0.1 < precision.ap < 0.9
    np.testing.assert_allclose(own, peer_precision(found, there), atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    pictures=st.integers(1, 4),
    crowd=st.sampled_from([0, 0, 120]),
    decimals=st.integers(0, 3),
)
def test_average_precision_is_cocos_in_any_case(
    seed: int, pictures: int, crowd: int, decimals: int
) -> None:
    """Few pictures, scores with many ties, equal boxes, and more detections than are counted."""
    generator = np.random.default_rng(seed)
    found, there = random_answers(seed, pictures)
    if not sum(len(one.labels) for one in there):
        return
    more = generator.integers(0, 5, (crowd, 2)) / 10
    boxes = np.concatenate([more, more + generator.integers(1, 5, (crowd, 2)) / 10], axis=1)
    found[0] = Detections(
        np.concatenate([found[0].labels, np.zeros(crowd, dtype=np.int64)]),
        np.concatenate([found[0].scores, generator.random(crowd)]).round(decimals),
        np.concatenate([found[0].boxes, boxes]),
    )
    precision = average_precision(found, there)
    own = np.array([precision.ap, precision.ap50, precision.ap75])
    np.testing.assert_allclose(own, peer_precision(found, there), atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), power=st.floats(0.3, 3))
def test_average_precision_depends_on_the_order_of_scores_alone(seed: int, power: float) -> None:
    """Not on the scores themselves, the names of the classes, or a box that was found twice."""
    found, there = random_answers(seed, 8)
    plain = average_precision(found, there)
    bent = [Detections(one.labels, one.scores**power + 1, one.boxes) for one in found]
    assert average_precision(bent, there).ap == pytest.approx(plain.ap, nan_ok=True)
    renamed = average_precision(
        [Detections(7 - one.labels, one.scores, one.boxes) for one in found],
        [Objects(7 - one.labels, one.boxes) for one in there],
    )
    assert renamed.ap == pytest.approx(plain.ap, nan_ok=True)
    twice = [
        Detections(*(np.concatenate([part, part]) for part in (one.labels, one.scores, one.boxes)))
        for one in found
    ]
    assert not average_precision(twice, there).ap > plain.ap + 1e-12


def test_perfect_answers_reach_one_and_none_reach_zero() -> None:
    _, there = random_answers(0)
    right = [Detections(one.labels, np.ones(len(one.labels)), one.boxes) for one in there]
    nothing = [Detections(np.zeros(0, int), np.zeros(0), np.zeros((0, 4)))] * len(there)
    assert average_precision(right, there).ap == 1
    assert average_precision(nothing, there).ap == 0
    assert np.isnan(
        average_precision(nothing[:1], [Objects(np.zeros(0, int), np.zeros((0, 4)))]).ap
    )


# Decoding ----------------------------------------------------------------------------------


def slots_for(tokens: list[list[int]], reach: int, points: int) -> Slots:
    """Slots that are sure of some location tokens, at centre (0.5, 0.25), of two classes."""
    locations = np.full((len(tokens), 2 * points, 2 * reach + 1), 0.001)
    for row, one in enumerate(tokens):
        locations[row, np.arange(2 * points), np.array(one) + reach] = 1
    return Slots(
        np.linspace(0.4, 0.9, len(tokens)),
        np.tile([0.5, 0.25], (len(tokens), 1)),
        np.tile([0.2, 0.8], (len(tokens), 1)),
        locations,
    )


PAIR = (Entry("dog", 0), Entry("car", 1))


def test_slots_become_boxes_with_scores_and_inverted_corners_are_put_in_order() -> None:
    slots = slots_for([[-4, -2, 4, 2], [4, -2, -4, 2]], 16, 2)
    answer = decode(slots, Task("detection", PAIR, 2, 16))
    assert answer.candidates.tolist() == [1, 0]  # the surest first
    np.testing.assert_allclose(answer.scores, [0.9 * 0.8, 0.4 * 0.8])
    np.testing.assert_allclose(answer.boxes, [[0.25, 0.125, 0.75, 0.375]] * 2)
    assert answer.is_inverted.tolist() == [True, False]
    assert answer.tokens.tolist() == [[4, -2, -4, 2], [-4, -2, 4, 2]]
    assert answer.above(0.5).candidates.tolist() == [1]
    detections = answer.detections(np.array([7, 9]))
    assert detections.labels.tolist() == [9, 9]


def test_a_smaller_range_leaves_out_tokens_and_keeps_their_size() -> None:
    slots = slots_for([[-9, -2, 4, 2]], 16, 2)
    answer = decode(slots, Task("detection", PAIR, 2, 5))
    assert abs(answer.tokens).max() <= 5
    assert answer.points[0, 1].tolist() == [0.5 + 4 / 16, 0.25 + 2 / 16]
    with pytest.raises(InputError, match=r"<p17>.*within <p-16> to <p16>"):
        decode(slots, Task("detection", PAIR, 2, 17))


def test_a_contour_has_the_box_around_it() -> None:
    tokens = [[k - 8 if k < 16 else 0 for k in range(16)]]
    answer = decode(slots_for(tokens, 16, 8), Task("segmentation", PAIR, 8, 16))
    np.testing.assert_allclose(answer.boxes[0], box_around(answer.points[0]))
    for task in (Task("captioning", points=0), Task("detection", PAIR, 2, 16)):
        with pytest.raises(InputError):
            decode(slots_for(tokens, 16, 8), task)


# pycocotools 2.0.11 draws masks through an array protocol that NumPy 2 warns of
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_answers_are_exported_as_coco_reads_them() -> None:
    box = decode(slots_for([[-4, -2, 4, 2]], 16, 2), Task("detection", PAIR, 2, 16))
    exported = to_coco([box], Task("detection", PAIR, 2, 16), [(200, 80)], ["a.png"])
    with contextlib.redirect_stdout(io.StringIO()):
        data = COCO()
        data.dataset = exported
        data.createIndex()
    (annotation,) = data.loadAnns(data.getAnnIds(catIds=[2]))
    assert annotation["bbox"] == [50.0, 10.0, 100.0, 20.0]
    assert annotation["area"] == 2000
    assert data.loadCats([2])[0]["name"] == "car"
    assert int(data.annToMask(annotation).sum()) == 2000
    triangle = np.array([[0, 0], [4, 0], [0, 3]])
    assert polygon_area(triangle) == 6


# Ceilings ----------------------------------------------------------------------------------


def test_finer_tokens_keep_more_of_a_box_as_half_a_token_on_each_side_predicts() -> None:
    boxes = np.concatenate([scene.boxes for scene in World().scenes("test", 150)])
    moved = np.random.default_rng(0).uniform(-0.5 / 64, 0.5 / 64, (len(boxes), 2))
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 + moved
    kept = {reach: box_ceiling(boxes, reach, centres) for reach in (8, 16, 32, 64, 128)}
    means = [one.mean() for one in kept.values()]
    assert means == sorted(means)
    assert box_ceiling(boxes, 128).min() == 1  # whole pixels of 64, from centres at half pixels
    sides = boxes[:, 2:] - boxes[:, :2]
    for reach, found in kept.items():
        lost = 1 / (2 * reach)  # each edge moves by this at most, in or out
        worst = ((sides - 2 * lost).clip(min=0) / (sides + 2 * lost)).prod(axis=1)
        assert (found >= worst - 1e-9).all()
    assert means[-1] > 0.97
    assert means[0] < 0.85


def test_more_points_keep_more_of_a_mask_and_bays_are_lost() -> None:
    things = [scene.things[0] for scene in World().scenes("test", 60)]
    means = [
        contour_ceiling([one.mask for one in things], [one.contour(n) for one in things]).mean()
        for n in (4, 8, 24)
    ]
    assert means == sorted(means)
    assert means[0] < 0.75
    assert 0.85 < means[2] < 0.99


# The paper's tables ------------------------------------------------------------------------


def test_the_published_tables_agree_with_each_other() -> None:
    """The one-model AP of 44.6 to 44.8 stands in five tables of the paper."""
    rows = {row.name: row for row in published.MODELS}
    assert rows["VisionLLM-R50"].detection == (44.6, 64.0, 48.1)
    assert published.AP_BY_CLASSES[80] == rows["VisionLLM-R50"].detection[0]
    assert published.AP_BY_RANDOMNESS["+ format"] == rows["VisionLLM-R50"].detection[0]
    single = rows["VisionLLM-R50, separately trained"].detection[0]
    assert single == published.AP_BY_BINS[2 * 512 + 1] == published.AP_BY_TOKENS[100]
    assert single == published.AP_BY_TOKENIZER["query tokens"]
    assert published.MASK_AP_BY_POINTS[24] == rows["VisionLLM-R50"].segmentation[0]  # pyright: ignore
    assert published.WITHOUT_LANGUAGE["detection"][0] == single
