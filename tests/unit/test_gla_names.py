"""Classes by name: names that are typed, and pictures that nobody has labelled."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.unit.gla_pictures import NAMES, names_inputs
from workbench.errors import InputError
from workbench.figures.gla import draw_names, draw_shares
from workbench.methods.gla import names
from workbench.methods.gla.names import read_names
from workbench.server.api import Request, canonical_json
from workbench.uploads import keep_upload

TYPED = "; ".join(NAMES)


@pytest.fixture(scope="module")
def result() -> names.Result:
    return names.compute(names_inputs(), names.Params(names=TYPED))


# ---------------------------------------------------------------- the names


def test_names_are_read_by_line_or_semicolon_and_case_and_space_make_no_new_one() -> None:
    found, repeated = read_names(" fox ;hot   dog\n\nCat;cat; CAT ;straße;STRASSE\n")
    assert found == ("fox", "hot dog", "Cat", "straße")
    assert repeated == ("Cat", "straße")


@given(st.lists(st.text("abc xyz", min_size=1, max_size=8), min_size=2, max_size=30))
def test_names_that_are_read_are_read_the_same_again(typed: list[str]) -> None:
    distinct = {" ".join(name.split()).casefold() for name in typed} - {""}
    text = ";".join(typed)
    if len(distinct) < 2:
        with pytest.raises(InputError, match="type at least 2"):
            read_names(text)
        return
    found, _ = read_names(text)
    assert {name.casefold() for name in found} == distinct
    assert read_names("\n".join(found)) == (found, ())


def test_a_thousand_names_are_compared_and_one_more_is_refused() -> None:
    many = [f"thing {number}" for number in range(1_000)]
    assert len(read_names("\n".join(many))[0]) == 1_000
    assert len(names.Params(names="\n".join(many)).names) < 60_000
    with pytest.raises(InputError, match="1,001 class names; at most 1,000"):
        names.Params(names="\n".join([*many, "one more"]))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("cat", "1 class name; type at least 2"),
        (" ; \n;", "0 class name"),
        ("cat; Cat;CAT", "1 class name"),
        ("cat;" + "x" * 101, "101 characters; at most 100"),
        ("", "type at least 1"),
    ],
)
def test_lists_that_leave_no_choice_are_refused_in_words(typed: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        names.Params(names=typed)


def test_a_template_without_a_place_is_refused() -> None:
    with pytest.raises(InputError, match=r"hold no \{\}"):
        names.Params(template="a photo")


# ---------------------------------------------------------------- what is seen


def test_probabilities_are_the_softmax_of_scaled_products(result: names.Result) -> None:
    inputs = names_inputs()
    logits = inputs.scale * inputs.vectors @ inputs.text.T
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(result.mean_chance, expected.mean(axis=0), rtol=1e-5)
    assert np.array_equal(result.best[:, 0], expected.argmax(axis=1))
    assert result.mean_chance.sum() == pytest.approx(1.0)
    assert result.guesses.sum() == len(result.titles)
    canonical_json(dict(names.summarise(result)))


def test_the_words_say_what_needs_labels_and_what_a_guess_is_worth(result: names.Result) -> None:
    words = draw_shares(result).words_at(picture=1)
    assert "no prior, no linear probe, no GLA and no accuracy" in words
    unknown = replace(result, truth=("",) * len(result.truth))
    figure = draw_names(unknown)
    for picture in (1, 24):
        assert "nothing here can be right or wrong" in figure.words_at(picture=picture)
    missing = names.compute(names_inputs(), names.Params(names="; ".join(["a", *NAMES[1:]])))
    assert "not among the names" in draw_names(missing).words_at(picture=1)


def test_fewer_pictures_than_positions_show_the_last_and_say_so() -> None:
    inputs = names_inputs()
    few = replace(
        inputs,
        drawings=inputs.drawings[:3],
        titles=inputs.titles[:3],
        truth=inputs.truth[:3],
        vectors=inputs.vectors[:3],
    )
    found = names.compute(few, names.Params(names=TYPED, picture=9))
    figure = draw_names(found)
    assert "3 pictures; this is the last" in figure.words_at(picture=9)
    assert "this is the last" not in figure.words_at(picture=3)
    assert figure.at(picture=3).data[0].source == figure.at(picture=24).data[0].source
    assert figure.at(picture=1).data[0].source != figure.at(picture=3).data[0].source
    assert names.summarise(found)["guess"] == found.names[found.best[2, 0]]


def test_names_the_model_cannot_tell_apart_are_named(result: names.Result) -> None:
    assert result.alike == ()
    inputs = names_inputs()
    text = inputs.text.copy()
    text[5] = text[2]
    found = names.compute(replace(inputs, text=text), names.Params(names=TYPED))
    assert found.alike == (NAMES[2], NAMES[5])
    assert "cannot choose between them" in draw_shares(found).words_at(picture=1)


def test_two_names_and_a_thousand_make_figures_of_bounded_size() -> None:
    inputs = names_inputs()
    for count in (2, 1_000):
        random = np.random.default_rng(0)
        text = random.normal(size=(count, inputs.text.shape[1]))
        typed = "; ".join(f"<b>{'long ' * 9}{number}" for number in range(count))
        found = names.compute(replace(inputs, text=text), names.Params(names=typed))
        for draw in (draw_names, draw_shares):
            payload = json.dumps(draw(found).payload(), allow_nan=False)
            assert len(payload) < 700_000
            labels = draw(found).payload()["figure"]["layout"]
            assert "<b>long" not in json.dumps(labels)  # names are text, never markup


# ---------------------------------------------------------------- the pictures


class Server:
    """Embeds a picture as its mean colour, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def call(self, request: Request) -> SimpleNamespace:
        self.asked.append(request)
        if request.operation == "clip.decode_image":
            pixels = Image.open(io.BytesIO(request.arrays["file"].tobytes())).convert("RGB")
            return SimpleNamespace(arrays={"image": np.asarray(pixels)}, values={})
        if request.operation == "clip.embed_texts":
            count = len(request.arguments["texts"])  # type: ignore[arg-type]
            rows = np.random.default_rng(0).normal(size=(count, 3)).astype("f4")
            return SimpleNamespace(arrays={"features": rows}, values={"logit_scale": 10.0})
        if request.operation == "emoji.pictures":
            drawn = np.zeros((24, 48, 48, 3), np.uint8)
            return SimpleNamespace(
                arrays={"pictures": drawn, "labels": np.arange(24)},
                values={"class_names": [f"thing {c}" for c in range(108)]},
            )
        images = request.arrays["images"]
        return SimpleNamespace(arrays={"features": images.mean(axis=(1, 2)) / 255}, values={})


def png(colour: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 10), (colour, 10, 200)).save(buffer, "PNG")
    return buffer.getvalue()


def pack(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))


def bring(data: bytes, name: str) -> tuple[Server, names.Inputs]:
    upload = names.UPLOAD
    reference = keep_upload(data, name, suffixes=upload.suffixes, max_mib=upload.max_mib)
    server = Server()
    params = names.Params(pictures=reference, names=TYPED, template="the {}")
    return server, names.gather(server, params)  # type: ignore[arg-type]


def test_a_zip_or_a_single_picture_is_embedded_with_the_names_as_typed() -> None:
    server, inputs = bring(pack({"b/2.png": png(80), "1.png": png(40)}), "some.zip")
    assert inputs.titles == ("1.png", "2.png")
    assert inputs.vectors[:, 0] * 255 == pytest.approx([40, 80])
    assert inputs.truth == ("", "")
    text = next(r for r in server.asked if r.operation == "clip.embed_texts")
    assert text.arguments == {"texts": list(NAMES), "templates": ["the {}"]}
    _, inputs = bring(png(7), "mine.png")
    assert inputs.titles == ("mine.png",)
    assert inputs.drawings.shape == (1, 224, 224, 3)
    found = names.compute(inputs, names.Params(names=TYPED))
    figure = draw_names(found)
    assert "“mine.png”" in figure.words_at(picture=1)
    assert figure.at(picture=1).data[0].source.startswith("data:image/jpeg")  # small on the wire


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (pack({f"{number}.png": b"x" for number in range(25)}), "25 pictures; give 1 to 24"),
        (pack({}), "0 pictures"),
        (pack({"../1.png": b"x"}), "leads out of the zip"),
        (pack({"inner.zip": b"PK"}), "another zip"),
        (pack({"notes.txt": b"x"}), "no picture"),
        (b"PK\x03\x04 nothing", "cannot be read"),
    ],
)
def test_zips_of_another_kind_are_refused_in_words(data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        bring(data, "some.zip")


def test_without_pictures_there_are_emoji_two_of_which_the_names_miss() -> None:
    server = Server()
    inputs = names.gather(server, names.Params())  # type: ignore[arg-type]
    assert inputs.drawings.shape == (24, 48, 48, 3)
    assert server.asked[0].arguments["indices"] == list(range(0, 96, 4))
    from workbench.data.emoji.classes import emoji_classes

    shown = {one.name for one in emoji_classes()[:96:4]}
    typed = set(read_names(names.EXAMPLE_NAMES)[0])
    assert shown - typed == {"camel", "tram"}
    assert typed - shown == {"horse", "bus"}
