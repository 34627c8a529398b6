"""A photo in the kitchen: a tiny OWLv2 answers, and its library's own reading is the reference."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from tests.server.models.test_catalog import add_card
from tests.server.operations.tiny_hub_vision import save_vision_model
from tests.unit.grounded_client import WordClient
from workbench.errors import InputError
from workbench.figures.grounded.photo import draw_photo
from workbench.methods.grounded import kitchen
from workbench.methods.grounded.photo import THERE, see
from workbench.models.catalog import Catalog
from workbench.server.api import Request
from workbench.server.engine import Engine
from workbench.server.operations import decode_image
from workbench.server.operations.vision_locate import LOCATE
from workbench.settings import Settings
from workbench.uploads import keep_upload

PHRASES = ("dog", "black cat", "car")
PIXELS = np.random.default_rng(5).integers(0, 256, (40, 64, 3), dtype=np.uint8)


class Both(WordClient):
    """Words for the language model, a real engine for the photo."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine

    def call(self, request: Request) -> object:
        if request.operation.startswith("language."):
            return super().call(request)
        return self.engine.call(request)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    add_card(home, "tiny-owl", "owlv2", save_vision_model(home / "owl", "owlv2"))
    return home


@pytest.fixture
def engine(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(home))
    settings = Settings(home=home)
    engine = Engine(settings, Catalog(settings), [LOCATE, decode_image.OPERATION])
    yield engine
    engine.close()


def upload() -> str:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "PNG")
    return keep_upload(file.getvalue(), "my kitchen.png", suffixes=(".png",), max_mib=1.0)


def test_a_phrase_has_the_score_and_the_box_of_its_best_detection(
    engine: Engine, home: Path
) -> None:
    found = see(engine, "tiny-owl", upload(), PHRASES)
    loaded = Catalog(Settings(home=home)).load("tiny-owl", device="cpu", dtype="float32")
    texts = [[f"a photo of a {phrase}" for phrase in PHRASES]]
    inputs = loaded.processor(text=texts, images=Image.fromarray(PIXELS), return_tensors="pt")
    with torch.inference_mode():
        outputs = loaded.model(**inputs)
    (all_of_them,) = loaded.processor.post_process_grounded_object_detection(
        outputs, threshold=0.05, target_sizes=[PIXELS.shape[:2]]
    )
    labels, scores = all_of_them["labels"].numpy(), all_of_them["scores"].numpy()
    best = {p: float(scores[labels == i].max()) for i, p in enumerate(PHRASES) if i in labels}
    assert best
    assert found.scores == pytest.approx(best, abs=1e-5)
    assert set(found.boxes) == set(best)
    assert found.there == THERE["owlv2"]


def test_the_photo_takes_the_place_of_the_table(engine: Engine) -> None:
    params = kitchen.Params(photo=upload(), detector="tiny-owl", detections="dog 0.9; car 0.9")
    inputs = kitchen.gather(Both(engine), params)  # type: ignore[arg-type]
    result = kitchen.compute(inputs, params)
    assert result.seen is not None
    by_phrase = dict(zip(result.phrases, result.scene, strict=True))
    expected = {p: result.seen.scores.get(p, kitchen.MISSING) for p in result.phrases}
    assert by_phrase == pytest.approx(expected)
    live = draw_photo(result)
    shown = [t.text[0] for t in live.figure.data if t.type == "scatter" and t.mode == "text"]
    here = [p for p, score in result.seen.scores.items() if score >= result.there]
    assert [text.rsplit(" ", 1)[0] for text in shown] == here
    live.payload()


def test_without_a_photo_no_detector_is_asked() -> None:
    client = WordClient()
    params = kitchen.Params()
    result = kitchen.compute(kitchen.gather(client, params), params)  # type: ignore[arg-type]
    assert {request.operation for request in client.asked} == {"language.score_skills"}
    shown = draw_photo(result)
    assert "no photo" in shown.words
    (sheet,) = shown.figure.layout.annotations  # an empty sheet says where a photo comes from
    assert kitchen.UPLOAD.label in sheet.text


def test_a_phrase_that_would_part_the_list_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="leave out braces"):
        see(SimpleNamespace(), "tiny-owl", "x/y.png", ["a {cup}"])  # type: ignore[arg-type]
