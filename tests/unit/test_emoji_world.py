"""The emoji world: its drawings, its captions' exact frequencies, its reproducible pictures."""

from __future__ import annotations

import itertools
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.emoji.captions import TEMPLATES, vocabulary, write_captions
from workbench.data.emoji.classes import emoji_classes
from workbench.data.emoji.domains import DOMAINS, PRETRAINING, Domain, find_domain
from workbench.data.emoji.pictures import draw_pictures
from workbench.data.emoji.prior import (
    PRETRAINING_ORDER,
    long_tailed_counts,
    pretraining_prior,
    ranks,
    zipf,
)
from workbench.data.emoji.sprites import SIDE_PX, read_sheet, sprites
from workbench.data.emoji.streams import stream, stream_key
from workbench.data.emoji.tasks import SPLITS, TASK_ORDER, Task
from workbench.errors import UnknownNameError

GOLDEN_HEAD = ["truck", "sandwich", "bicycle", "cherries", "ship"]
GOLDEN_RAW = 11373572723488959163
NUMBERS = {one.name: number for number, one in enumerate(emoji_classes())}


# Classes and captions ----------------------------------------------------------------------


def test_every_class_has_a_name_a_drawing_and_eight_neighbours() -> None:
    classes = emoji_classes()
    assert len(classes) >= 100
    assert len(NUMBERS) == len(classes) == len({one.code for one in classes})
    assert set(Counter((one.group, one.subgroup) for one in classes).values()) == {9}
    assert read_sheet().shape == (len(classes), SIDE_PX, SIDE_PX, 4)


def test_codes_are_the_names_of_openmojis_files() -> None:
    codes = {one.name: one.code for one in emoji_classes()}
    assert codes["lemon"] == "1F34B"
    assert codes["aeroplane"] == "2708"


def test_captions_name_their_class_and_differ_from_each_other() -> None:
    captions = write_captions(emoji_classes())
    assert captions[NUMBERS["hot dog"]][0] == "a drawing of a hot dog"
    flat = [text for row in captions for text in row]
    assert len(set(flat)) == len(flat) == len(emoji_classes()) * len(TEMPLATES)
    assert set(" ".join(flat).split()) == set(vocabulary())


# Drawings ----------------------------------------------------------------------------------


def test_no_drawing_is_blank_or_a_filled_square() -> None:
    sheet = read_sheet()
    opaque = (sheet[..., 3] > 127).mean(axis=(1, 2))
    names = [one.name for one in emoji_classes()]
    assert opaque.min() > 0.1, names[opaque.argmin()]
    assert opaque.max() < 0.99, names[opaque.argmax()]
    for name, drawing in zip(names, sheet, strict=True):
        seen = drawing[drawing[..., 3] > 127][:, :3].astype(float)
        assert seen.std(axis=0).max() > 20, name  # black lines and at least one other colour
        # it fills its cell from edge to edge one way or the other
        rows, columns = (np.flatnonzero((drawing[..., 3] > 20).any(axis=axis)) for axis in (1, 0))
        assert max(np.ptp(rows), np.ptp(columns)) >= SIDE_PX - 3, name


@pytest.mark.parametrize(
    ("name", "most", "least"),
    [
        ("strawberry", "red", "blue"),
        ("tree", "green", "blue"),
        ("whale", "blue", "red"),
        ("lemon", "red", "blue"),
        ("cucumber", "green", "blue"),
        ("umbrella", "blue", "green"),
        ("basketball", "red", "blue"),
    ],
)
def test_drawings_have_the_colour_of_what_they_show(name: str, most: str, least: str) -> None:
    drawing = read_sheet()[NUMBERS[name]].astype(float)
    mean = np.average(drawing[..., :3].reshape(-1, 3), axis=0, weights=drawing[..., 3].ravel())
    colours = ("red", "green", "blue")
    assert colours[mean.argmax()] == most
    assert colours[mean.argmin()] == least


def test_no_two_drawings_are_alike() -> None:
    flat = sprites().flatten(1).numpy()
    squares = (flat**2).sum(axis=1)
    distance = (squares[:, None] + squares - 2 * flat @ flat.T) / flat.shape[1]
    np.fill_diagonal(distance, np.inf)
    assert distance.min() > 0.02


# Frequencies -------------------------------------------------------------------------------


def test_the_caption_prior_is_zipfs_law_exactly() -> None:
    classes = len(emoji_classes())
    harmonic = sum(Fraction(1, rank) for rank in range(1, classes + 1))
    expected = [float(Fraction(1, rank) / harmonic) for rank in range(1, classes + 1)]
    prior = pretraining_prior(classes)
    np.testing.assert_allclose(np.sort(prior)[::-1], expected, rtol=1e-14)
    rank = ranks(classes, PRETRAINING_ORDER)
    np.testing.assert_allclose(prior, np.array(expected)[rank], rtol=1e-14)


def test_the_order_of_classes_never_changes() -> None:
    """A golden: shipped weights were trained with these frequencies."""
    order = np.argsort(ranks(len(emoji_classes()), PRETRAINING_ORDER))
    assert [emoji_classes()[number].name for number in order[:5]] == GOLDEN_HEAD


def test_being_frequent_has_nothing_to_do_with_being_an_animal() -> None:
    classes = emoji_classes()
    head = np.argsort(-pretraining_prior(len(classes)))[: len(classes) // 3]
    share = Counter(classes[number].group for number in head)
    of_all = Counter(one.group for one in classes)
    for group, count in of_all.items():
        assert abs(share[group] / len(head) - count / len(classes)) < 0.2, group


@given(
    classes=st.integers(2, 300),
    exponent=st.floats(0, 2),
    per_class=st.integers(1, 64),
    order=st.text(max_size=5),
)
def test_long_tails_are_distributions_and_leave_no_class_out(
    classes: int, exponent: float, per_class: int, order: str
) -> None:
    prior = zipf(classes, exponent, order)
    assert prior.sum() == pytest.approx(1, abs=1e-12)
    assert sorted(ranks(classes, order)) == list(range(classes))
    counts = long_tailed_counts(classes, per_class, exponent, order)
    assert counts.min() >= 1
    # rounding moves a count by half a picture, the least of one by one
    assert np.abs(counts - prior * per_class * classes).max() <= 1
    if exponent == 0:
        assert set(counts) == {per_class}


def test_the_tasks_tail_is_not_that_of_the_captions() -> None:
    classes = len(emoji_classes())
    captions, task = pretraining_prior(classes), zipf(classes, 1.0, TASK_ORDER)
    assert abs(np.corrcoef(np.log(captions), np.log(task))[0, 1]) < 0.3


# Pictures ----------------------------------------------------------------------------------


def test_the_same_name_gives_the_same_bytes_and_another_name_gives_others() -> None:
    labels = np.arange(12)
    first, again, other = (
        draw_pictures(sprites(), labels, PRETRAINING, stream("test", number))
        for number in (1, 1, 2)
    )
    assert first.numpy().tobytes() == again.numpy().tobytes()
    assert (first != other).float().mean() > 0.5


def test_a_stream_is_philox_and_stays_so() -> None:
    """NumPy promises the bit stream of Philox; the shipped weights depend on it."""
    assert stream("a", 1).bit_generator.random_raw() == GOLDEN_RAW
    assert stream_key("a", 1) != stream_key("a1") != stream_key("a", "1", "")


def test_no_test_picture_comes_from_a_stream_that_was_trained_on() -> None:
    pretraining = {stream_key("pretrain", seed, step) for seed in range(3) for step in range(5000)}
    tasks: dict[str, set[int]] = {split: set() for split in SPLITS}
    for domain, split, tail, seed in itertools.product(DOMAINS, SPLITS, (0.0, 1.0), range(5)):
        for per_class in (1, 4, 16, 50):
            task = Task(domain.name, split, per_class, tail, seed)
            tasks[split] |= {stream_key(*task.stream_name(part)) for part in range(task.parts())}
    sets = [pretraining, *tasks.values()]
    assert len(set().union(*sets)) == sum(len(one) for one in sets)


def test_test_pictures_are_not_training_pictures() -> None:
    train, test = (
        Task("colour", split, 2).draw_part(0).flatten(1).float() for split in ("train", "test")
    )
    pairs = torch.cdist(train, test, p=1) / train.shape[1]
    assert pairs.min() > 45  # of 255; one picture with two draws of noise alone differs by 40


def test_chosen_pictures_are_those_of_the_set() -> None:
    task = Task("grey", "estimate", 5, 1.0, 7)
    whole = np.concatenate([task.draw_part(part).numpy() for part in range(task.parts())])
    assert len(whole) == len(task.labels()) == task.counts().sum()
    places = [300, 0, 255, 256, 0]
    pictures, labels = task.pick(places)
    np.testing.assert_array_equal(pictures.numpy(), whole[places])
    np.testing.assert_array_equal(labels, task.labels()[places])


def test_grey_pictures_have_no_colour_and_noisy_ones_more_noise() -> None:
    pictures = {one.name: Task(one.name, "test", 1).draw_part(0).float() for one in DOMAINS}
    spread = {name: (one.amax(dim=1) - one.amin(dim=1)).mean() for name, one in pictures.items()}
    assert spread["grey"] == 0
    assert spread["colour"] > 20
    rough = {name: (one[..., 1:] - one[..., :-1]).abs().mean() for name, one in pictures.items()}
    assert rough["noise"] > 1.2 * rough["colour"]


def test_a_picture_without_disturbance_is_the_drawing_on_its_background() -> None:
    plain = Domain(
        "plain",
        "Nothing is done.",
        scale=(1.0, 1.0),
        rotation=0.0,
        shift=0.0,
        colour_loss=0.0,
        occluder=0.0,
        noise=0.0,
    )
    labels = np.array([NUMBERS["lemon"], NUMBERS["panda"]])
    pictures = draw_pictures(sprites(), labels, plain, stream("plain")).float() / 255
    drawings = sprites()[labels]
    for picture, drawing in zip(pictures, drawings, strict=True):
        inside = drawing[3] == 1
        colour = drawing[:3, inside].flatten()
        bright = picture[:, inside].flatten()
        shown = (bright < 1) & (colour > 0.05)  # the brightness is one number for the picture
        factor = bright[shown] / colour[shown]
        assert factor.std() < 0.05
        assert 0.55 < factor.mean() < 1.45


def test_the_labels_of_pretraining_follow_the_prior() -> None:
    prior = pretraining_prior(len(emoji_classes()))
    drawn = stream("labels").choice(len(prior), size=200_000, p=prior)
    counts = np.bincount(drawn, minlength=len(prior))
    statistic = ((counts - 200_000 * prior) ** 2 / (200_000 * prior)).sum()
    assert statistic < 107 + 5 * np.sqrt(2 * 107)  # chi-square, 107 degrees of freedom


def test_a_misspelt_domain_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean grey"):
        find_domain("gray")
