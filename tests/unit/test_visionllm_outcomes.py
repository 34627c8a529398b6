"""From answers to numbers: shares, average precision and BLEU with their intervals."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from sacrebleu import corpus_bleu

from tests.server.operations.recording import RecordingControl
from tests.unit.visionllm_tiny import TinyRecipe, tiny_network
from workbench.data.scenes.scene import World
from workbench.figures.theme import PALETTE
from workbench.figures.visionllm import draw_ablations, draw_published, draw_reached
from workbench.figures.visionllm.reached import ROWS
from workbench.methods.intervals import wilson
from workbench.methods.visionllm import decode
from workbench.methods.visionllm import outcomes as counted
from workbench.methods.visionllm.outcomes import Outcomes, bleu, count_up, count_words
from workbench.methods.visionllm.precision import (
    Detections,
    Objects,
    average_precision,
    collect_hits,
    interpolate,
    mean_precision,
)
from workbench.methods.visionllm.reached import REACHED, Params
from workbench.models.visionllm_model import VisionLLMModel
from workbench.server.api import Request, canonical_json
from workbench.server.operation import Output
from workbench.server.operations import vision_measure
from workbench.training.visionllm.batches import detection_task
from workbench.training.visionllm.inference import fill_slots
from workbench.training.visionllm.measure import (
    CONTOUR_POINTS,
    Bench,
    collect,
    measure,
    world_of,
)


@pytest.fixture(scope="module")
def tiny() -> Outcomes:
    network = tiny_network()
    return collect(Bench(network, world_of(network.shape), count=12))


def random_set(seed: int, pictures: int) -> tuple[list[Detections], list[Objects]]:
    random = np.random.default_rng(seed)
    truth = [
        Objects(random.integers(0, 3, n), np.sort(random.random((n, 4)), axis=1)[:, [0, 1, 2, 3]])
        for n in random.integers(0, 4, pictures)
    ]
    found = []
    for one in truth:
        boxes = np.concatenate([one.boxes + random.normal(0, 0.02, one.boxes.shape)] * 2)
        labels = np.concatenate([one.labels, random.integers(0, 3, len(one.labels))])
        found.append(Detections(labels, random.random(len(labels)), boxes))
    return found, truth


def test_a_picture_counted_twice_is_a_picture_that_is_there_twice() -> None:
    """Weights against average precision of the test set written out."""
    for seed in range(5):
        found, truth = random_set(seed, 9)
        hits = collect_hits(found, truth)
        times = np.random.default_rng(seed).integers(0, 4, 9)
        weighed = mean_precision(interpolate(hits, times[None].astype(float)))
        order = np.repeat(np.arange(9), times)
        # Copies of a detection are a little apart, so that they lie side by side when sorted.
        again = [
            dataclasses.replace(found[i], scores=found[i].scores - 1e-9 * n)
            for n, i in enumerate(order)
        ]
        whole = average_precision(again, [truth[i] for i in order])
        # Precision between two copies is that of neither end; 101 levels hide most of it.
        assert weighed[0][0] == pytest.approx(whole.ap, abs=0.02)
        assert weighed[1][0] == pytest.approx(whole.ap50, abs=0.03)


def test_counting_every_picture_once_is_average_precision_itself(tiny: Outcomes) -> None:
    numbers = count_up(tiny, resamples=20)
    arrays = tiny.arrays
    scene = arrays["thing_scene"]
    truth = [
        Objects(arrays["thing_labels"][scene == n], arrays["thing_boxes"][scene == n])
        for n in range(12)
    ]
    found = [
        Detections(*(arrays[name][n] for name in ("labels", "scores", "boxes"))) for n in range(12)
    ]
    expected = average_precision(found, truth)
    assert numbers.measured["ap"].mean == pytest.approx(expected.ap)
    assert numbers.measured["ap75"].mean == pytest.approx(expected.ap75)
    for one in numbers.measured.values():
        assert one.low <= one.high


def test_perfect_answers_reach_one_with_a_narrow_interval() -> None:
    _, truth = random_set(3, 40)
    scene = np.repeat(np.arange(40), [len(one.labels) for one in truth])
    labels = np.full((40, 4), -1)
    scores, boxes = np.zeros((40, 4)), np.zeros((40, 4, 4))
    for number, one in enumerate(truth):
        count = len(one.labels)
        labels[number, :count], scores[number, :count] = one.labels, 0.9
        boxes[number, :count] = one.boxes
    things = len(scene)
    hit = np.ones(things, dtype=bool)
    arrays = {
        "thing_scene": scene,
        "thing_labels": np.concatenate([one.labels for one in truth]),
        "thing_boxes": np.concatenate([one.boxes for one in truth]),
        **{f"{way}{name}": value for way in ("", "blind_")
           for name, value in (("labels", labels), ("scores", scores), ("boxes", boxes))},
        **{f"{name}_listed": np.arange(things) % 2 == 0 for name in ("single", "half")},
        **{f"{name}_found": hit for name in ("single", "half")},
        "half_found_blind": hit,
    }  # fmt: skip
    numbers = count_up(Outcomes(arrays), resamples=30)
    assert (numbers.measured["ap"].low, numbers.measured["ap"].high) == pytest.approx((1, 1))
    assert numbers.measured["single_name_recall"] == wilson((things + 1) // 2, (things + 1) // 2)
    assert numbers.measured["unlisted_rate"].mean == 1  # what nobody asked for was found too
    assert "mask_ap" not in numbers.measured
    assert "vqa_accuracy" not in numbers.measured


def test_bleu_of_summed_counts_is_the_corpus_bleu_of_sacrebleu() -> None:
    truth = ["a dog and a car", "two cows , a bus and a lemon", "a rocket"]
    texts = ["a dog and a bus", "two cows , a bus and a lemon", "a cow"]
    expected = corpus_bleu(texts, [truth], tokenize="none", force=True).score
    assert bleu(count_words(texts, truth).sum(axis=0)) == pytest.approx(expected)
    assert bleu(count_words(truth, truth).sum(axis=0)) == pytest.approx(100)


def test_the_commonest_answer_is_that_of_each_kind_of_question() -> None:
    answers, kinds = ["yes", "no", "no", "two", "two"], ["p", "p", "p", "c", "c"]
    assert counted.is_commonest(answers, kinds).tolist() == [False, True, True, True, True]


def test_the_receipt_and_the_page_count_the_same(tiny: Outcomes) -> None:
    flat = count_up(tiny, resamples=1).flat()
    assert measure(tiny_network(), TinyRecipe(), count=12) == pytest.approx(flat)
    assert {"ap", "ap50", "ap75", "unlisted_rate", "single_name_recall", "grounding_precision",
            "caption_bleu4", "vqa_accuracy", "scenes"} <= set(flat)  # fmt: skip
    only_boxes = measure(tiny_network(), dataclasses.replace(TinyRecipe(), first_stage=1.0), 8)
    assert "vqa_accuracy" not in only_boxes


def test_the_operation_answers_what_the_study_counts(tiny: Outcomes) -> None:
    request = Request("vision.measure", "tiny", {"scenes": 12})
    loaded = VisionLLMModel("tiny", "cpu", "float32", tiny_network(), 0)
    control = RecordingControl()
    (output,) = vision_measure.OPERATION.run(
        loaded, [vision_measure.OPERATION.prepare(request)], control, "cpu"
    )
    assert isinstance(output, Output)
    for name, array in tiny.arrays.items():
        np.testing.assert_array_equal(output.arrays[name], array, err_msg=name)
    names = tuple(map(str, output.values["class_names"]))  # type: ignore[arg-type]
    kinds = tuple(map(str, output.values["question_kinds"]))  # type: ignore[arg-type]
    result = REACHED.compute((Outcomes(output.arrays, kinds), names), Params())
    summary = REACHED.summarise(result)
    canonical_json(dict(summary))
    assert summary["scenes"] == 12
    assert {"ap_low", "ap_high", "grounding_chance", "vqa_commonest"} <= set(summary)


def test_the_baseline_of_outlines_is_the_box_around_each_filled(tiny: Outcomes) -> None:
    """Against masks painted pixel by pixel from the rule: a centre inside the box is in it."""
    world, network = World(), tiny_network()
    labels = np.arange(world.classes)
    scenes = list(world.scenes("test", 12))
    task = detection_task(world.names, network.shape.reach, "segmentation", CONTOUR_POINTS)
    pictures = np.stack([one.picture for one in scenes])
    centres = (np.arange(64) + 0.5) / 64
    for number, slots in enumerate(fill_slots(network, pictures, [task] * 12)):
        answer = decode(slots, task)
        np.testing.assert_array_equal(tiny.arrays["contour_labels"][number], labels[answer.entries])
        for row, (left, top, right, bottom) in enumerate(answer.boxes):
            across = (centres >= left) & (centres < right)
            down = (centres >= top) & (centres < bottom)
            filled = down[:, None] & across
            for column, thing in enumerate(scenes[number].things):
                expected = (filled & thing.mask).sum() / (filled | thing.mask).sum()
                found = tiny.arrays["contour_box_overlaps"][number, row, column]
                assert found == pytest.approx(expected, abs=0.02)
    numbers = count_up(tiny, resamples=1)
    swapped = {**tiny.arrays, "contour_overlaps": tiny.arrays["contour_box_overlaps"]}
    for name in ("mask_ap", "mask_ap50", "mask_ap75"):
        again = count_up(Outcomes(swapped, tiny.question_kinds), resamples=1).measured[name]
        assert numbers.baselines[f"{name}_filled_box"] == again.mean


def test_a_measurement_can_be_stopped_between_passes() -> None:
    class StoppedError(Exception):
        pass

    def stop() -> None:
        raise StoppedError

    network = tiny_network()
    with pytest.raises(StoppedError):
        collect(Bench(network, world_of(network.shape), count=8, pause=stop))


def test_every_number_is_drawn_with_its_interval_and_what_it_must_beat(tiny: Outcomes) -> None:
    result = REACHED.compute((tiny, World().names), Params())
    data = draw_reached(result).payload()["figure"]["data"]
    beaten, dots, said = data[-3:]
    rows = [row for row in ROWS if row[0] in result.numbers.measured]
    assert len(rows) == len(ROWS) == len(dots["x"]) == len(said["text"])
    for row, value, (low, high) in zip(rows, dots["x"], dots["customdata"], strict=True):
        assert low <= high, row
        scale = 1 if row[0] == "caption_bleu4" else 100
        assert value == pytest.approx(scale * result.numbers.measured[row[0]].mean)
    assert len(beaten["x"]) == sum(bool(row[2]) for row in ROWS)
    words = draw_reached(result).words_at()
    assert "never published" in words
    assert "no detectable effect" in words or "at random" in words


def test_a_network_that_only_finds_boxes_is_said_to_be_one(tiny: Outcomes) -> None:
    others = ("contour", "grounding", "caption", "commonest", "answer")
    kept = {name: one for name, one in tiny.arrays.items() if not name.startswith(others)}
    result = REACHED.compute((Outcomes(kept), World().names), Params())
    assert "trained to find boxes only" in draw_reached(result).words_at()
    assert "grounding_precision" not in REACHED.summarise(result)


def test_what_the_paper_prints_is_said_to_be_the_papers(tiny: Outcomes) -> None:
    result = REACHED.compute((tiny, World().names), Params())
    for draw in (draw_published, draw_ablations):
        drawn = draw(result)
        assert "published" in drawn.words_at()
        assert PALETTE["published"] in json.dumps(drawn.payload())
    cells = draw_published(result).payload()["figure"]["data"][0]["text"]
    assert "44.6" in cells
    assert "86.7" in cells
    assert len(cells) == 3 * 6 + 2 * 3  # Pix2Seq and Deformable-DETR have boxes only
