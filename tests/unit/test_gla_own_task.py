"""A person's own pictures: the zip that brings them, and what is measured on them."""

import io
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from workbench.errors import InputError
from workbench.figures.gla import draw_own_task
from workbench.methods.gla import class_folders, own_pictures, own_task
from workbench.methods.gla.class_folders import read_class_folders
from workbench.methods.gla.softmax import log_sum_exp
from workbench.params import parse
from workbench.server.api import Request, canonical_json
from workbench.uploads import keep_upload

KINDS, DIMENSION = 4, 6
CLASSES = ("ant", "bee", "cat", "dog")


def png(colour: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 10), (colour, 10, 200)).save(buffer, "PNG")
    return buffer.getvalue()


def pack(files: dict[str, bytes], path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def whole(per_class: int = 3, classes: tuple[str, ...] = CLASSES) -> dict[str, bytes]:
    return {f"task/{c}/{i}.png": png(40 * i) for c in classes for i in range(per_class)}


# ---------------------------------------------------------------- the zip


def test_folders_are_classes_and_what_systems_add_is_passed_over(tmp_path: Path) -> None:
    extra = {"__MACOSX/task/ant/._0.png": b"x", "task/ant/.DS_Store": b"x"}
    found = read_class_folders(pack(whole() | extra, tmp_path / "a.zip"))
    assert found.class_names == CLASSES
    assert found.labels == (0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3)
    assert found.files[4] == ("task/bee/1.png", png(40))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"../ant/0.png": b"x"}, "leads out of the zip"),
        ({"/ant/0.png": b"x"}, "leads out of the zip"),
        ({"ant\\..\\..\\0.png": b"x"}, "leads out of the zip"),
        ({"C:/ant/0.png": b"x"}, "leads out of the zip"),
        (whole() | {"task/more.zip": b"PK"}, "another zip"),
        (whole() | {"task/notes.txt": b"x"}, "no picture"),
        ({"0.png": b"x"}, "no folder"),
        (whole(classes=("ant",)), "1 class folder"),
        ({}, "0 class folder"),
        (whole() | {"task/eel/0.png": b"x"}, "'eel' has one picture"),
        (whole() | {"other/ant/0.png": b"x", "other/ant/1.png": b"x"}, "named 'ant'"),
        (whole() | {"task/Ant/0.png": b"x", "task/Ant/1.png": b"x"}, "named 'ant'"),
        (whole() | {"task/straße/0.png": b"x", "task/STRASSE/0.png": b"x"}, "named 'strasse'"),
        (whole() | {"task/eel/": b""}, "folder 'task/eel/' is empty"),
    ],
)
def test_a_zip_of_another_shape_is_refused_with_the_reason(
    files: dict[str, bytes], said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said):
        read_class_folders(pack(files, tmp_path / "a.zip"))


def test_a_folder_of_folders_is_not_taken_for_an_empty_class(tmp_path: Path) -> None:
    folders = {"task/": b"", "task/ant/": b"", "__MACOSX/": b"", "task/.hidden/": b""}
    assert read_class_folders(pack(folders | whole(), tmp_path / "a.zip")).class_names == CLASSES


def test_thousands_of_files_and_a_thousand_classes_are_refused_with_the_limit(
    tmp_path: Path,
) -> None:
    picture = png(0)
    files = {f"task/{CLASSES[i % 4]}/{i}.png": picture for i in range(5_000)}
    with pytest.raises(InputError, match="5,000 files; at most 2,000"):
        read_class_folders(pack(files, tmp_path / "files.zip"))
    classes = {f"task/thing {c}/{i}.png": picture for c in range(1_000) for i in range(2)}
    with pytest.raises(InputError, match=r"1,000 class folder.*2 to 200"):
        read_class_folders(pack(classes, tmp_path / "classes.zip"))
    largest = {f"task/thing {c}/{i}.png": picture for c in range(200) for i in range(10)}
    found = read_class_folders(pack(largest, tmp_path / "largest.zip"))
    assert (len(found.class_names), len(found.files)) == (200, 2_000)


def test_what_lies_in_a_refused_zip_is_written_nowhere(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    path = pack(whole() | {"../escaped.png": png(0)}, inside / "a.zip")
    with pytest.raises(InputError, match="leads out"):
        read_class_folders(path)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["a.zip"]


def test_too_many_files_classes_or_bytes_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(class_folders, "MAXIMUM_FILES", 11)
    with pytest.raises(InputError, match="12 files; at most 11"):
        read_class_folders(pack(whole(), tmp_path / "a.zip"))
    monkeypatch.setattr(class_folders, "MAXIMUM_FILES", 100)
    monkeypatch.setattr(class_folders, "MAXIMUM_CLASSES", 3)
    with pytest.raises(InputError, match="4 class folder"):
        read_class_folders(tmp_path / "a.zip")
    bomb = whole() | {"task/ant/bomb.png": bytes(70 * 2**20)}
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in bomb.items():
            archive.writestr(name, data)
    assert (tmp_path / "b.zip").stat().st_size < 2**20
    with pytest.raises(InputError, match="70 MiB unpacked; at most 64"):
        read_class_folders(tmp_path / "b.zip")


def test_damaged_and_locked_zips_are_refused(tmp_path: Path) -> None:
    path = pack(whole(), tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    (tmp_path / "cut.zip").write_bytes(data[: len(data) // 2])
    data[60] ^= 0xFF  # a byte of the first picture: its checksum no longer fits
    (tmp_path / "damaged.zip").write_bytes(data)
    for name in ("cut.zip", "damaged.zip"):
        with pytest.raises(InputError, match="cannot be read"):
            read_class_folders(tmp_path / name)


# ---------------------------------------------------------------- the task


def task(seed: int = 0, per_class: int = 30) -> own_pictures.Inputs:
    """Pictures around their class's text, with a model that favours the first class."""
    random = np.random.default_rng(seed)
    text = np.eye(KINDS, DIMENSION)
    text[0] *= 1.6  # its logits are larger for every picture of anything
    labels = np.repeat(np.arange(KINDS), per_class)

    def split() -> np.ndarray:
        points = np.eye(KINDS, DIMENSION)[labels] + 0.25
        return points + 0.45 * random.normal(size=(len(labels), DIMENSION))

    return own_pictures.Inputs(split(), labels, split(), labels, text, 4.0, CLASSES)


@pytest.fixture(scope="module")
def result() -> own_task.Result:
    return own_task.compute(task(), own_task.Params())


def test_a_favoured_class_is_found_and_taking_it_out_helps(result: own_task.Result) -> None:
    assert result.prior.log_prior.argmax() == 0
    debiased, plain = (result.accuracy[m][0].mean for m in ("zero_shot_debiased", "zero_shot"))
    assert debiased > plain + 0.02
    assert "favours “ant” most" in draw_own_task(result).words_at(strength=1.0)


def test_the_summary_is_flat_and_gla_without_strength_is_the_ensemble(
    result: own_task.Result,
) -> None:
    canonical_json(dict(own_task.summarise(result)))
    assert result.accuracy["gla"][0].mean == result.accuracy["ensemble"][0].mean


def test_the_probes_gradient_is_zero_where_it_stops_and_its_pull_is_to_the_head() -> None:
    inputs = task()
    head = inputs.scale * inputs.text
    trained = own_task.train_probe(inputs.labelled, inputs.labelled_labels, head)
    n, scale = len(inputs.labelled), np.linalg.norm(head, axis=1).mean()

    def loss(weights: np.ndarray) -> float:
        logits = inputs.labelled @ weights.T
        own = logits[np.arange(n), inputs.labelled_labels]
        pull = 0.5 * (((weights - head) / scale) ** 2).sum() / n
        return float((log_sum_exp(logits) - own).mean() + pull)

    lowest = loss(trained)
    assert lowest < loss(head)
    random = np.random.default_rng(0)
    for _ in range(20):
        assert loss(trained + 0.05 * random.normal(size=head.shape)) > lowest


def test_halves_are_of_each_class_and_follow_the_seed() -> None:
    labels = np.repeat([0, 1, 2], [2, 5, 8])
    one = own_pictures.halve(labels, 0)
    assert np.bincount(labels[one]).tolist() == [1, 2, 4]
    assert np.array_equal(one, own_pictures.halve(labels, 0))
    assert not np.array_equal(one, own_pictures.halve(labels, 1))


class Server:
    """Embeds a picture as its mean colour, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def call(self, request: Request) -> SimpleNamespace:
        self.asked.append(request)
        if request.operation == "clip.decode_image":
            data = request.arrays["file"].tobytes()
            if data == b"x":
                raise InputError("This is no picture.")
            pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
            return SimpleNamespace(arrays={"image": pixels}, values={})
        values = {"logit_scale": 10.0, "class_names": list(CLASSES)}
        if request.operation == "clip.embed_texts":
            return SimpleNamespace(arrays={"features": np.eye(4, 3, dtype="f4")}, values=values)
        if request.operation == "emoji.features":
            count = 4 * request.arguments["per_class"]  # type: ignore[operator]
            rows = np.random.default_rng(0).normal(size=(count, 3)).astype("f2")
            arrays = {
                "features": rows,
                "labels": np.repeat(np.arange(4), count // 4),
                "text_features": np.eye(4, 3, dtype="f4"),
            }
            return SimpleNamespace(arrays=arrays, values=values)
        images = request.arrays["images"]
        assert images.shape[1:] == (224, 224, 3)
        return SimpleNamespace(arrays={"features": images.mean(axis=(1, 2)) / 255}, values=values)


def upload(files: dict[str, bytes], tmp_path: Path) -> str:
    data = pack(files, tmp_path / "task.zip").read_bytes()
    return keep_upload(data, "task.zip", suffixes=(".zip",), max_mib=64)


def test_a_zip_is_decoded_embedded_and_halved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    server = Server()
    params = own_task.Params(pictures=upload(whole(4), tmp_path), template="a drawing of {}")
    inputs = own_task.gather(server, params)  # type: ignore[arg-type]
    assert inputs.class_names == CLASSES
    assert (
        inputs.labelled_labels.tolist() == inputs.test_labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    )
    text = next(r for r in server.asked if r.operation == "clip.embed_texts")
    assert text.arguments == {"texts": list(CLASSES), "templates": ["a drawing of {}"]}
    reds = sorted(np.round(255 * np.concatenate([inputs.labelled, inputs.test])[:, 0]))
    assert reds == sorted([0, 40, 80, 120] * 4)


def test_a_picture_that_is_refused_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    params = own_task.Params(pictures=upload(whole() | {"task/cat/2.png": b"x"}, tmp_path))
    with pytest.raises(InputError, match=r"task/cat/2\.png: This is no picture"):
        own_task.gather(Server(), params)  # type: ignore[arg-type]


def test_without_a_zip_there_is_an_example() -> None:
    inputs = own_task.gather(Server(), own_task.Params())  # type: ignore[arg-type]
    assert len(inputs.labelled) == len(inputs.test) == 4 * own_pictures.EXAMPLE_PER_CLASS


@pytest.mark.parametrize(
    ("values", "said"),
    [({"template": "a photo"}, "hold no {}"), ({"strength": 2.5}, "0 to 2")],
)
def test_parameters_out_of_range_are_refused(values: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse(own_task.Params, values)
