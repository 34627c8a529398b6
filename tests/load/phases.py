"""The parts of a load run: thirty people at ease, everybody at once, too many, a restart."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.load.browsers import BrowserPerson, chromium
from tests.load.page_session import LostAnswerError, PageSession, Told
from tests.load.people import ApiPerson, PagePerson, ask_api, connected, kind_of, perform
from tests.load.samples import Day, Recorder, percentile, summarise
from tests.load.stand import Restart, Stand, counted_between
from tests.load.workload import API, LONG, QUESTIONS, Act, Move, Script, api_request, asked

STARTERS = 64
"""Closed-loop clients that find the peak of the throughput: enough to fill every batch."""
OVERLOAD = 4
OVERLOAD_USERS = 20
ASKED_AT_ONCE = ("attention.heads", "gla.names", "visionllm.console")
"""One question each of three kinds of model: a text read, names embedded, a scene looked at."""
LOOK_S = 0.25
"""How often the model server's counters are looked at."""
RECOVERY_S = 10.0
LAST_ANSWERS_S = 120.0
"""Who has asked something before the end gets so long for the answer."""


@dataclass(frozen=True)
class Crowd:
    """How many people of each kind, and how quickly they act."""

    browsers: int
    pages: int
    programs: int
    long_runs: int
    think_s: float
    seed: int


async def at_ease(stand: Stand, recorder: Recorder, crowd: Crowd, seconds: float) -> dict[str, Any]:
    """Let people of all kinds do their things for some time."""
    first = await first_of_each(stand, recorder)
    recorder.begin("steady")
    before = await asyncio.to_thread(stand.counters)
    day = Day(seconds)
    scripts = (Script(crowd.seed + i) for i in range(10**6))
    async with contextlib.AsyncExitStack() as stack:
        lives: list[Coroutine[Any, Any, None]] = []
        if crowd.browsers:
            browser = await stack.enter_async_context(chromium())
            lives += [
                BrowserPerson(browser, stand.page_url, next(scripts), recorder, crowd.think_s).live(
                    day
                )
                for _ in range(crowd.browsers)
            ]
        lives += [
            PagePerson(stand.page_url, next(scripts), recorder, crowd.think_s).live(day)
            for _ in range(crowd.pages)
        ]
        lives += [
            ApiPerson(
                stand.server_url, f"program {i}", next(scripts), recorder, crowd.think_s
            ).live(day)
            for i in range(crowd.programs)
        ]
        lives += [run_long(stand, recorder, day, crowd.seed + i) for i in range(crowd.long_runs)]
        tasks = [asyncio.create_task(live) for live in lives]
        _, unanswered = await asyncio.wait(tasks, timeout=seconds + LAST_ANSWERS_S)
        for task in unanswered:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise RuntimeError("a person of the load run broke off") from end
    after = await asyncio.to_thread(stand.counters)
    return summarise(recorder.of("steady")) | {
        "seconds": round(seconds),
        "unanswered": len(unanswered),
        "counters": counted_between(before, after),
        "first": first,
        "long": summarise(recorder.of("long")) if crowd.long_runs else None,
    }


async def first_of_each(stand: Stand, recorder: Recorder) -> dict[str, Any]:
    """Ask every sort of question once on a server that has just started, one after another.

    So the models are there before the people come, and what the very first one waits is told apart.
    """
    recorder.begin("first of each")
    async with opened_page(stand) as page:
        for move in QUESTIONS:
            await perform(page, asked(move, 0), recorder)
    async with connected(stand.server_url) as http:
        for operation in API:
            await ask_api(http, api_request(operation, 0), "first", recorder)
    return summarise(recorder.of("first of each"))


async def run_long(stand: Stand, recorder: Recorder, day: Day, seed: int) -> None:
    """Start one long run after another, as somebody does who trains or writes many texts."""
    dice = random.Random(seed)
    async with opened_page(stand, "teaching") as page:
        while await day.pause(0.0):
            act = asked(dice.choice(LONG), dice.randrange(10**6))
            own = Recorder("long", samples=recorder.samples, began_at=recorder.began_at)
            await perform(page, act, own)


async def everybody_at_once(stand: Stand, recorder: Recorder, people: int, seed: int) -> Any:
    """All click at the same moment: the same on every tab's question, then each something else."""
    found = {}
    numbers = random.Random(seed)
    async with contextlib.AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(opened_page(stand)) for _ in range(people)]
        for move in (q for q in QUESTIONS if q.study in ASKED_AT_ONCE):
            name = f"{move.study}, {move.parameter}"
            same = numbers.randrange(10**6)
            for phase, given in (
                ("the same", [same] * people),
                ("different", [numbers.randrange(10**6) for _ in range(people)]),
                ("the same again", [same] * people),
            ):
                found[f"{name}: {phase}"] = await _all_click(
                    stand, recorder, pages, move, given, f"all at once: {name}: {phase}"
                )
    return found


async def _all_click(
    stand: Stand,
    recorder: Recorder,
    pages: Sequence[PageSession],
    move: Move,
    numbers: Sequence[int],
    phase: str,
) -> dict[str, Any]:
    recorder.begin(phase)
    before = await asyncio.to_thread(stand.counters)
    acts = [asked(move, number) for number in numbers]
    await asyncio.gather(
        *(perform(page, act, recorder) for page, act in zip(pages, acts, strict=True))
    )
    after = await asyncio.to_thread(stand.counters)
    return summarise(recorder.of(phase)) | {"counters": counted_between(before, after)}


async def overload(stand: Stand, recorder: Recorder, seconds: float, seed: int) -> dict[str, Any]:
    """Find the peak of the throughput, then send four times as much for as long.

    Every request is another one of the same kind; at the peak a fixed number of clients ask as soon
    as they are answered, in the overload requests arrive whether or not anything was answered.
    """
    dice = random.Random(seed)

    def question() -> dict[str, Any]:
        return api_request("language.score_choices", dice.randrange(10**9))

    async with connected(stand.server_url) as http:
        recorder.begin("before the peak")
        await ask_api(http, question(), "somebody", recorder)
        recorder.begin("peak")
        ends_at = time.monotonic() + seconds

        async def ask_until_the_end(number: int) -> None:
            while time.monotonic() < ends_at:
                await ask_api(http, question(), f"user {number % OVERLOAD_USERS}", recorder)

        clients = [asyncio.create_task(ask_until_the_end(i)) for i in range(STARTERS)]
        peak = await _throughput(stand, seconds)
        await asyncio.gather(*clients)

        recorder.begin("overload")
        before = await asyncio.to_thread(stand.counters)
        sent: list[asyncio.Task[Any]] = []
        ends_at = time.monotonic() + seconds

        async def arrive() -> None:
            while time.monotonic() < ends_at:
                user = f"user {len(sent) % OVERLOAD_USERS}"
                sent.append(asyncio.create_task(ask_api(http, question(), user, recorder)))
                await asyncio.sleep(dice.expovariate(OVERLOAD * peak))

        arriving = asyncio.create_task(arrive())
        reached = await _throughput(stand, seconds)
        await arriving
        await asyncio.gather(*sent)
        after = await asyncio.to_thread(stand.counters)
    refused = [s.seconds for s in recorder.of("overload") if s.outcome == "refused"]
    return summarise(recorder.of("overload")) | {
        "peak_per_s": round(peak, 2),
        "offered_per_s": round(len(sent) / seconds, 2),
        "reached_per_s": round(reached, 2),
        "share_of_peak": round(reached / peak, 3),
        "refused_p95_s": round(percentile(refused, 95), 3) if refused else None,
        "counters": counted_between(before, after),
    }


async def _throughput(stand: Stand, seconds: float) -> float:
    """Computations that the model server ends in one second, between its first batch and its last.

    From end to end of batches: how many of them fit into a fixed time is a matter of luck.
    """
    until = time.monotonic() + seconds
    ends: list[tuple[float, float]] = []
    while time.monotonic() < until:
        done = (await asyncio.to_thread(stand.counters))["executions"]
        if not ends or done > ends[-1][1]:
            ends.append((time.monotonic(), done))
        await asyncio.sleep(LOOK_S)
    batches = ends[1:]  # when the first look was, no batch ended
    if len(batches) < 2:
        raise RuntimeError(f"fewer than two batches ended in {seconds:g} s; take longer (--peak)")
    (first_at, first), (last_at, last) = batches[0], batches[-1]
    return (last - first) / (last_at - first_at)


async def restart(
    stand: Stand, recorder: Recorder, people: int, how: Restart, seed: int
) -> dict[str, Any]:
    """Restart the model server while everybody has asked something.

    Half of the people ask what is cached, half something new of a model. Who is told that the
    server is away does what the page's banner does: looks until it is back and asks again.
    """
    phase = f"restart: {how}"
    recorder.begin(phase)
    dice = random.Random(seed)
    async with contextlib.AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(opened_page(stand)) for _ in range(people)]
        known = asked(QUESTIONS[0], seed)
        await perform(
            pages[0],
            known,
            Recorder("before the restart", samples=recorder.samples, began_at=recorder.began_at),
        )
        ended_at = time.monotonic()
        restarting = asyncio.create_task(stand.restart_server(how))

        async def go_on(page: PageSession, number: int) -> None:
            act = known if number % 2 else asked(dice.choice(QUESTIONS), dice.randrange(10**6))
            await asyncio.sleep(dice.uniform(0, 0.5))
            await _until_answered(page, act, recorder, phase, ended_at)

        await asyncio.gather(*(go_on(page, number) for number, page in enumerate(pages)))
        back_s = await restarting
    found = recorder.of(phase)
    times = sorted(
        sample.began + sample.seconds for sample in found if sample.outcome == "answered"
    )
    since = ended_at - recorder.began_at
    by_kind = {
        kind: round(max(s.began + s.seconds for s in found if s.kind == kind) - since, 2)
        for kind in {s.kind for s in found if s.outcome == "answered"}
    }
    return summarise(found) | {
        "server_back_s": round(back_s, 2),
        "first_answer_s": round(times[0] - since, 2),
        "all_have_continued_s": round(times[-1] - since, 2),
        "all_have_continued_by_kind_s": by_kind,
    }


async def _until_answered(
    page: PageSession, act: Act, recorder: Recorder, phase: str, ended_at: float
) -> None:
    began = recorder.now
    while True:
        try:
            answer = await page.run(act.study, act.params, mode=act.mode)
        except LostAnswerError as error:
            recorder.note(
                phase=phase, who="page", what=act.study, kind="model", began=began,
                seconds=recorder.now - began, outcome="lost", words=str(error),
            )  # fmt: skip
            return
        if not isinstance(answer, Told):
            recorder.note(
                phase=phase, who="page", what=act.study,
                kind=kind_of(answer["receipt"]["requests"]), began=began,
                seconds=recorder.now - began,
            )  # fmt: skip
            return
        if answer.kind != "unreachable" or time.monotonic() - ended_at > 12 * RECOVERY_S:
            recorder.note(
                phase=phase, who="page", what=act.study, kind="model", began=began,
                seconds=recorder.now - began, outcome="failed", words=answer.text,
            )  # fmt: skip
            return
        await page.wait_until_server_is_back()


@asynccontextmanager
async def opened_page(stand: Stand, tab: str = "attention") -> AsyncIterator[PageSession]:
    """An open page."""
    async with connected(stand.page_url) as http:
        page = PageSession(http)
        await page.open(tab)
        try:
            yield page
        finally:
            await page.close()
