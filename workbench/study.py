"""A study: one question a method answers, from parameters to named numbers, with its receipt.

A method offers one or more studies. The page draws them, the command line runs them, links and
receipts name them; all go through ``execute``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, TypeVar

from workbench.params import as_dict
from workbench.server.api import (
    Job,
    Json,
    ModelClient,
    ModelEntry,
    OnEvent,
    Receipt,
    Result,
    canonical_json,
    digest_json,
)
from workbench.server.versions import package_versions, workbench_version
from workbench.watching import Watch, WatchedClient

P = TypeVar("P")
I = TypeVar("I")  # noqa: E741  the style guide's Inputs
R = TypeVar("R")

Summary = Mapping[str, float | int | str | bool]


@dataclass(frozen=True)
class Study(Generic[P, I, R]):
    """How one question is answered.

    Args:
        slug: the method's slug, or ``method.study`` when a method has several.
        title: what stands above it on the page.
        params: dataclass of annotated parameters (``workbench.params``).
        gather: asks the model server for what is needed; the only input and output.
        compute: the paper's arithmetic; pure.
        summarise: named numbers of the result, a flat map.
        version: raise it when the numbers change on purpose.
        is_local: it measures this very machine and asks the model server for nothing, so nothing
            of it is cached or shipped and the page measures only when asked to.
    """

    slug: str
    title: str
    params: type[P]
    gather: Callable[[ModelClient, P], I]
    compute: Callable[[I, P], R]
    summarise: Callable[[R], Summary]
    version: int = 1
    is_local: bool = False


@dataclass(frozen=True)
class Outcome(Generic[P, R]):
    """What a study gave: its result, its named numbers and where they came from."""

    params: P
    result: R
    summary: Summary
    receipt: Mapping[str, Json] = field(repr=False)

    def as_json(self, method: str) -> dict[str, Json]:
        """The outcome as one JSON object ``{method, params, summary, receipt}``."""
        return {
            "method": method,
            "params": as_dict(self.params),
            "summary": dict(self.summary),
            "receipt": dict(self.receipt),
        }


@dataclass(frozen=True)
class Gathered(Generic[P, I]):
    """What a run asked for and was given, before any arithmetic.

    Args:
        params: the checked parameters.
        inputs: what ``gather`` of the study gave.
        receipts: of every answer of the model server, in the order they came.
        models: what the server said of its models, if the study asked for that.
        began: when the run began, on the clock of ``time.perf_counter``.
    """

    params: P
    inputs: I
    receipts: tuple[Receipt, ...]
    models: tuple[ModelEntry, ...]
    began: float

    @property
    def identity(self) -> str:
        """Equal for two runs of one study that were given the very same answers.

        An answer is the same if it is of the same key and was computed at the same time: so a
        fresh measurement differs, and a text that is sampled anew each time does too. In which
        order they came, where several were asked for together, is no difference.
        """
        answers = sorted([r.key, r.created, r.seconds] for r in self.receipts)
        models = [[m.name, m.kind, m.state, m.digest] for m in self.models]
        return canonical_json([as_dict(self.params), answers, models])

    @property
    def was_known(self) -> bool:
        """Whether every answer was there already: cached or shipped, of nobody's run under way."""
        return all(receipt.source != "computed" for receipt in self.receipts)

    @property
    def sources(self) -> list[Json]:
        """Where each answer came from, and how many others waited for it."""
        return [list(each) for each in sorted((r.source, r.shared_with) for r in self.receipts)]


def execute(  # noqa: PLR0913  keyword-only options of one run
    study: Study[P, I, R],
    client: ModelClient,
    params: P,
    *,
    fresh: bool = False,
    user: str = "anonymous",
    trace: str = "",
    on_event: OnEvent | None = None,
    on_job: Callable[[Job], None] | None = None,
    on_answer: Callable[[Result], None] | None = None,
) -> Outcome[P, R]:
    """Run a study and write its receipt.

    Args:
        study: what to run.
        client: the model server.
        params: checked parameters.
        fresh: measure again instead of reading the cache.
        user: who asks, for fairness between users.
        trace: name of this run in the logs of the server.
        on_event: called with every event of every request (queue place, progress, partials).
        on_job: called with each job as it starts, so that a caller can cancel it.
        on_answer: called with the answer to each request.

    Raises:
        WorkbenchError: what the server or the method refused.
    """
    return conclude(
        study,
        gather(
            study,
            client,
            params,
            fresh=fresh,
            user=user,
            trace=trace,
            on_event=on_event,
            on_job=on_job,
            on_answer=on_answer,
        ),
    )


def gather(  # noqa: PLR0913  keyword-only options of one run
    study: Study[P, I, R],
    client: ModelClient,
    params: P,
    *,
    fresh: bool = False,
    measured: set[str] | None = None,
    user: str = "anonymous",
    trace: str = "",
    on_event: OnEvent | None = None,
    on_job: Callable[[Job], None] | None = None,
    on_answer: Callable[[Result], None] | None = None,
) -> Gathered[P, I]:
    """Ask the model server for what a run needs; the first half of ``execute``.

    A fresh run measures each request once, also where several of its parts ask for the same.

    The other arguments are those of ``execute``. ``measured`` names the requests that a fresh run
    which was left has measured already: they are not measured again, and what is now answered joins
    them.

    Raises:
        WorkbenchError: what the server or the method refused.
    """
    receipts: list[Receipt] = []

    def keep(answer: Result) -> None:
        receipts.append(answer.receipt)
        (on_answer or _ignore)(answer)

    names = set[str]() if measured is None else measured
    watched = WatchedClient(
        client, Watch(fresh, names, user, trace, on_event or _ignore, on_job or _ignore, keep)
    )
    began = time.perf_counter()
    inputs = study.gather(watched, params)
    return Gathered(params, inputs, tuple(receipts), tuple(watched.seen_models), began)


def conclude(study: Study[P, I, R], gathered: Gathered[P, I]) -> Outcome[P, R]:
    """The paper's arithmetic on what was gathered, and the receipt; the rest of ``execute``.

    Raises:
        WorkbenchError: what the method refused.
    """
    result = study.compute(gathered.inputs, gathered.params)
    summary = study.summarise(result)
    receipt = {
        "study": study.slug,
        "study_version": study.version,
        "params": as_dict(gathered.params),
        "seed": as_dict(gathered.params).get("seed"),
        "summary_sha256": digest_summary(summary),
        "workbench": workbench_version(),
        "packages": {**package_versions()},
    } | _of_this_run(gathered)
    return Outcome(gathered.params, result, summary, receipt)


def renew_receipt(receipt: Mapping[str, Json], gathered: Gathered[P, I]) -> dict[str, Json]:
    """The receipt of a run that was given the same answers as another one.

    Args:
        receipt: of the other run.
        gathered: of this run; its ``identity`` is the other's.
    """
    return {**receipt, **_of_this_run(gathered)}


def _of_this_run(gathered: Gathered[P, I]) -> dict[str, Json]:
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - gathered.began, 4),
        "requests": [receipt.as_json() for receipt in gathered.receipts],
    }


def rounded(numbers: Summary, digits: int = 6) -> dict[str, float | int | str | bool]:
    """Named numbers as a summary gives them: whole ones and names as they are, others rounded.

    Args:
        numbers: what was found.
        digits: how many digits that matter are kept of a number that is not whole.
    """
    return {
        name: float(f"{value:.{digits}g}") if isinstance(value, float) else value
        for name, value in numbers.items()
    }


def is_timing(name: str) -> bool:
    """Whether a named number is a measured time, which no re-run repeats exactly."""
    return name.endswith("_seconds")


def digest_summary(summary: Summary) -> str:
    """SHA-256 of the named numbers, to see at a glance whether a re-run gave the same.

    Measured times (``is_timing``) stay out.
    """
    kept = {name: value for name, value in summary.items() if not is_timing(name)}
    return digest_json(kept)


def _ignore(_: object) -> None:
    """What happens when nobody asked to be told."""
