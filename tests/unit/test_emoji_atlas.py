"""The atlas: every emoji but skin tones, of which the classes of the emoji world are some."""

from collections import Counter

import numpy as np
import pytest

from workbench.data.emoji.atlas import ATLAS, atlas, find_emoji, read_atlas
from workbench.data.emoji.classes import emoji_classes
from workbench.data.emoji.sprites import SIDE_PX, read_sheet
from workbench.errors import UnknownNameError
from workbench.training.emoji_sprites import DIGESTS

SKIN_TONES = {chr(code) for code in range(0x1F3FB, 0x1F400)}
VARIATION_SELECTOR = "\ufe0f"


def premultiplied(drawings: np.ndarray) -> np.ndarray:
    """What is seen of drawings: colours times opacity, and opacity."""
    wide = drawings.astype(np.int64)
    return np.concatenate([wide[..., :3] * wide[..., 3:], wide[..., 3:]], axis=-1)


def test_it_holds_each_emoji_once_by_name_by_symbol_and_by_code() -> None:
    entries = atlas()
    assert len(entries) == 1_867  # Emoji 17.0 without skin tones
    for part in ("name", "symbol", "code"):
        assert len({getattr(one, part) for one in entries}) == len(entries), part
    assert len({one.group for one in entries}) == 9
    assert 90 <= len({one.subgroup for one in entries}) <= 110
    groups = Counter(one.group for one in entries)
    assert groups["animals-nature"] > 150
    assert groups["food-drink"] > 125
    # a subgroup belongs to one group
    assert len({(one.group, one.subgroup) for one in entries}) == len(
        {one.subgroup for one in entries}
    )


def test_codes_are_those_of_the_symbols_and_none_has_a_skin_tone() -> None:
    for one in atlas():
        kept = [c for c in one.symbol if c != VARIATION_SELECTOR]
        written = one.code.split("-")
        assert [f"{ord(c):04X}" for c in kept] == [c for c in written if c != "FE0F"], one.name
        assert not SKIN_TONES & set(one.symbol), one.name


def test_the_classes_of_the_emoji_world_are_in_it_with_the_same_pixels() -> None:
    places = {one.code: place for place, one in enumerate(atlas())}
    chosen = [places[one.code] for one in emoji_classes()]
    assert len(set(chosen)) == len(emoji_classes())
    np.testing.assert_array_equal(premultiplied(read_atlas()[chosen]), premultiplied(read_sheet()))


def test_every_drawing_is_drawn_and_fills_its_cell_one_way_or_the_other() -> None:
    drawings = read_atlas()
    assert drawings.shape == (len(atlas()), SIDE_PX, SIDE_PX, 4)
    seen = drawings[..., 3] > 20
    for one, rows, columns in zip(atlas(), seen.any(axis=2), seen.any(axis=1), strict=True):
        spans = [np.ptp(np.flatnonzero(axis)) if axis.any() else 0 for axis in (rows, columns)]
        assert max(spans) >= SIDE_PX - 4, one.name


@pytest.mark.parametrize(
    ("name", "most", "least"),
    [
        ("tomato", "red", "blue"),
        ("green apple", "green", "blue"),
        ("blue heart", "blue", "red"),
        ("frog", "green", "blue"),
        ("orange circle", "red", "blue"),
    ],
)
def test_names_belong_to_their_drawings(name: str, most: str, least: str) -> None:
    drawing = read_atlas()[find_emoji(name)].astype(float)
    mean = np.average(drawing[..., :3].reshape(-1, 3), axis=0, weights=drawing[..., 3].ravel())
    colours = ("red", "green", "blue")
    assert (colours[mean.argmax()], colours[mean.argmin()]) == (most, least)


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean hot dog"):
        find_emoji("hotdog")


def test_it_stays_light_and_what_is_shared_cannot_be_changed() -> None:
    assert ATLAS.stat().st_size < 4_000_000
    with pytest.raises(ValueError, match="read-only"):
        read_atlas()[0, 0, 0, 0] = 1


def test_every_drawing_has_a_digest_to_be_fetched_by() -> None:
    names = [line.split()[1] for line in DIGESTS.read_text(encoding="ascii").splitlines()]
    assert names == [f"{one.code}.svg" for one in atlas()]
