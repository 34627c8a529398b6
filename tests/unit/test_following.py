"""What the page says of a text while it grows, and of a training as it goes."""

from __future__ import annotations

import asyncio
import threading

import pytest

from panels import dsp as panel
from panels.following import Follower, Remark, written
from panels.runs import take_all
from panels.view import Offer
from tests.unit import dsp_records
from workbench.methods.dsp import study_bench
from workbench.params import parse
from workbench.server.api import Event


def partial(label: str = "", **values: object) -> Event:
    return Event("partial", values=values, label=label)  # type: ignore[arg-type]


def test_a_study_is_asked_once_and_off_the_pages_own_thread() -> None:
    begun: list[object] = []
    threads: list[int] = []

    def follow(client: object, params: object):
        begun.append((client, params))

        def remark(label: str, text: str) -> Remark:
            threads.append(threading.get_ident())
            return Remark(f"{label}: {len(text)}", {"hint": [Offer("pier", "good")]})

        return remark

    follower = Follower(follow, "client", "params")  # type: ignore[arg-type]

    async def run() -> list[dict]:
        events = [partial("With", text="one"), partial("With", text="one two")]
        return [await follower.remark(event) for event in [*events, Event("running")]]

    first, second, other = asyncio.run(run())
    assert (first["note"], second["note"]) == ("With: 3", "With: 7")
    assert first["offers"] == {"hint": [{"text": "pier", "role": "good"}]}
    assert other == {}
    assert begun == [("client", "params")]
    assert threading.get_ident() not in threads


def test_without_a_follower_nothing_is_said() -> None:
    follower = Follower(None, "client", "params")  # type: ignore[arg-type]
    assert asyncio.run(follower.remark(partial(text="one"))) == {}


def test_a_point_of_a_training_is_told_apart_from_a_text() -> None:
    assert written(partial("Writing", text="a")) == {"label": "Writing", "written": "a"}
    found = written(partial("Training", iteration=3, reward=1.5, kl=0.1, name="x", ok=True))
    assert found == {
        "label": "Training",
        "point": {"iteration": 3, "seen": {"reward": 1.5, "kl": 0.1}},
    }
    assert written(partial("Training", iteration=3, reward=float("nan")))["point"]["seen"] == {}
    assert written(partial("Other", part=2)) == {}
    assert written(Event("running", values={"text": "a"})) == {}


def test_a_page_that_is_slow_sees_every_point_and_the_last_text() -> None:
    async def run() -> list[Event] | None:
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        for i in range(3):
            queue.put_nowait(partial("a", text="x" * i))
            queue.put_nowait(partial("a", iteration=i, reward=float(i)))
        return await take_all(queue)

    events = asyncio.run(run())
    assert events is not None
    assert [e.values["iteration"] for e in events if "iteration" in e.values] == [0, 1, 2]
    assert [e.values["text"] for e in events if "text" in e.values] == ["xx"]


def test_the_hint_bench_scores_and_colours_what_has_come_so_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = dsp_records.bench()
    monkeypatch.setattr(study_bench, "ask_article", lambda _client, _params: found.article)
    params = parse(study_bench.Params, {"hint": "; ".join(found.phrases), "stemmer": False})
    remark = panel.follow_bench(None, params)  # type: ignore[arg-type]
    start = remark(study_bench.WITH, "The ")
    assert {one.role for one in start.offers["hint"][: len(found.phrases)]} == {""}
    right = found.phrases[0]
    later = remark(study_bench.WITH, f"The {right} and a {found.phrases[2]} opened")
    roles = {one.text: one.role for one in later.offers["hint"]}
    assert roles[right] == "good"
    assert roles[found.phrases[2]] == "accent"
    assert "not stemmed" in later.note
    assert later.note != start.note
    plain = remark(study_bench.WITHOUT, f"The {right}")
    assert plain.note
    assert not plain.offers
    whole = study_bench.judge_so_far(found.article, params, found.article.reference)
    assert whole.tolist() == [1, 1, 1]
