"""A study runs the same way from the page, the command line and a test."""

from dataclasses import dataclass, replace
from typing import Annotated

import pytest

from workbench.params import Range, check
from workbench.server.api import Event, Receipt, Request, Result
from workbench.study import Study, digest_summary, execute, gather, rounded


@dataclass(frozen=True, slots=True)
class Params:
    size: Annotated[int, Range(1, 9, 1, "Size")] = 2
    seed: Annotated[int, Range(0, 99, 1, "Seed")] = 0

    def __post_init__(self) -> None:
        check(self)


class FakeJob:
    id = "job"

    def __init__(self, request: Request) -> None:
        self.request = request

    def events(self):
        yield Event("running", fraction=0.5, text="half way")

    def result(self, timeout_s: float | None = None) -> Result:  # noqa: ARG002
        receipt = Receipt(
            self.request.operation, 1, None, None, None, "cpu", 0, "a", "k", "now", 0.1, {}
        )
        return Result({}, {"size": self.request.arguments["size"]}, receipt)

    def cancel(self) -> None:
        return None


class FakeClient:
    def __init__(self) -> None:
        self.requests: list[Request] = []

    def submit(self, request: Request) -> FakeJob:
        self.requests.append(request)
        return FakeJob(request)


STUDY = Study(
    slug="toy",
    title="Toy",
    params=Params,
    gather=lambda client, p: client.call(Request("toy.measure", arguments={"size": p.size})).values,
    compute=lambda inputs, _params: inputs["size"] * 10,
    summarise=lambda result: {"answer": result, "exact_seconds": 0.25},
)


def test_the_outcome_names_method_params_summary_and_receipt() -> None:
    outcome = execute(STUDY, FakeClient(), Params(size=3, seed=7))
    body = outcome.as_json("toy")
    assert set(body) == {"method", "params", "summary", "receipt"}
    assert body["summary"] == {"answer": 30, "exact_seconds": 0.25}
    assert body["receipt"]["seed"] == 7
    assert [r["operation"] for r in body["receipt"]["requests"]] == ["toy.measure"]


def test_events_jobs_and_marks_pass_through() -> None:
    client, events, jobs = FakeClient(), [], []
    execute(
        STUDY,
        client,
        Params(),
        fresh=True,
        user="ada",
        on_event=events.append,
        on_job=jobs.append,
    )
    assert [e.text for e in events] == ["half way"]
    assert len(jobs) == 1
    assert (client.requests[0].fresh, client.requests[0].user) == (True, "ada")


def test_measured_times_stay_out_of_the_digest() -> None:
    assert digest_summary({"a": 1, "exact_seconds": 1.0}) == digest_summary(
        {"a": 1, "exact_seconds": 2.0}
    )
    assert digest_summary({"a": 1}) != digest_summary({"a": 2})


def test_a_summary_keeps_the_digits_that_matter_and_what_is_whole() -> None:
    numbers = {"gain": -0.012345678, "items": 12_345_678, "model": "gla", "is_fair": True}
    assert rounded(numbers) == numbers | {"gain": -0.0123457}
    assert rounded(numbers, 2)["gain"] == -0.012
    assert rounded(rounded(numbers)) == rounded(numbers)


def test_a_failing_request_is_not_hidden() -> None:
    class Failing(FakeClient):
        def submit(self, request: Request) -> FakeJob:  # noqa: ARG002
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        execute(STUDY, Failing(), Params())


def test_a_fresh_run_measures_each_request_once_and_not_what_a_left_one_measured() -> None:
    def ask_both_twice(client, params):
        for size in (params.size, 9, params.size, 9):
            client.call(Request("toy.measure", arguments={"size": size}))

    study, measured = replace(STUDY, gather=ask_both_twice), set[str]()
    first, again, other = FakeClient(), FakeClient(), FakeClient()
    gather(study, first, Params(size=3), fresh=True, measured=measured)
    assert [r.fresh for r in first.requests] == [True, True, False, False]
    gather(study, again, Params(size=3), fresh=True, measured=measured)
    assert not any(r.fresh for r in again.requests)
    gather(study, other, Params(size=4), fresh=True, measured=measured)
    assert [r.fresh for r in other.requests] == [True, False, False, False]


def test_answers_are_handed_over_as_they_come() -> None:
    answers = []
    execute(STUDY, FakeClient(), Params(size=4), on_answer=answers.append)
    assert [answer.values["size"] for answer in answers] == [4]
