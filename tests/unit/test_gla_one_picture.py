"""One picture: a test picture or one that somebody brings, and what every method sees in it."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from tests.server.operations.recording import RecordingControl
from tests.unit.gla_pictures import CLASSES, surgery_inputs
from tests.unit.live_positions import every_position
from workbench.errors import InputError, WorkbenchError
from workbench.figures.gla import draw_methods, draw_surgery
from workbench.methods.gla import surgery
from workbench.methods.gla.outside import Outside
from workbench.methods.gla.softmax import softmax
from workbench.methods.gla.terms import METHODS, UNKNOWN
from workbench.server.api import Request, canonical_json
from workbench.server.operations import decode_image
from workbench.uploads import keep_upload

SIDE = 8


def brought(place: int) -> Outside:
    """A test picture as if somebody had brought it: its logits before any temperature."""
    terms = surgery_inputs().terms
    cold, warm = terms.temperatures
    return Outside(
        np.zeros((SIDE, SIDE, 3), np.uint8),
        cold * terms.values[0, place],
        warm * terms.wise[place],
        warm * terms.values[2, place],
    )


@pytest.fixture(scope="module")
def operated() -> surgery.Result:
    return surgery.compute(surgery_inputs(), surgery.Params())


@pytest.fixture(scope="module")
def outside() -> surgery.Result:
    inputs = surgery_inputs()
    shown = replace(inputs, outside=brought(int(inputs.places[3])))
    return surgery.compute(shown, surgery.Params(own=f"{'0' * 64}/mine.png"))


# ---------------------------------------------------------------- the methods


def test_each_methods_guess_is_its_likeliest_class(operated: surgery.Result) -> None:
    inputs = surgery_inputs()
    values = inputs.terms.values[:, inputs.places]
    expected = {
        "zero_shot": values[0],
        "fine_tuned": values[2],
        "ensemble": values[0] + values[2],
        "wise_ft": inputs.terms.wise[inputs.places],
        "gla": values[0] + values[1] + values[2] + values[3],
    }
    for m, method in enumerate(METHODS):
        guesses = expected[method].argmax(axis=1)
        assert np.array_equal(operated.guesses_by_method[:, m], guesses), method
        chances = np.take_along_axis(softmax(expected[method]), operated.likely, axis=1)
        np.testing.assert_allclose(operated.chances[:, m], chances, atol=1e-6)


def test_the_true_class_is_shown_and_the_classes_follow_gla(operated: surgery.Result) -> None:
    assert (operated.likely == operated.truth[:, None]).any(axis=1).all()
    of_gla = operated.chances[:, METHODS.index("gla")]
    assert (np.diff(of_gla, axis=1) <= 0).all()


def test_words_and_bars_name_who_is_right(operated: surgery.Result) -> None:
    figure = draw_methods(operated)
    at = {name: positions[0] for name, positions in figure.axes.items()}
    words = figure.words_at(**at)  # the first picture is rescued: GLA is right, the ensemble not
    assert "GLA" in words.split("(right)")[0]
    assert "Ensemble" in words
    assert "outside" not in words
    bars = [trace for trace in figure.at(**at).data if isinstance(trace, go.Bar)]
    assert len(bars) == len(METHODS)
    for m, bar in enumerate(bars):
        shown = np.flatnonzero(np.array(bar.marker.opacity) == 1.0)
        guess = operated.guesses_by_method[0, m]
        assert operated.likely[0, shown].tolist() == (
            [guess] if guess in operated.likely[0] else []
        )


# ---------------------------------------------------------------- a picture from outside


def test_a_picture_that_is_brought_is_treated_as_a_test_picture_is(
    operated: surgery.Result, outside: surgery.Result
) -> None:
    assert outside.truth.tolist() == [UNKNOWN]
    assert np.array_equal(outside.guesses[0], operated.guesses[3])
    assert np.array_equal(outside.guesses_by_method[0], operated.guesses_by_method[3])
    both = np.intersect1d(outside.likely[0], operated.likely[3])
    assert len(both) >= outside.likely.shape[1] - 1  # the true class need not be among them
    for c in both:
        mine = outside.chances[0][:, outside.likely[0] == c]
        np.testing.assert_allclose(mine, operated.chances[3][:, operated.likely[3] == c], rtol=1e-5)


def test_how_sure_the_model_is_is_held_against_the_test_pictures() -> None:
    inputs = surgery_inputs()
    largest = inputs.terms.values[0].max(axis=1)
    for place, share in ((largest.argmin(), 0.0), (largest.argmax(), 1.0)):
        shown = replace(inputs, outside=brought(int(place)))
        found = surgery.compute(shown, surgery.Params()).share_less_sure
        assert found == pytest.approx(share, abs=1.5 / len(largest))


def test_no_guess_at_it_is_called_right_or_wrong_and_the_words_warn(
    outside: surgery.Result,
) -> None:
    summary = surgery.summarise(outside)
    canonical_json(dict(summary))
    assert "class" not in summary
    assert "is_right" not in summary
    assert summary["guess_gla"] == outside.class_names[outside.guesses_by_method[0, -1]]
    for draw in (draw_surgery, draw_methods):
        figure = draw(outside)
        at = {name: positions[-1] for name, positions in figure.axes.items()}
        words = figure.words_at(**at)
        assert "your own picture" in words
        assert "outside their world" in words
        assert "right" not in words
        assert "wrong" not in words


@pytest.mark.parametrize("draw", [draw_surgery, draw_methods])
def test_its_figures_follow_the_terms_and_carry_it_once(
    outside: surgery.Result, draw: Callable
) -> None:
    figure = draw(outside)
    assert dict(figure.axes) == every_position(surgery.Params)
    text = json.dumps(figure.payload(), allow_nan=False)
    assert text.count("data:image/png") == 1
    for part in (0, -1):
        at = {axis: positions[part] for axis, positions in figure.axes.items()}
        assert isinstance(figure.at(**at), go.Figure)


# ---------------------------------------------------------------- bringing it


class Server:
    """Decodes as the server does; answers made-up numbers for what needs a model."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def call(self, request: Request) -> SimpleNamespace:
        self.asked.append(request)
        if request.operation == "clip.decode_image":
            item = decode_image.OPERATION.prepare(request)
            (outcome,) = decode_image.run(None, [item], RecordingControl(), "cpu")
            if isinstance(outcome, WorkbenchError):
                raise outcome
            return SimpleNamespace(arrays=outcome.arrays, values=outcome.values)
        values = {
            "class_names": [f"thing {c}" for c in range(CLASSES)],
            "logit_scale": 2.0,
            "train_accuracy": 0.9,
        }
        return SimpleNamespace(arrays=self.arrays(request), values=values)

    def arrays(self, request: Request) -> dict[str, np.ndarray]:
        asked = request.arguments
        eye = np.eye(CLASSES, 5, dtype="f4")
        if request.operation == "emoji.pictures":
            return {"pictures": np.zeros((len(asked["indices"]), SIDE, SIDE, 3), np.uint8)}
        if request.operation == "clip.embed_fine_tuned":
            features = request.arrays["images"].mean(axis=(1, 2))[None].repeat(3, axis=0) / 255.0
            heads = np.stack([alpha * eye[:, :3] for alpha in asked["alphas"]])
            return {"features": features, "heads": heads}
        rows = eye.repeat(asked.get("per_class", asked.get("test_per_class")), axis=0)
        if request.operation == "emoji.features":
            return {
                "features": rows,
                "text_features": eye,
                "labels": np.repeat(np.arange(CLASSES), asked["per_class"]),
                "log_prior": np.log(np.full(CLASSES, 1 / CLASSES)),
            }
        fitted = {"weights": np.arange(3, dtype="f4"), "head": eye}
        return {
            "features": np.stack([rows, rows]),
            "estimate_features": np.stack([eye.repeat(asked["estimate_per_class"], axis=0)] * 2),
            "heads": np.stack([eye, eye]),
            "train_counts": np.full(CLASSES, 16),
        } | (fitted if asked.get("with_weights") else {})


def encode(image: Image.Image, kind: str, **how: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **how)
    return buffer.getvalue()


def bring(data: bytes, name: str) -> tuple[Server, surgery.Inputs]:
    reference = keep_upload(data, name, suffixes=surgery.OWN.suffixes, max_mib=surgery.OWN.max_mib)
    server = Server()
    params = surgery.Params(own=reference)
    return server, surgery.gather(server, params)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))


def test_it_is_made_small_and_grey_and_shown_to_the_fine_tuned_model() -> None:
    picture = Image.new("RGB", (60, 30), (255, 0, 0))
    picture.paste((0, 0, 255), (0, 0, 15, 30))  # left of the middle square
    server, inputs = bring(encode(picture, "PNG"), "red.png")
    assert inputs.outside is not None
    assert inputs.outside.drawing.shape == (SIDE, SIDE, 3)
    assert (inputs.outside.drawing == 85).all()  # a third of 255; the blue part is cut off
    looked = server.asked[-1]
    assert looked.operation == "clip.embed_fine_tuned"
    assert looked.arrays["weights"].tolist() == [0.0, 1.0, 2.0]
    assert np.array_equal(looked.arrays["images"][0], inputs.outside.drawing)
    assert not inputs.outside.zero_shot.any()  # alpha 0
    assert inputs.outside.fine_tuned[0] == pytest.approx(1 / 3)


def test_without_one_nothing_more_is_asked_than_before() -> None:
    server = Server()
    surgery.gather(server, surgery.Params())  # type: ignore[arg-type]
    (tuned,) = (r for r in server.asked if r.operation == "clip.fine_tune")
    assert "with_weights" not in tuned.arguments  # so that its shipped answer is found


NOISE = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (encode(Image.fromarray(NOISE).convert("CMYK"), "JPEG"), "cmyk.jpg"),
        (encode(Image.fromarray(NOISE[..., 0].astype(np.uint16) * 257), "PNG"), "deep.png"),
        (encode(Image.new("RGBA", (40, 40)), "PNG"), "nothing drawn.png"),
        (encode(Image.new("RGB", (1, 1), "red"), "PNG"), "dot.png"),
        (encode(Image.fromarray(NOISE), "WEBP"), "photo.webp"),
        (encode(Image.fromarray(NOISE).convert("P"), "GIF"), "still.gif"),
    ],
)
def test_unusual_pictures_are_seen(data: bytes, name: str) -> None:
    _, inputs = bring(data, name)
    result = surgery.compute(inputs, surgery.Params())
    assert result.drawings.shape == (1, SIDE, SIDE, 3)
    assert np.isfinite(result.chances).all()
    if "drawn" in name:
        assert (result.drawings == 255).all()  # transparent is white


def moving() -> bytes:
    frames = [Image.new("L", (10, 10), colour) for colour in (0, 128, 255)]
    return encode(frames[0], "GIF", save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"x" * 50, "broken.png", r"broken\.png: .*(damaged|not a picture)"),
        (encode(Image.fromarray(NOISE), "PNG")[:-200], "cut.png", r"cut\.png: .*damaged"),
        (b"hello", "text.png", r"text\.png: This is not a picture"),
        (moving(), "moving.gif", r"moving\.gif: The picture moves"),
        (encode(Image.new("1", (7000, 7000)), "PNG"), "bomb.png", "49|pixels"),
        (encode(Image.new("L", (90, 2)), "PNG"), "strip.png", "20 times"),
    ],
)
def test_what_cannot_be_seen_is_refused_in_words(data: bytes, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        bring(data, name)


def test_other_files_and_files_that_are_gone_are_refused() -> None:
    with pytest.raises(InputError, match=r"notes\.txt is not a"):
        bring(b"x", "notes.txt")
    with pytest.raises(InputError, match="no longer kept"):
        surgery.gather(Server(), surgery.Params(own=f"{'0' * 64}/gone.png"))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="choose a file"):
        surgery.Params(own="../../etc/passwd")
