"""vision.locate: tiny random models of each family, against what their own library answers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.server.models.test_catalog import add_card
from tests.server.operations.recording import RecordingControl
from tests.server.operations.tiny_hub_vision import OWL_TOKENS, save_vision_model
from tests.unit.models.test_hub_and_endpoint import FakeHub, card_for
from workbench.errors import AssetError, CancelledError, InputError, WorkbenchError
from workbench.methods.visionllm import parse_instruction
from workbench.methods.visionllm.absolute import FLORENCE_BINS, decode_places
from workbench.methods.visionllm.coco import to_coco
from workbench.methods.visionllm.hub import FAMILIES, locate
from workbench.methods.visionllm.task import KINDS
from workbench.models.catalog import Catalog
from workbench.models.hub_vision_model import ARCHITECTURES, HubVisionModel, load_hub_vision
from workbench.models.sources.hub import HubSource
from workbench.models.store import silent
from workbench.server.api import Request
from workbench.server.engine import Engine
from workbench.server.operation import Output
from workbench.server.operations.locating import qwen_vl, writing
from workbench.server.operations.locating.found import LEAST_SCORE
from workbench.server.operations.vision_locate import LOCATE
from workbench.settings import Settings

KIND_OF = {architecture: kind for kind, names in ARCHITECTURES.items() for architecture in names}
KIND_OF["qwen-vl"] = KIND_OF.pop("qwen2_5_vl")
INSTRUCTIONS = {
    "detection": 'Find {"dog": <c0>, "black cat": <c1>}',
    "segmentation": "Outline {dog, cat} with 16 points",
    "grounding": "Ground the expression {the left dog}",
    "captioning": "Write a short caption",
    "question": 'Question: "how many dogs are there?"',
}
PICTURES = np.random.default_rng(3).integers(0, 256, (2, 40, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a card and a folder for each family."""
    home = tmp_path_factory.mktemp("home")
    for architecture, kind in KIND_OF.items():
        folder = save_vision_model(home / "models-here" / architecture, architecture)
        add_card(home, f"tiny-{architecture}", kind, folder)
    return home


@pytest.fixture(scope="module")
def models(home: Path) -> dict[str, HubVisionModel]:
    """Each through its card and the catalogue, as any model."""
    catalog = Catalog(Settings(home=home))
    return {name: catalog.load(f"tiny-{name}", device="cpu", dtype="float32") for name in KIND_OF}


def ask(
    loaded: Any,
    instruction: str,
    images: np.ndarray = PICTURES,
    control: RecordingControl | None = None,
) -> Output:
    request = Request(
        "vision.locate", loaded.name, {"instruction": instruction}, {"images": images}
    )
    (outcome,) = LOCATE.run(loaded, [LOCATE.prepare(request)], control or RecordingControl(), "cpu")
    if isinstance(outcome, WorkbenchError):
        raise outcome
    return outcome


def says(monkeypatch: pytest.MonkeyPatch, loaded: Any, *texts: str) -> None:
    """Have a model write given texts, one for each row it is asked."""
    rows = iter(texts)

    def generate(**inputs: Any) -> torch.Tensor:
        tokenizer = loaded.processor.tokenizer
        ids = [
            tokenizer(next(rows), add_special_tokens=False)["input_ids"]
            for _ in range(len(inputs["input_ids"]))
        ]
        width = max(len(one) for one in ids)
        pad = tokenizer.pad_token_id
        new = torch.tensor([one + [pad] * (width - len(one)) for one in ids])
        if loaded.kind == "florence2":  # an encoder-decoder gives what is new alone
            return new
        return torch.cat([inputs["input_ids"], new], dim=1)

    monkeypatch.setattr(loaded.model, "generate", generate)


def test_every_family_has_a_kind_of_card_a_loader_and_a_sentence() -> None:
    assert set(FAMILIES) == set(ARCHITECTURES) == LOCATE.kinds
    assert all(set(family.tasks) <= set(KINDS) for family in FAMILIES.values())


@pytest.mark.parametrize("name", ["grounding-dino", "mm-grounding-dino", "owlv2"])
def test_a_detectors_boxes_are_those_of_its_own_library(
    models: dict[str, HubVisionModel], name: str
) -> None:
    loaded = models[name]
    output = ask(loaded, INSTRUCTIONS["detection"])
    assert set(output.arrays["picture_of"].tolist()) == {0, 1}
    for number, picture in enumerate(PICTURES):
        if name == "owlv2":
            text: Any = [["a photo of a dog", "a photo of a black cat"]]
        else:
            text = "dog. black cat."
        inputs = loaded.processor(images=picture, text=text, return_tensors="pt")
        with torch.inference_mode():
            outputs = loaded.model(**inputs)
        (theirs,) = loaded.processor.post_process_grounded_object_detection(
            outputs, threshold=LEAST_SCORE, target_sizes=[picture.shape[:2]]
        )
        height, width = picture.shape[:2]
        boxes = (theirs["boxes"].numpy() / (width, height, width, height)).clip(0, 1)
        mine = output.arrays["boxes"][output.arrays["picture_of"] == number]
        assert len(mine) > 0
        # Theirs may hold boxes whose surest token is a full stop or an end of the text.
        gaps = np.abs(mine[:, None] - boxes[None]).max(axis=-1)
        assert gaps.min(axis=1).max() < 1e-4
        if name == "owlv2":
            assert len(mine) == len(boxes)
            order = np.argsort(-theirs["scores"].numpy(), kind="stable")
            own = output.arrays["picture_of"] == number
            np.testing.assert_allclose(output.arrays["scores"][own], theirs["scores"][order])
            np.testing.assert_array_equal(output.arrays["entries"][own], theirs["labels"][order])
    assert np.all(np.diff(output.arrays["scores"][output.arrays["picture_of"] == 0]) <= 0)


def test_florence_2_is_read_name_by_name_in_the_middle_of_its_bins(
    models: dict[str, HubVisionModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = models["florence2"]
    said = "</s><s>dog<loc_100><loc_0><loc_999><loc_500>dog<loc_3><loc_4><loc_1><loc_2></s>"
    says(monkeypatch, loaded, said, "</s><s>cat<loc_7><loc_8><loc_9><loc_10></s>")
    output = ask(loaded, INSTRUCTIONS["detection"], PICTURES[:1])
    assert output.arrays["entries"].tolist() == [0, 0, 1]
    assert output.arrays["scores"].tolist() == [1, 1, 1]
    tokens = np.array([[100, 0, 999, 500], [3, 4, 1, 2], [7, 8, 9, 10]])
    expected = decode_places(tokens, FLORENCE_BINS, "floor")
    np.testing.assert_allclose(output.arrays["points"].reshape(3, 4), expected, atol=1e-12)
    np.testing.assert_allclose(output.arrays["boxes"][1], expected[1][[2, 3, 0, 1]])
    # The processor itself gives whole pixels of the picture: the same up to one of them.
    theirs = loaded.processor.post_process_generation(
        text=said, task="<OPEN_VOCABULARY_DETECTION>", image_size=(64, 40)
    )["<OPEN_VOCABULARY_DETECTION>"]["bboxes"]
    gaps = output.arrays["points"][:2].reshape(2, 4) * (64, 40, 64, 40) - theirs
    assert gaps.min() >= 0
    assert gaps.max() < 1


def test_florence_2_grounds_the_first_phrase_and_traces_outlines(
    models: dict[str, HubVisionModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = models["florence2"]
    says(
        monkeypatch,
        loaded,
        "the dog<loc_1><loc_2><loc_3><loc_4>the car<loc_5><loc_6><loc_7><loc_8>",
    )
    output = ask(loaded, INSTRUCTIONS["grounding"], PICTURES[:1])
    np.testing.assert_allclose(output.arrays["boxes"], [[0.0015, 0.0025, 0.0035, 0.0045]])
    square = "".join(f"<loc_{x}><loc_{y}>" for x, y in [(99, 99), (899, 99), (899, 499), (99, 499)])
    says(monkeypatch, loaded, square, "")
    output = ask(loaded, INSTRUCTIONS["segmentation"], PICTURES[:1])
    assert output.arrays["points"].shape == (1, 16, 2)
    np.testing.assert_allclose(output.arrays["boxes"], [[0.0995, 0.0995, 0.8995, 0.4995]])
    steps = np.linalg.norm(np.diff(output.arrays["points"][0], axis=0), axis=1)
    assert steps.max() == pytest.approx(0.15)  # a sixteenth of a way round of 2.4
    assert output.arrays["entries"].tolist() == [0]


def test_qwens_pixels_are_those_of_the_picture_as_it_sees_it(
    models: dict[str, HubVisionModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = models["qwen-vl"]
    shown: list[Any] = []
    process = loaded.processor.image_processor.preprocess
    monkeypatch.setattr(
        loaded.processor.image_processor,
        "preprocess",
        lambda *parts, **options: shown.append(process(*parts, **options)) or shown[-1],
    )
    says(monkeypatch, loaded, '```json\n[{"bbox_2d": [28, 56, 280, 112], "label": "Dog"}]\n```')
    output = ask(loaded, INSTRUCTIONS["detection"], PICTURES[:1])
    _, rows, columns = shown[0]["image_grid_thw"][0].tolist()
    width, height = 14 * columns, 14 * rows
    assert width * height >= qwen_vl.LEAST_PIXELS
    expected = [[28 / width, 56 / height, 280 / width, 112 / height]]
    np.testing.assert_allclose(output.arrays["boxes"], expected)
    assert output.arrays["entries"].tolist() == [0]


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("florence2", "captioning", "A dog and a car."),
        ("qwen-vl", "captioning", "A dog and a car."),
        ("qwen-vl", "question", "Two."),
    ],
)
def test_a_text_task_is_answered_in_words(
    models: dict[str, HubVisionModel], monkeypatch: pytest.MonkeyPatch, name: str, kind: str,
    said: str,
) -> None:  # fmt: skip
    loaded = models[name]
    says(monkeypatch, loaded, said, said)
    output = ask(loaded, INSTRUCTIONS[kind])
    assert output.values["texts"] == [said, said]
    assert output.values["kind"] == kind
    assert output.arrays["boxes"].shape == (0, 4)


@pytest.mark.parametrize("name", ["florence2", "qwen-vl"])
def test_a_random_model_writes_what_its_own_library_writes_and_can_be_left(
    models: dict[str, HubVisionModel], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    loaded = models[name]
    monkeypatch.setattr(f"workbench.server.operations.locating.{name.replace('-', '_')}.write",
                        partial(writing.write, most_tokens=20)
                        if name == "qwen-vl" else writing.write)  # fmt: skip
    # Nothing ends a text, so that there is one to watch.
    monkeypatch.setattr(loaded.model.generation_config, "eos_token_id", None)
    control = RecordingControl()
    output = ask(loaded, INSTRUCTIONS["captioning"], PICTURES[:1], control)
    assert isinstance(output.values["said"], list)
    assert len(control.partials) >= 2
    assert all(item == 0 and "text" in values for item, values in control.partials)

    def leave(checks: int) -> None:
        if checks == 4:
            raise CancelledError("Everybody has left.")

    control = RecordingControl(leave)
    with pytest.raises(CancelledError):
        ask(loaded, INSTRUCTIONS["captioning"], PICTURES[:1], control)
    assert control.checks == 4


@pytest.mark.parametrize("kind", sorted(FAMILIES))
def test_a_task_without_a_form_is_refused_with_what_there_is(
    models: dict[str, HubVisionModel], kind: str
) -> None:
    family = FAMILIES[kind]
    for task in set(KINDS) - set(family.tasks):
        with pytest.raises(InputError, match=f"no form for {task}; it takes detection") as refusal:
            ask(models[kind], INSTRUCTIONS[task])
        assert all(name in str(refusal.value) for name in (family.name, *family.tasks))


def test_names_a_family_cannot_read_are_refused_in_words(
    models: dict[str, HubVisionModel],
) -> None:
    many = "Find {" + ", ".join(f'"dog {number}"' for number in range(200)) + "}"
    with pytest.raises(InputError, match="at most 64"):
        ask(models["florence2"], many)
    with pytest.raises(InputError, match="Grounding DINO reads 256"):
        ask(models["grounding-dino"], many)
    with pytest.raises(InputError, match=f"OWLv2 reads {OWL_TOKENS}. Shorten it"):
        ask(models["owlv2"], "Find {" + "dog " * 20 + "}")
    with pytest.raises(InputError, match="holds nothing that Grounding DINO reads"):
        ask(models["grounding-dino"], 'Find {"dog", "?."}')
    with pytest.raises(InputError, match="holds nothing that Florence-2 reads"):
        ask(models["florence2"], 'Find {"<>"}')
    with pytest.raises(InputError, match="shorten it"):
        ask(models["florence2"], "Find {" + "dog " * 200 + "}")


def test_what_is_wrong_is_refused_before_a_model_is_loaded() -> None:
    def prepare(images: np.ndarray, **arguments: Any) -> None:
        LOCATE.prepare(Request("vision.locate", "any", arguments, {"images": images}))

    with pytest.raises(InputError, match="A valid one"):
        prepare(PICTURES, instruction="Hello")
    with pytest.raises(InputError, match="1 to 16 pictures"):
        prepare(np.zeros((17, 8, 8, 3), dtype=np.uint8), instruction="Find {dog}")
    with pytest.raises(InputError, match="uint8"):
        prepare(PICTURES.astype(float), instruction="Find {dog}")


@pytest.mark.parametrize("shape", [(1, 1), (30, 200), (300, 20)])
@pytest.mark.parametrize("name", ["grounding-dino", "owlv2"])
def test_pictures_of_any_shape_are_answered_with_places_inside(
    models: dict[str, HubVisionModel], name: str, shape: tuple[int, int]
) -> None:
    output = ask(models[name], INSTRUCTIONS["detection"], np.zeros((1, *shape, 3), dtype=np.uint8))
    boxes = output.arrays["boxes"]
    assert np.isfinite(boxes).all()
    assert np.all((boxes >= 0) & (boxes <= 1))
    assert np.all(boxes[:, :2] <= boxes[:, 2:])


def test_the_answer_has_the_form_of_visionllms_own(home: Path) -> None:
    engine = Engine(Settings(home=home), Catalog(Settings(home=home)), [LOCATE])
    try:
        located = locate(engine, "tiny-owlv2", INSTRUCTIONS["detection"], PICTURES)
        with pytest.raises(InputError, match="OWLv2, which has no form for captioning"):
            locate(engine, "tiny-owlv2", INSTRUCTIONS["captioning"], PICTURES)
        resident = engine.status().resident
    finally:
        engine.close()
    assert [one["name"] for one in resident] == ["tiny-owlv2"]
    assert located.task == parse_instruction(INSTRUCTIONS["detection"])
    assert len(located.answers) == 2
    for answer in located.answers:
        assert np.all(np.diff(answer.scores) <= 0)
        kept = answer.above(float(np.median(answer.scores)))
        assert 0 < len(kept.scores) < len(answer.scores)
        assert kept.points.shape == (len(kept.scores), 2, 2)
    data = to_coco(located.answers, located.task, [(64, 40)] * 2, ["a.png", "b.png"])
    assert len(data["annotations"]) == sum(len(one.scores) for one in located.answers)


@pytest.mark.parametrize("name", sorted(KIND_OF))
def test_the_files_that_a_hub_gives_are_all_that_a_family_needs(
    home: Path, tmp_path: Path, name: str
) -> None:
    folder = home / "models-here" / name
    hub = FakeHub({path.name: path.read_bytes() for path in folder.iterdir()})
    card = card_for(tmp_path, kind=KIND_OF[name])
    source = HubSource(card, tmp_path / "models", offline=False, hub=hub)
    source.fetch(silent)
    fetched = load_hub_vision(name, KIND_OF[name], source.folder(), device="cpu", dtype="float32")
    here = load_hub_vision(name, KIND_OF[name], folder, device="cpu", dtype="float32")
    own = fetched.model.state_dict()
    assert all(torch.equal(own[key], value) for key, value in here.model.state_dict().items())
    assert fetched.processor.to_dict() == here.processor.to_dict()


@pytest.mark.parametrize("name", sorted(KIND_OF))
def test_detectors_keep_float32_and_writers_take_the_type_asked_for(home: Path, name: str) -> None:
    catalog = Catalog(Settings(home=home))
    loaded = catalog.load(f"tiny-{name}", device="cpu", dtype="bfloat16")
    expected = "bfloat16" if name in ("florence2", "qwen-vl") else "float32"
    assert loaded.dtype == expected
    assert next(loaded.model.parameters()).dtype is getattr(torch, expected)
    assert not loaded.model.training
    whole, half = (
        catalog.estimate_bytes(f"tiny-{name}", dtype) for dtype in ("float32", "bfloat16")
    )
    assert (half == whole) == (expected == "float32")


def test_a_card_of_another_kind_than_its_files_is_refused(home: Path) -> None:
    folder = home / "models-here" / "owlv2"
    add_card(home, "wrong", "grounding-dino", folder)
    with pytest.raises(AssetError, match="is of the architecture owlv2; its card says grounding"):
        Catalog(Settings(home=home)).load("wrong", device="cpu", dtype="float32")


def test_missing_weights_are_refused_and_not_made_up(home: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = save_vision_model(tmp_path / "owlv2", "owlv2")
    weights = load_file(folder / "model.safetensors")
    removed = next(name for name in weights if "box_head" in name)
    del weights[removed]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    add_card(home, "holed", "owlv2", folder)
    with pytest.raises(AssetError, match=removed.replace(".", r"\.")):
        Catalog(Settings(home=home)).load("holed", device="cpu", dtype="float32")
