"""Which of your own class names does a model see in a picture? Zero-shot, without any label.

Radford et al. 2021, arXiv:2103.00020: the names, put into a sentence, are the classifier. What
needs labelled pictures is not done here: no prior (arXiv:2310.08106), no probe, no accuracy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated

import numpy as np

from workbench.errors import InputError
from workbench.methods.gla.class_folders import MAXIMUM_MIB, read_loose_pictures
from workbench.methods.gla.decoding import decode_square
from workbench.methods.gla.own_pictures import SIDE_PX
from workbench.methods.gla.softmax import softmax
from workbench.params import Model, Range, Text, Upload, check
from workbench.server.api import ModelClient, Request
from workbench.study import Study, Summary
from workbench.uploads import open_upload

MOST_PICTURES = 24
MOST_NAMES = 1_000
LONGEST_NAME = 100
SHOWN = 8
"""Names shown for a picture: those it gets the largest probabilities for."""
EXAMPLE_DOMAIN, EXAMPLE_PER_CLASS, EXAMPLE_EVERY = "colour", 1, 4
"""When nobody brings pictures: one test picture of every fourth class of the emoji world."""
EXAMPLE_NAMES = (
    "lemon; grapes; pineapple; avocado; mushroom; hot dog; croissant; doughnut; honey pot; dog; "
    "panda; monkey; horse; hedgehog; duck; whale; butterfly; rose; car; motorcycle; bus; "
    "sailing boat; moon; violin"
)
"""The example's classes, but a horse for the camel and a bus for the tram: two cannot be right."""
UPLOAD = Upload(
    "Your pictures",
    (".zip", ".png", ".jpg", ".jpeg", ".webp", ".gif"),
    max_mib=MAXIMUM_MIB,
    can_draw=True,
    help=f"One picture, or a zip of up to {MOST_PICTURES}. Without any: test pictures of emoji.",
)


@dataclass(frozen=True, slots=True)
class Params:
    """What the user may change."""

    names: Annotated[
        str,
        Text(
            "Class names",
            max_chars=60_000,
            min_chars=1,
            lines=5,
            help=f"One a line, or with semicolons between; 2 to {MOST_NAMES:,}.",
        ),
    ] = EXAMPLE_NAMES
    pictures: Annotated[str, UPLOAD] = ""
    picture: Annotated[int, Range(1, MOST_PICTURES, 1, "Picture", live=True)] = 1
    model: Annotated[str, Model("open-clip", "Model")] = "emoji-clip-bank"
    template: Annotated[
        str,
        Text("Words around the class", max_chars=200, min_chars=2, help="{} is the class."),
    ] = "a drawing of a {}"

    def __post_init__(self) -> None:
        check(self)
        read_names(self.names)
        if "{}" not in self.template:
            raise InputError("Words around the class hold no {}; write {} where the class goes.")


@dataclass(frozen=True)
class Inputs:
    """Pictures and names in a model's vectors.

    Args:
        drawings: ``(m, side, side, 3)`` uint8.
        titles: what each picture is called.
        truth: name of each picture's class; empty where nobody knows it.
        vectors: ``(m, d)`` unit vectors of the pictures.
        text: ``(k, d)`` unit vectors of the names.
        scale: of the model's logits.
    """

    drawings: np.ndarray
    titles: tuple[str, ...]
    truth: tuple[str, ...]
    vectors: np.ndarray
    text: np.ndarray
    scale: float


@dataclass(frozen=True)
class Result:
    """What the model sees.

    Args:
        params: what was asked for.
        drawings: ``(m, side, side, 3)`` uint8.
        titles: what each picture is called.
        truth: name of each picture's class; empty where nobody knows it.
        names: k class names.
        repeated: names that were typed more than once.
        alike: names whose vector is that of another name: the model cannot tell them apart.
        best: ``(m, s)`` names of the largest probabilities, largest first.
        chances: ``(m, s)`` their probabilities.
        mean_chance: ``(k,)`` mean probability of each name over the pictures.
        guesses: ``(k,)`` pictures given each name.
    """

    params: Params
    drawings: np.ndarray
    titles: tuple[str, ...]
    truth: tuple[str, ...]
    names: tuple[str, ...]
    repeated: tuple[str, ...]
    alike: tuple[str, ...]
    best: np.ndarray
    chances: np.ndarray
    mean_chance: np.ndarray
    guesses: np.ndarray


def read_names(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Class names out of a text, and those of them that stand in it more than once.

    Capital letters and white space make no new name.

    Raises:
        InputError: fewer than two names, too many, or one too long.
    """
    typed = [" ".join(part.split()) for part in re.split(r"[;\n]", text)]
    first: dict[str, str] = {}
    repeated: dict[str, str] = {}
    for name in filter(None, typed):
        if len(name) > LONGEST_NAME:
            raise InputError(
                f"The class name {name[:40]!r}… has {len(name):,} characters; at most "
                f"{LONGEST_NAME} are allowed. Put each name on a line of its own."
            )
        key = name.casefold()
        if key in first:
            repeated[key] = first[key]
        first.setdefault(key, name)
    if len(first) < 2:
        raise InputError(
            f"There is {len(first)} class name; type at least 2, one a line or with semicolons "
            "between. With fewer there is nothing to choose."
        )
    if len(first) > MOST_NAMES:
        raise InputError(
            f"There are {len(first):,} class names; at most {MOST_NAMES:,} are compared."
        )
    return tuple(first.values()), tuple(repeated.values())


def gather(client: ModelClient, params: Params) -> Inputs:
    """Decode or draw the pictures, and embed them and the names."""
    if params.pictures:
        files = _open(params.pictures)
        drawings = np.stack([decode_square(client, n, data, SIDE_PX) for n, data in files])
        titles = tuple(PurePosixPath(name).name for name, _ in files)
        truth = ("",) * len(files)
    else:
        drawings, truth = _draw_example(client)
        titles = tuple(f"test picture {number}" for number in range(1, len(truth) + 1))
    names, _ = read_names(params.names)
    seen = client.call(
        Request(
            operation="clip.embed_images",
            model=params.model,
            arrays={"images": drawings},
            dtype="float32",
        )
    )
    text = client.call(
        Request(
            operation="clip.embed_texts",
            model=params.model,
            arguments={"texts": list(names), "templates": [params.template]},
            dtype="float32",
        )
    )
    return Inputs(
        drawings,
        titles,
        truth,
        seen.arrays["features"],
        text.arrays["features"],
        float(text.values["logit_scale"]),  # type: ignore[arg-type]
    )


def _open(reference: str) -> Sequence[tuple[str, bytes]]:
    """Name and bytes of the pictures behind a reference: of a zip, or the one that it is."""
    path = open_upload(reference)
    if path.suffix == ".zip":
        return read_loose_pictures(path, MOST_PICTURES)
    return [(reference.partition("/")[2], path.read_bytes())]


def _draw_example(client: ModelClient) -> tuple[np.ndarray, tuple[str, ...]]:
    places = [EXAMPLE_EVERY * number for number in range(MOST_PICTURES)]
    answer = client.call(
        Request(
            operation="emoji.pictures",
            arguments={
                "domain": EXAMPLE_DOMAIN,
                "split": "test",
                "per_class": EXAMPLE_PER_CLASS,
                "tail": 0.0,
                "indices": places,  # type: ignore[dict-item]
            },
            seed=0,
            dtype="float32",
        )
    )
    known = [str(name) for name in answer.values["class_names"]]  # type: ignore[union-attr]
    return answer.arrays["pictures"], tuple(known[c] for c in answer.arrays["labels"].tolist())


def compute(inputs: Inputs, params: Params) -> Result:
    """Probability of every name for every picture."""
    names, repeated = read_names(params.names)
    chances = softmax(inputs.scale * inputs.vectors.astype(np.float64) @ inputs.text.T)  # (m, k)
    best = np.argsort(-chances, axis=1, kind="stable")[:, :SHOWN]
    _, same, count = np.unique(
        inputs.text.round(6), axis=0, return_inverse=True, return_counts=True
    )
    alike = np.flatnonzero(count[same.ravel()] > 1)
    return Result(
        params,
        inputs.drawings,
        inputs.titles,
        inputs.truth,
        names,
        repeated,
        tuple(names[c] for c in alike),
        best,
        np.take_along_axis(chances, best, axis=1),
        chances.mean(axis=0),
        np.bincount(best[:, 0], minlength=len(names)),
    )


def summarise(result: Result) -> Summary:
    """How many names and pictures, and how the guesses spread."""
    place = min(result.params.picture, len(result.titles)) - 1
    return {
        "names": len(result.names),
        "names_repeated": len(result.repeated),
        "names_alike": len(result.alike),
        "pictures": len(result.titles),
        "guess": result.names[int(result.best[place, 0])],
        "guess_probability": round(float(result.chances[place, 0]), 6),
        "largest_mean_probability": round(float(result.mean_chance.max()), 6),
        "names_guessed": int((result.guesses > 0).sum()),
    }


NAMES: Study[Params, Inputs, Result] = Study(
    slug="gla.names",
    title="Classes by name",
    params=Params,
    gather=gather,
    compute=compute,
    summarise=summarise,
)
