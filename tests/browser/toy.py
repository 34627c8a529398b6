"""A method, its tab and a model server small enough to hold in the hand, for browser tests."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import plotly.graph_objects as go

from panels.page import Page
from panels.view import Download, Offer, View
from workbench.errors import (
    CancelledError,
    InputError,
    OutsideError,
    UnreachableError,
    WorkbenchError,
)
from workbench.figures.live import LiveFigure, Slot
from workbench.figures.passages import LivePassages, Passage, Span
from workbench.figures.theme import PALETTE
from workbench.methods.catalog import Method
from workbench.params import (
    Board,
    Chips,
    Choice,
    Flag,
    Model,
    Picks,
    Piece,
    Range,
    Text,
    Upload,
    check,
    chips,
    fields_of,
    picked,
)
from workbench.server.api import Event, ModelEntry, Receipt, Request, Result, Status
from workbench.study import Study
from workbench.uploads import open_upload

WAIT_S = 20.0


@dataclass(frozen=True, slots=True)
class WaveParams:
    height: Annotated[float, Range(0.0, 3.0, 0.1, "Height H", live=True)] = 1.0
    shape: Annotated[str, Choice(("sine", "square"), "Shape", live=True)] = "sine"
    points: Annotated[int, Range(100, 10_000, 100, "Points n")] = 1_000
    centred: Annotated[bool, Flag("Centred")] = False
    seed: Annotated[int, Range(0, 2**31 - 1, 1, "Seed")] = 0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class SlowParams:
    text: Annotated[str, Text("Text", max_chars=20_000, min_chars=1, lines=3)] = "Hello."
    model: Annotated[str, Model(("causal-lm", "openai"), "Model")] = "tiny"
    scale: Annotated[float, Range(1.0, 3.0, 0.5, "Scale", live=True)] = 1.0
    file: Annotated[str, Upload("Words", (".txt",), max_mib=0.1, help="Read with the text.")] = ""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, slots=True)
class PartsParams:
    chosen: Annotated[str, Picks("Chosen", highest=9, max_items=3)] = "2"
    hint: Annotated[str, Chips("Hint", max_items=4)] = "harbour; new ferry"
    table: Annotated[str, Board("Table", (Piece("red block", "#cf3a3a"), Piece("bowl")))] = (
        "red block@0.20,0.20"
    )
    sketch: Annotated[str, Upload("Sketch", (".png",), can_draw=True)] = ""
    times: Annotated[int, Range(1, 3, 1, "Times", live=True)] = 1

    def __post_init__(self) -> None:
        check(self)


def _positions(params_type: type, *names: str) -> dict[str, list]:
    kinds = {each.name: each.kind for each in fields_of(params_type)}
    found = {}
    for name in names:
        kind = kinds[name]
        found[name] = list(kind.options) if isinstance(kind, Choice) else kind.positions()
    return found


def _wave(shape: str, x: np.ndarray) -> np.ndarray:
    return np.sin(x) if shape == "sine" else np.sign(np.sin(x))


def draw_curve(params: WaveParams) -> LiveFigure:
    axes = _positions(WaveParams, "shape", "height")
    x = np.linspace(0, 12, params.points)
    heights = np.array(axes["height"])
    y = np.stack([heights[:, None] * _wave(shape, x) for shape in axes["shape"]])
    figure = go.Figure(
        [
            go.Scatter(x=x, y=y[0, 0], name="wave", line_color=PALETTE["blue"]),
            go.Scatter(x=[0, 12], y=[1, 1], name="limit", line_color=PALETTE["threshold"]),
        ]
    )
    figure.update_layout(
        xaxis_title="x", yaxis={"title": "height", "range": [-3.2, 3.2]}, xaxis_range=[0, 12]
    )
    words = [
        [f"A {shape} wave of height {height:g}." for height in heights] for shape in axes["shape"]
    ]
    return LiveFigure(
        figure,
        axes,
        (Slot("data[0].y", ("shape", "height"), y),),
        Slot("words", ("shape", "height"), words),
    )


def draw_matrix(params: WaveParams) -> LiveFigure:
    axes = _positions(WaveParams, "height")
    grid = np.outer(np.arange(12), np.arange(12)) % 7
    z = np.stack([height * grid for height in axes["height"]]).astype(np.float16)
    figure = go.Figure(go.Heatmap(z=z[0], zmin=0, zmax=18))
    del params
    return LiveFigure(figure, axes, (Slot("data[0].z", ("height",), z),), "A matrix.")


def _read(params: SlowParams) -> str:
    return params.text + (open_upload(params.file).read_text("utf-8") if params.file else "")


def draw_bars(result: dict) -> LiveFigure:
    axes = _positions(SlowParams, "scale")
    y = np.outer(axes["scale"], result["lengths"])
    figure = go.Figure(go.Bar(x=[f"w{i}" for i in range(y.shape[1])], y=y[0]))
    return LiveFigure(figure, axes, (Slot("data[0].y", ("scale",), y),), "Lengths of words.")


def draw_points(params: PartsParams) -> LiveFigure:
    at = list(range(10))
    chosen = [1 if i in picked(params.chosen) else 0 for i in at]
    figure = go.Figure(
        go.Scatter(x=at, y=chosen, customdata=at, mode="markers", marker_size=18, name="points")
    )
    figure.update_layout(xaxis_range=[-1, 10], yaxis_range=[-1, 2])
    return LiveFigure(figure, words=f"Chosen: {params.chosen or 'none'}.")


def draw_hints(params: PartsParams) -> LivePassages:
    times = _positions(PartsParams, "times")
    phrases = [chip.text for chip in chips(params.hint)]
    fixed = Passage("Board", (Span(params.table),), note=f"sketch {params.sketch[:6] or 'none'}")
    passages = [
        (
            fixed,
            Passage(
                "Hint", tuple(Span(f"{p} " * n, "mark", "a hint", pick=n % 3 + 1) for p in phrases)
            ),
        )
        for n in times["times"]
    ]
    return LivePassages(
        passages, times, Slot("words", ("times",), [f"{n} times" for n in (1, 2, 3)])
    )


def offer_phrases(params: PartsParams) -> list[Offer]:
    del params
    return [Offer("harbour", "good"), Offer("old bridge")]


def write_points(params: WaveParams, position: Mapping[str, object]) -> str:
    if position["shape"] == "square":
        raise InputError("A square wave has no points between; choose sine.")
    return f"n,height\n{params.points},{position['height']}\n"


WAVES = Study(
    slug="waves",
    title="A wave and its height",
    params=WaveParams,
    gather=lambda _client, _params: None,
    compute=lambda _inputs, params: params,
    summarise=lambda p: {"area": p.height * 2, "points": p.points, "draw_seconds": 0.1},
)
SLOW = Study(
    slug="waves.slow",
    title="What a model says of the text",
    params=SlowParams,
    gather=lambda client, p: (
        client.call(
            Request(
                "toy.slow", model=p.model, arguments={"text": _read(p)}, label="The model reads"
            )
        ).values
    ),
    compute=lambda inputs, _params: dict(inputs),
    summarise=lambda result: {"words": len(result["lengths"])},
)
PARTS = Study(
    slug="waves.parts",
    title="Parts",
    params=PartsParams,
    gather=lambda _client, _params: None,
    compute=lambda _inputs, params: params,
    summarise=lambda p: {"chosen": len(picked(p.chosen)), "phrases": len(chips(p.hint))},
)
METHOD = Method(
    slug="waves",
    title="Waves",
    group="Read",
    paper="On Waves",
    authors="Nobody, 2026",
    arxiv="0000.00000",
    claim="A wave is as high as its height.",
    first="Drag H and see the wave grow.",
)


def build(page: Page) -> None:
    """The toy's tab."""
    page.study(
        WAVES,
        figures=(
            View("curve", "Curve", draw_curve, plays="height"),
            View("matrix", "Matrix", draw_matrix, picks={"x": "height"}),
        ),
        run="auto",
        downloads=(Download("points", "Points as CSV", "text/csv", write_points),),
    )
    page.study(
        SLOW, figures=(View("bars", "Bars", draw_bars),), run="button", keeps="Words read are kept."
    )
    page.study(
        PARTS,
        figures=(
            View("points", "Points", draw_points, picks={"customdata": "chosen"}),
            View("texts", "Texts", draw_hints, picks={"pick": "times"}),
        ),
        run="auto",
        open_controls=5,
        offers={"hint": offer_phrases},
    )


@dataclass
class ToyJob:
    """A job that reports queue and progress and waits at the client's gate."""

    client: ToyClient
    request: Request
    id: str = "job"
    left: threading.Event = field(default_factory=threading.Event)
    sent: queue.Queue[Event | None] = field(default_factory=queue.Queue)
    failed: WorkbenchError | None = None

    def run(self) -> None:
        if str(self.request.arguments["text"]) in self.client.measured and not self.request.fresh:
            self.sent.put(None)
            return
        self.sent.put(Event("queued", place=3))
        self.sent.put(Event("running", fraction=0.25, seconds_left=12.0, text="Reading"))
        self.sent.put(Event("partial", values={"text": "Once upon"}))
        while not self.client.gate.wait(0.02):
            if self.left.is_set():
                break
        if self.left.is_set():
            self.failed = CancelledError("Cancelled before it was finished.")
            self.client.stopped.set()
        elif self.client.is_down:
            self.failed = UnreachableError("The model server at toy:1 does not answer.")
        elif self.client.endpoint_says:
            self.failed = OutsideError(self.client.endpoint_says)
        else:
            self.client.measured.add(str(self.request.arguments["text"]))
        self.sent.put(None)

    def events(self) -> Iterator[Event]:
        while (event := self.sent.get(timeout=WAIT_S)) is not None:
            yield event

    def result(self, timeout_s: float | None = None) -> Result:
        del timeout_s
        if self.failed:
            raise self.failed
        words = str(self.request.arguments["text"]).split()
        receipt = Receipt(
            "toy.slow", 1, "tiny", "d", "float32", "cpu", None, "a", "k", "2026-01-01", 0.1, {},
            shared_with=self.client.shared_with,
        )  # fmt: skip
        return Result({}, {"lengths": [len(word) for word in words]}, receipt)

    def cancel(self) -> None:
        self.left.set()


@dataclass
class ToyClient:
    """A model server in the test's hand: gate it, take it down, see what was stopped."""

    gate: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)
    is_down: bool = False
    endpoint_says: str = ""
    """Why the endpoint behind the model fails; empty while it answers."""
    shared_with: int = 0
    measured: set[str] = field(default_factory=set)
    requests: list[Request] = field(default_factory=list)

    def submit(self, request: Request) -> ToyJob:
        if self.is_down:
            raise UnreachableError("The model server at toy:1 does not answer.")
        self.requests.append(request)
        job = ToyJob(self, request)
        threading.Thread(target=job.run, daemon=True).start()
        return job

    def call(self, request: Request) -> Result:
        return self.submit(request).result()

    def models(self) -> tuple[ModelEntry, ...]:
        self.status()
        common = {"licence": "none", "source": "toy:", "digest": None}
        return (
            ModelEntry(
                "tiny", "causal-lm", "a toy", state="ready", download_mib=0, memory_mib=1,
                resident=True, **common,
            ),
            ModelEntry(
                "big", "causal-lm", "a large toy", state="downloadable", download_mib=1234,
                memory_mib=2000, resident=False, **common,
            ),
            ModelEntry(
                "hosted", "openai", "an endpoint", state="unavailable", download_mib=0,
                memory_mib=0, resident=False, **common,
            ),
            ModelEntry(
                "seer", "visionllm", "it sees", state="ready", download_mib=0, memory_mib=1,
                resident=False, **common,
            ),
        )  # fmt: skip

    def status(self) -> Status:
        if self.is_down:
            raise UnreachableError("The model server at toy:1 does not answer.")
        return Status(
            version="1",
            device="cpu",
            device_name="Toy processor",
            resident=({"name": "tiny", "dtype": "float32", "mib": 1.0, "in_use": 0},),
            budget_mib=100.0,
            used_mib=1.0,
            queued=0,
            running=0,
            cache={"on": True, "entries": 1, "bytes": 1, "limit_bytes": 2**20},
            counters={"requests": 1.0},
            uptime_s=61.0,
        )

    def close(self) -> None:
        return None
