"""What the page is built from, without a browser."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from panels import guard, lesson, models, page, snippet, status
from panels.publishing import publish
from panels.results import ResultStore
from panels.runs import Ask, Mode, NotMeasuredError, Runner, take_all
from panels.statics import CARTESIAN_PLOTLY_JS, WHOLE_PLOTLY_JS
from panels.view import Offer, View
from tests.browser import toy
from workbench.errors import (
    BusyError,
    CancelledError,
    InputError,
    OutsideError,
    UnknownNameError,
    UnreachableError,
)
from workbench.figures import theme
from workbench.methods.catalog import METHODS, find_study, studies
from workbench.params import fields_of
from workbench.server.api import Event, Request
from workbench.study import execute

ROOT = Path(__file__).parents[2]


# ---------- errors ----------
def test_an_error_a_person_can_act_on_is_said_as_it_is_and_escaped() -> None:
    complaint = guard.explain(InputError("Bins M is <b>99</b>; choose 2 to 50."))
    assert complaint.kind == "input"
    assert complaint.html == "Bins M is &lt;b&gt;99&lt;/b&gt;; choose 2 to 50."
    assert guard.explain(BusyError("The queue is full.")).kind == "busy"


def test_the_page_waits_for_the_model_server_but_not_for_what_lies_beyond_it() -> None:
    assert guard.explain(UnreachableError("The model server does not answer.")).kind == (
        "unreachable"
    )
    assert guard.explain(OutsideError("The endpoint does not answer.")).kind == "other"


def test_a_bug_shows_only_the_reference_it_is_logged_under(
    caplog: pytest.LogCaptureFixture,
) -> None:
    complaint = guard.explain(ZeroDivisionError("secret of the house"))
    assert complaint.kind == "bug"
    assert "secret" not in complaint.text
    reference = complaint.text.rstrip(".").rsplit(" ", 1)[1]
    assert reference in caplog.text
    assert "secret of the house" in caplog.text


# ---------- the look ----------
def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    """WCAG 2.2, definition of contrast ratio."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("role", theme.PALETTE)
def test_every_palette_colour_is_seen_on_paper_and_on_slate(role: str) -> None:
    assert _contrast(theme.PALETTE[role], theme.PAPER) >= 3
    assert _contrast(theme.PALETTE[role], theme.SLATE) >= 3


def test_every_palette_colour_has_a_lighter_twin_for_slate() -> None:
    assert theme.PALETTE_DARK.keys() == theme.PALETTE.keys()
    for role in theme.PALETTE.keys() - {"grid"}:
        assert _contrast(theme.PALETTE_DARK[role], theme.SLATE) >= 4.5, role


@pytest.mark.parametrize("group", theme.GROUPS)
def test_every_accent_is_readable_as_text_on_its_ground(group: str) -> None:
    light, dark = theme.GROUPS[group]
    assert _contrast(light, theme.PAPER) >= 4.5
    assert _contrast(dark, theme.SLATE) >= 4.5


def test_the_sequential_scale_only_gets_lighter() -> None:
    lights = [_luminance(str(colour)) for _, colour in theme.SEQUENTIAL]
    assert lights == sorted(lights)


# ---------- controls ----------
def test_the_script_is_told_of_every_parameter_what_its_control_needs() -> None:
    told = {}
    for study in (toy.WAVES, toy.SLOW):
        for each in fields_of(study.params):
            told[each.name] = page._describe_param(each, study)
    assert {name: each["kind"] for name, each in told.items()} == {
        "height": "range",
        "shape": "choice",
        "points": "range",
        "centred": "flag",
        "seed": "range",
        "text": "text",
        "model": "model",
        "scale": "range",
        "file": "upload",
    }
    height = told["height"]
    assert (height["minimum"], height["maximum"], height["step"]) == (0.0, 3.0, 0.1)
    assert (height["whole"], told["points"]["whole"]) == (False, True)
    assert height["allowed"] == "Height H: 0 to 3"
    assert height["element"] == "waves-height"
    assert told["text"]["element"] == "waves-slow-text"
    assert told["model"]["modelKind"] == ("causal-lm", "openai")
    assert told["file"]["suffixes"] == (".txt",)
    json.dumps(told)


def test_models_that_are_here_come_first_and_others_say_their_size() -> None:
    choices = models.model_choices(["causal-lm"], toy.ToyClient().models()[::-1])
    assert choices == [("tiny · ready", "tiny"), ("big · download 1,234 MiB", "big")]


def test_models_of_several_kinds_say_of_which_they_are() -> None:
    assert models.model_choices(["openai", "visionllm", "causal-lm"], toy.ToyClient().models()) == [
        ("tiny · language model · ready", "tiny"),
        ("seer · visionllm · ready", "seer"),
        ("big · language model · download 1,234 MiB", "big"),
        ("hosted · endpoint · not available", "hosted"),
    ]


# ---------- results ----------
def test_the_store_serves_what_was_put_and_drops_the_least_recent() -> None:
    store = ResultStore(limit_bytes=2_500)
    noise = [os.urandom(1_000) for _ in range(3)]
    first, second = store.put(noise[0]), store.put(noise[1])
    assert store.is_served(first)
    store.put(noise[2])
    assert store.is_served(first)
    assert not store.is_served(second)


def test_equal_results_share_one_address() -> None:
    store = ResultStore()
    outcome = execute(toy.WAVES, toy.ToyClient(), toy.WaveParams())
    views = (View("curve", "Curve", toy.draw_curve), View("matrix", "Matrix", toy.draw_matrix))
    first, again = (store.keep(publish(toy.WAVES, outcome, views, {})) for _ in range(2))
    assert first == again


def test_a_result_carries_its_first_figure_and_says_where_the_others_are() -> None:
    store = ResultStore()
    outcome = execute(toy.WAVES, toy.ToyClient(), toy.WaveParams())
    views = (View("curve", "Curve", toy.draw_curve), View("matrix", "Matrix", toy.draw_matrix))
    body = _read(store, store.keep(publish(toy.WAVES, outcome, views, {})))
    shown, later = body["figures"]
    assert shown["name"] == "curve"
    assert set(later) == {"address"}
    assert _read(store, later["address"]) == {"name": "matrix", "title": "Matrix"} | json.loads(
        json.dumps(toy.draw_matrix(toy.WaveParams()).payload())
    )


def test_a_result_offers_phrases_for_its_controls() -> None:
    store = ResultStore()
    outcome = execute(toy.WAVES, toy.ToyClient(), toy.WaveParams())
    views = (View("curve", "Curve", toy.draw_curve),)
    offers = {"shape": lambda params: [Offer(params.shape, "good")]}
    body = _read(store, store.keep(publish(toy.WAVES, outcome, views, offers)))
    assert body["offers"] == {"shape": [{"text": "sine", "role": "good"}]}


def _read(store: ResultStore, address: str) -> dict[str, Any]:
    packed = store.get(Path(address).stem)
    assert packed is not None
    return json.loads(gzip.decompress(packed))


# ---------- runs ----------
def test_a_page_slower_than_the_model_is_given_only_the_longest_text_of_each_request() -> None:
    async def look() -> list[list[Event] | None]:
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        for event in (
            Event("running", fraction=0.1),
            Event("partial", values={"text": "a"}, label="Student"),
            Event("partial", values={"text": "b"}, label="Teacher"),
            Event("partial", values={"text": "aa"}, label="Student"),
            None,
        ):
            queue.put_nowait(event)
        return [await take_all(queue) for _ in range(2)]

    events, end = asyncio.run(look())
    assert events is not None
    assert [(e.label, e.values.get("text")) for e in events] == [
        ("", None), ("Teacher", "b"), ("Student", "aa"),
    ]  # fmt: skip
    assert end is None


def test_an_event_carries_its_requests_label() -> None:
    asked = replace(
        toy.SLOW,
        gather=lambda client, p: (
            client.call(
                Request("toy.slow", arguments={"text": p.text}, label="Student alone")
            ).values
        ),
    )
    client, seen = toy.ToyClient(), []
    client.gate.set()
    execute(asked, client, toy.SlowParams(), on_event=seen.append)
    assert {event.label for event in seen} == {"Student alone"}


def _runner(client: toy.ToyClient) -> Runner:
    return Runner(client, lambda _study, outcome: str(dict(outcome.summary)), lambda _: True)


async def _collect(runner: Runner, params: toy.SlowParams, ask: Ask) -> list[Event | str]:
    return [step async for step in runner.run(toy.SLOW, params, ask)]


def test_a_study_of_this_machine_waits_to_be_asked_and_is_then_kept() -> None:
    measured: list[object] = []
    local = replace(toy.WAVES, is_local=True, compute=lambda _, p: measured.append(p) or p)
    runner = Runner(toy.ToyClient(), lambda _study, _outcome: "address", lambda _: True)

    async def run(mode: Mode) -> list[Event | str]:
        ask = Ask("me", mode=mode, measures=True)
        return [step async for step in runner.run(local, toy.WaveParams(), ask)]

    with pytest.raises(NotMeasuredError):
        asyncio.run(run("fill"))
    assert measured == []
    assert asyncio.run(run("run")) == asyncio.run(run("fill")) == ["address"]
    assert len(measured) == 1


def test_a_run_tells_its_place_and_progress_and_then_its_answer() -> None:
    client = toy.ToyClient()
    client.gate.set()
    steps = asyncio.run(
        _collect(_runner(client), toy.SlowParams(text="a b"), Ask("me", measures=True))
    )
    kinds = [step.kind for step in steps[:-1] if isinstance(step, Event)]
    assert kinds == ["queued", "running", "partial"]
    assert steps[-1] == "{'words': 2}"


def test_filling_a_tab_never_measures() -> None:
    client = toy.ToyClient()
    with pytest.raises(NotMeasuredError):
        asyncio.run(_collect(_runner(client), toy.SlowParams(), Ask("me", "fill", measures=True)))
    assert client.stopped.wait(toy.WAIT_S)


def test_measuring_again_goes_on_where_a_run_was_left() -> None:
    client, texts, held = toy.ToyClient(), ("first", "second", "third"), [""]

    def ask_each(asked: Any, params: toy.SlowParams) -> Any:
        for text in texts:
            (client.gate.clear if text == held[0] else client.gate.set)()
            answer = asked.call(Request("toy.slow", arguments={"text": text, "of": params.text}))
        return answer.values

    chain, runner = replace(toy.SLOW, gather=ask_each), _runner(client)

    async def measure(mode: Mode = "run", *, leaves_at: str = "", of: str = "book") -> list[str]:
        held[0], before = leaves_at, len(client.requests)
        ask = Ask("me", mode=mode, fresh=True, measures=True)
        with contextlib.suppress(CancelledError):
            async for _ in runner.run(chain, toy.SlowParams(text=of), ask):
                if client.requests[-1].arguments["text"] == leaves_at:
                    runner.cancel("me", chain.slug)
        asked = client.requests[before:]
        return [str(request.arguments["text"]) for request in asked if request.fresh]

    async def walk() -> None:
        assert await measure(leaves_at="second") == ["first", "second"]
        assert await measure() == ["second", "third"]
        assert await measure() == list(texts)  # it was finished: this is a new measurement
        await measure(leaves_at="second")
        assert await measure("check") == list(texts)
        await measure(leaves_at="second")
        assert await measure(of="another book") == list(texts)

    asyncio.run(walk())


def test_cancel_reaches_only_the_session_that_asked() -> None:
    client = toy.ToyClient()
    runner = _runner(client)

    async def both() -> list[object]:
        first_news = asyncio.Event()

        async def follow(session: str, text: str) -> object:
            async for step in runner.run(
                toy.SLOW, toy.SlowParams(text=text), Ask(session, measures=True)
            ):
                if isinstance(step, Event) and step.kind == "running" and session == "one":
                    first_news.set()
                last = step
            return last

        tasks = [asyncio.create_task(follow(name, name)) for name in ("one", "two")]
        await first_news.wait()
        runner.cancel("one", toy.SLOW.slug)
        await asyncio.wait([tasks[0]])
        client.gate.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    one, two = asyncio.run(both())
    assert isinstance(one, CancelledError)
    assert two == "{'words': 1}"


def test_thirty_browsers_that_open_a_tab_at_once_compute_its_sweep_once() -> None:
    entered = threading.Semaphore(0)
    go = threading.Event()
    calls = []

    def finish(_study: object, outcome: object) -> str:
        calls.append(outcome)
        entered.release()
        assert go.wait(toy.WAIT_S)
        return "address"

    runner = Runner(toy.ToyClient(), finish, lambda _: True)

    async def one(session: int) -> object:
        steps = [
            step
            async for step in runner.run(toy.WAVES, toy.WaveParams(), Ask(str(session), "fill"))
        ]
        return steps[-1]

    async def everybody() -> list[object]:
        tasks = [asyncio.create_task(one(i)) for i in range(30)]
        await asyncio.to_thread(entered.acquire)
        go.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(everybody()) == ["address"] * 30
    assert len(calls) == 1


# ---------- Python, lessons, status ----------
def test_the_python_of_a_study_prints_its_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.delenv("WORKBENCH_SERVER_URL", raising=False)
    study = find_study("attention")
    params = study.params(tokens=64, bound_b=1.5, kind="taylor")
    code = snippet.snippet(study, params)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "snippet", "exec"), {})  # noqa: S102  it is what the page shows
    numbers = dict(line.split(maxsplit=1) for line in printed.getvalue().splitlines())
    expected = execute(study, toy.ToyClient(), params).summary
    assert set(numbers) == set(expected)
    for name, value in expected.items():
        if not name.endswith("_seconds"):
            assert numbers[name] == str(value)


@pytest.mark.parametrize("slug", [method.slug for method in METHODS])
def test_every_tab_has_a_lesson_of_four_to_six_steps_that_sets_allowed_values(slug: str) -> None:
    params = {each: study.params for each, study in studies(slug).items()}
    found = lesson.read_lesson(slug, params)
    assert found
    assert 4 <= len(found.steps) <= 6


STEP = """[[step]]
title = "T"
text = "x"
question = "?"
choices = ["a", "b"]
answer = {answer}
reveal = "r"
[step.set]
{set}
"""


@pytest.mark.parametrize(
    ("answer", "settings", "complaint"),
    [
        (2, "", "answer is 2; choose 0 to 1"),
        (0, "height = 9", "Height H is 9; choose 0 to 3"),
        (0, '"slower.text" = "x"', "Did you mean slow"),
        (0, "hight = 1", "Did you mean height"),
    ],
)
def test_a_lesson_that_cannot_be_is_refused(
    tmp_path: Path, answer: int, settings: str, complaint: str
) -> None:
    (tmp_path / "waves.toml").write_text(STEP.format(answer=answer, set=settings))
    params = {"waves": toy.WaveParams, "waves.slow": toy.SlowParams}
    with pytest.raises((InputError, UnknownNameError), match=complaint):
        lesson.read_lesson("waves", params, tmp_path)


def test_the_status_page_escapes_what_the_server_says() -> None:
    client = toy.ToyClient()
    now = client.status()
    object.__setattr__(now, "device_name", "<script>")
    assert "<script>" not in status.render(now, client.models())


@pytest.mark.parametrize(
    ("cache", "told"),
    [
        (
            {"on": False, "note": "off: the disk is full; results are still computed"},
            "disk is full",
        ),
        ({"on": True, "entries": 3, "note": "begun anew, as its database was damaged"}, "begun an"),
    ],
)
def test_the_status_page_tells_what_happened_to_the_cache(cache: dict, told: str) -> None:
    client = toy.ToyClient()
    shown = status.render(replace(client.status(), cache=cache), client.models())
    assert told in shown
    assert "off. off" not in shown


def test_importing_the_page_imports_no_model_library() -> None:
    code = (
        "import sys, panels.app\n"
        "heavy = {'torch', 'transformers', 'open_clip', 'torchvision'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)


# ---------- Plotly's script ----------
def _plotly_version(path: Path) -> str:
    found = re.search(r"plotly\.js (?:\(.*?\) )?v(\d+\.\d+\.\d+)", path.read_text("utf-8")[:400])
    assert found
    return found[1]


def test_the_part_of_plotly_is_of_the_version_of_the_whole() -> None:
    assert _plotly_version(CARTESIAN_PLOTLY_JS) == _plotly_version(WHOLE_PLOTLY_JS)


def test_importing_the_page_quickly_leaves_inspect_as_it_was() -> None:
    code = (
        "import inspect; find = inspect.getfile; import panels.app, gradio;"
        "assert inspect.getfile is find; assert inspect.getfile(gradio.Textbox)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
