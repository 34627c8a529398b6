"""How published models are asked for places and read: prompts, texts and comparisons by hand."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import BertTokenizer
from transformers.models.grounding_dino.processing_grounding_dino import GroundingDinoProcessor

from workbench.errors import InputError
from workbench.methods.visionllm import Entry, Task, parse_instruction
from workbench.methods.visionllm.hub import FAMILIES, read_places, refuse_task
from workbench.methods.visionllm.task import KINDS
from workbench.server.api import Result
from workbench.server.operations.locating import florence2, grounding_dino, owlv2, qwen_vl
from workbench.server.operations.locating.found import LEAST_SCORE, detected

DOGS = parse_instruction('Find {"dog": <c0>, "black cat": <c1>}')
LEFT = parse_instruction("Ground the expression {the left dog}")
OUTLINES = parse_instruction("Outline {dog, black cat} with 8 points")
SHORT, LONG = (Task("captioning", points=0, is_long=is_long) for is_long in (False, True))
QUESTION = Task("question", points=0, question="How many?")

NAMES = st.lists(
    st.text(min_size=1, max_size=12).filter(
        lambda name: set(name) - set(".?") - {c for c in name if c.isspace()}
    ),
    min_size=1,
    max_size=5,
    unique_by=str.lower,
)


def dictionary(names: list[str]) -> Task:
    return Task("detection", tuple(Entry(name, place) for place, name in enumerate(names)), 2, 64)


def test_florence_2_is_asked_by_the_tags_of_its_processor() -> None:
    assert florence2.prompts(DOGS) == (
        "<OPEN_VOCABULARY_DETECTION>",
        ["<OPEN_VOCABULARY_DETECTION>dog", "<OPEN_VOCABULARY_DETECTION>black cat"],
    )
    assert florence2.prompts(LEFT)[1] == ["<CAPTION_TO_PHRASE_GROUNDING>the left dog"]
    assert florence2.prompts(OUTLINES)[1][0] == "<REFERRING_EXPRESSION_SEGMENTATION>dog"
    assert florence2.prompts(SHORT)[1] == ["<CAPTION>"]
    assert florence2.prompts(LONG)[1] == ["<MORE_DETAILED_CAPTION>"]
    # A tag within a name would change the task.
    assert florence2.prompts(dictionary(["<OD> dog"]))[1] == ["<OPEN_VOCABULARY_DETECTION>OD dog"]


@given(
    corners=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=9),
    count=st.integers(8, 24),
)
def test_spread_points_lie_on_the_outline_at_equal_steps(
    corners: list[tuple[float, float]], count: int
) -> None:
    outline = np.array(corners)
    points = florence2.spread(outline, count)
    assert points.shape == (count, 2)
    np.testing.assert_allclose(points[0], outline[0])
    ends = np.roll(outline, -1, axis=0)
    whole = np.hypot(*(ends - outline).T).sum()
    for start, point in zip(points, np.roll(points, -1, axis=0), strict=True):
        assert np.hypot(*(point - start)) <= whole / count + 1e-9  # a chord is the shortest way
    # Every point is on some edge: the way over it is no detour.
    detours = [
        (np.hypot(*(outline - p).T) + np.hypot(*(ends - p).T) - np.hypot(*(ends - outline).T)).min()
        for p in points
    ]
    assert max(detours) < 1e-7


def test_a_circle_keeps_its_shape_when_it_is_spread() -> None:
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = florence2.spread(circle, 12)
    np.testing.assert_allclose(np.hypot(*points.T), 1, atol=2e-3)
    np.testing.assert_allclose(np.arctan2(*points[1][::-1]), np.pi / 6, atol=1e-3)


@given(NAMES)
def test_grounding_dinos_text_holds_each_name_where_it_says(names: list[str]) -> None:
    text, places = grounding_dino.prompt(tuple(names))
    assert [text[low:high] for low, high in places] == [
        " ".join(name.lower().replace(".", " ").replace("?", " ").split()) for name in names
    ]
    assert text.count(".") == len(names)
    assert "?" not in text


def test_a_candidate_counts_for_the_name_whose_words_it_fits_best() -> None:
    """Against the library's own labels, where one name's words pass its threshold."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "black", "cat", "dog"]
    tokenizer = BertTokenizer(vocab={word: place for place, word in enumerate(words)})
    text, places = grounding_dino.prompt(DOGS.names)
    assert text == "dog. black cat."
    tokenized = tokenizer(text, return_offsets_mapping=True)
    mine = grounding_dino.words_of(np.array(tokenized["offset_mapping"]), places)
    # [CLS] dog . black cat . [SEP]
    assert mine.astype(int).tolist() == [[0, 1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 0, 0]]
    logits = np.full((3, 256), -9.0, dtype=np.float32)
    logits[0, [3, 4]] = 1.0, 2.0
    logits[1, 1] = 0.5
    logits[2, [1, 4]] = -8.0, -7.0
    centred = np.array([[0.5, 0.5, 0.2, 0.4], [0.1, 0.9, 0.2, 0.2], [0.3, 0.3, 0.1, 0.1]])
    found = grounding_dino.read(logits, centred, mine)
    assert found.entries.tolist() == [1, 0]  # the third is below every score that is sent
    np.testing.assert_allclose(found.scores, 1 / (1 + np.exp([-2.0, -0.5])))
    np.testing.assert_allclose(
        found.boxes, [[0.4, 0.3, 0.6, 0.7], [0.0, 0.8, 0.2, 1.0]], atol=1e-12
    )

    import torch

    outputs = SimpleNamespace(
        logits=torch.tensor(logits)[None], pred_boxes=torch.tensor(centred)[None]
    )
    processor = SimpleNamespace(batch_decode=tokenizer.batch_decode)
    (theirs,) = GroundingDinoProcessor.post_process_grounded_object_detection(
        processor,  # pyright: ignore[reportArgumentType]
        outputs,  # pyright: ignore[reportArgumentType]
        input_ids=torch.tensor([tokenized["input_ids"]]),  # pyright: ignore[reportArgumentType]
        threshold=LEAST_SCORE,
        text_threshold=0.25,
    )
    assert theirs["text_labels"] == [DOGS.names[entry] for entry in found.entries]
    np.testing.assert_allclose(theirs["scores"], found.scores, rtol=1e-6)
    np.testing.assert_allclose(theirs["boxes"], found.boxes, atol=1e-12)


def test_a_detector_sends_its_surest_boxes_cut_at_the_edges() -> None:
    generator = np.random.default_rng(0)
    boxes = generator.uniform(-0.5, 1.5, (300, 4))
    scores = generator.uniform(size=300)
    found = detected(boxes, scores, np.arange(300))
    assert len(found.scores) == 100
    np.testing.assert_array_equal(found.entries, np.argsort(-scores)[:100])
    assert found.boxes.min() >= 0
    assert found.boxes.max() <= 1
    assert len(detected(boxes, np.full(300, LEAST_SCORE / 2), np.arange(300)).scores) == 0


def test_owlv2_is_asked_in_sentences() -> None:
    assert owlv2.sentences(DOGS) == ["a photo of a dog", "a photo of a black cat"]
    assert owlv2.sentences(LEFT) == ["the left dog"]


BOXES = st.lists(
    st.tuples(
        st.sampled_from(["dog", "Black  Cat", "zebra"]), st.tuples(*[st.integers(0, 999)] * 4)
    ),
    max_size=6,
)


@given(boxes=BOXES, before=st.sampled_from(["", "```json\n", "Here it is: "]))
def test_every_box_that_qwen_writes_of_a_named_class_is_read(
    boxes: list[tuple[str, tuple[int, ...]]], before: str
) -> None:
    said = before + json.dumps([{"bbox_2d": list(box), "label": label} for label, box in boxes])
    found = qwen_vl.read(said, DOGS, (1000, 500))
    known = [(label, box) for label, box in boxes if label != "zebra"]
    assert found.entries.tolist() == [int(label != "dog") for label, _ in known]
    expected = np.array([box for _, box in known]).reshape(-1, 2, 2) / (1000, 500)
    np.testing.assert_allclose(found.points, expected.clip(0, 1))
    assert ("zebra" in " ".join(found.notes)) == (len(known) < len(boxes))
    assert found.said == said


@given(st.text(max_size=120))
def test_whatever_qwen_writes_is_read_or_noted(said: str) -> None:
    for text in (said, "{" + said + "}", '[{"bbox_2d": ' + said + ', "label": "dog"}]'):
        found = qwen_vl.read(text, DOGS, (280, 280))
        assert np.isfinite(found.points).all()
        assert len(found.entries) == len(found.scores) == len(found.points)


@pytest.mark.parametrize(
    ("said", "note"),
    [
        ('[{"bbox_2d": [1, 2, 3], "label": "dog"}]', "1 of the objects it wrote"),
        ('[{"bbox_2d": [1, 2, 3, "4"], "label": "dog"}]', "1 of the objects it wrote"),
        ('[{"bbox_2d": [1, 2, 3, NaN], "label": "dog"}]', "1 of the objects it wrote"),
        ("[{bbox_2d: [1, 2, 3, 4]}]", "1 of the objects it wrote"),
        ("I see no dog.", "It wrote no list."),
    ],
)
def test_what_qwen_writes_wrongly_is_left_out_and_said(said: str, note: str) -> None:
    found = qwen_vl.read(said, DOGS, (280, 280))
    assert len(found.scores) == 0
    assert note in found.notes[0]


def test_a_list_that_is_cut_off_counts_as_far_as_it_goes() -> None:
    said = '[{"bbox_2d": [28, 28, 56, 84], "label": "dog"}, {"bbox_2d": [5'
    found = qwen_vl.read(said, DOGS, (280, 280))
    np.testing.assert_allclose(found.boxes, [[0.1, 0.1, 0.2, 0.3]])
    assert qwen_vl.read("[]", DOGS, (280, 280)).notes == ()


def test_an_expression_needs_no_label_of_its_own_words() -> None:
    found = qwen_vl.read(
        '{"bbox_2d": [0, 0, 140, 280], "label": "dog on the left"}', LEFT, (280, 280)
    )
    assert found.entries.tolist() == [0]


def test_qwen_is_asked_for_each_task_in_words() -> None:
    assert '"dog", "black cat"' in qwen_vl.prompt(DOGS)
    assert "bbox_2d" in qwen_vl.prompt(LEFT)
    assert qwen_vl.prompt(QUESTION) == "How many?"
    assert "detail" in qwen_vl.prompt(LONG)
    assert "detail" not in qwen_vl.prompt(SHORT)


@pytest.mark.parametrize("kind", sorted(FAMILIES))
def test_a_family_takes_the_tasks_it_names_and_no_others(kind: str) -> None:
    tasks = {task.kind: task for task in (DOGS, OUTLINES, LEFT, SHORT, QUESTION)}
    assert set(tasks) == set(KINDS)
    for name, task in tasks.items():
        if name in FAMILIES[kind].tasks:
            refuse_task(kind, task, "m")
        else:
            with pytest.raises(InputError, match=f"no form for {name}; it takes"):
                refuse_task(kind, task, "m")


def test_answers_are_parted_by_picture_and_put_in_order_of_their_scores() -> None:
    corners = np.array(
        [[[0.5, 0.5], [0.1, 0.2]], [[0.0, 0.0], [0.2, 0.2]], [[0.3, 0.3], [0.4, 0.4]]]
    )
    result = Result(
        {
            "boxes": np.array([[0.1, 0.2, 0.5, 0.5], [0, 0, 0.2, 0.2], [0.3, 0.3, 0.4, 0.4]]),
            "points": corners,
            "scores": np.array([0.2, 0.9, 0.7], dtype=np.float32),
            "entries": np.array([0, 1, 1]),
            "picture_of": np.array([0, 0, 2]),
        },
        {
            "family": "florence2",
            "said": ["a", "b", "c"],
            "texts": [],
            "notes": [[], ["n"], []],
        },
        None,  # pyright: ignore[reportArgumentType]
    )
    located = read_places(result, DOGS)
    first, second, third = located.answers
    assert first.entries.tolist() == [1, 0]
    assert first.is_inverted.tolist() == [False, True]
    assert first.tokens.tolist() == [[0, 0, 200, 200], [500, 500, 100, 200]]
    np.testing.assert_array_equal(first.boxes[1], [0.1, 0.2, 0.5, 0.5])
    assert second.points.shape == (0, 2, 2)
    assert third.scores.tolist() == [pytest.approx(0.7)]
    assert located.said == ("a", "b", "c")
    assert located.notes == ((), ("n",), ())
