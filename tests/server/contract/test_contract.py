"""What every home of the engine promises, proved on the engine in process and over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from tests.server.fakes import WAIT_S, FakeOperations
from workbench import errors
from workbench.errors import (
    BusyError,
    CancelledError,
    DeadlineError,
    InputError,
    UnknownNameError,
    WorkbenchError,
)
from workbench.server.api import Event, ModelClient, Request, Result
from workbench.server.engine import Engine
from workbench.settings import Settings

Operations = FakeOperations


def echo(**arguments: object) -> Request:
    return Request("fake.echo", arguments=arguments)  # type: ignore[arg-type]


def gated(name: str = "", **more: object) -> Request:
    return Request("fake.gated", arguments={"name": name, **more})  # type: ignore[dict-item]


ARRAYS = {
    "float32": np.linspace(-1, 1, 7, dtype=np.float32).reshape(1, 7),
    "float64 with special numbers": np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324]),
    "int64": np.array([[2**62, -1]]),
    "uint8": np.frombuffer(bytes(range(256)), dtype=np.uint8),
    "bool": np.array([True, False]),
    "float16": np.array([1.5, 65504], dtype=np.float16),
    "empty": np.zeros((0, 3), dtype=np.float32),
    "scalar": np.array(3.25),
    "name in 漢字 \U0001f600 ‮": np.ones(1),
    "not contiguous": np.arange(12.0).reshape(3, 4).T,
    "big endian": np.arange(3, dtype=">i4"),
}


ERROR_NAMES = [
    name
    for name, member in vars(errors).items()
    if isinstance(member, type) and issubclass(member, WorkbenchError)
]


class TestAnswers:
    @pytest.mark.parametrize("name", ARRAYS)
    def test_arrays_arrive_byte_for_byte(self, client: ModelClient, name: str) -> None:
        sent = ARRAYS[name]
        got = client.call(Request("fake.echo", arrays={name: sent})).arrays[name]
        assert got.shape == sent.shape
        assert got.dtype == sent.dtype.newbyteorder("<")
        assert got.tobytes() == sent.astype(got.dtype).tobytes()

    def test_both_homes_give_the_same_bytes_and_key(
        self, engine: Engine, http_client: ModelClient
    ) -> None:
        request = Request("fake.echo", arguments={"a": [1, 1.5, "é"]}, arrays=ARRAYS)
        first, second = engine.call(request), http_client.call(request)
        assert first.receipt.key == second.receipt.key
        assert first.values == second.values
        assert {n: (a.dtype.str, a.shape, a.tobytes()) for n, a in first.arrays.items()} == {
            n: (a.dtype.str, a.shape, a.tobytes()) for n, a in second.arrays.items()
        }

    @pytest.mark.parametrize(
        "value",
        [
            0,
            -(2**60),
            2**70,
            1.0,
            0.1,
            1e300,
            True,
            None,
            "",
            "naïve 漢字 \U0001f600",
            "‮ right to left",
            "control \x00 \x1f \x7f   \r\n: data: x",
            [],
            {},
            {"deep": [[[[{"x": [None]}]]]]},
        ],
        ids=repr,
    )
    def test_arguments_arrive_as_they_were(self, client: ModelClient, value: object) -> None:
        got = client.call(echo(value=value)).values["arguments"]
        assert got == {"value": value}
        assert type(got["value"]) is type(value)  # 1 and 1.0 and True differ

    def test_ten_megabytes_arrive_whole(self, client: ModelClient) -> None:
        sent = np.random.default_rng(0).random(2_500_000, dtype=np.float32)
        got = client.call(Request("fake.echo", arrays={"sent": sent})).arrays["sent"]
        assert np.array_equal(got, sent)

    def test_arrays_cannot_be_written_to(self, client: ModelClient) -> None:
        for _ in range(2):  # computed, then cached
            array = client.call(Request("fake.fill", arguments={"count": 3})).arrays["filled"]
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 7

    def test_changing_values_does_not_change_the_cache(self, client: ModelClient) -> None:
        first = client.call(echo(list=[1]))
        first.values["arguments"]["list"].append(2)  # type: ignore[index, union-attr]
        assert client.call(echo(list=[1])).values["arguments"] == {"list": [1]}

    def test_the_second_time_is_a_hit_with_equal_content(
        self, client: ModelClient, operations: Operations
    ) -> None:
        request = Request("fake.fill", arguments={"count": 1000})
        first, second = client.call(request), client.call(request)
        assert operations.count("fake.fill") == 1
        assert first.receipt.source == "computed"
        assert second.receipt.source == "memory"
        assert second.receipt == replace(first.receipt, source="memory")
        assert first.arrays["filled"].tobytes() == second.arrays["filled"].tobytes()

    def test_fresh_computes_again(self, client: ModelClient, operations: Operations) -> None:
        client.call(echo(a=1))
        again = client.call(replace(echo(a=1), fresh=True))
        assert operations.count("fake.echo") == 2
        assert again.receipt.source == "computed"

    def test_a_hit_is_done_at_once_and_has_no_events(self, client: ModelClient) -> None:
        client.call(echo(a=1))
        job = client.submit(echo(a=1))
        assert job.done
        assert list(job.events()) == []
        assert job.result().receipt.source == "memory"

    def test_a_model_is_loaded_once_and_then_listed_as_resident(self, client: ModelClient) -> None:
        for n in range(3):
            client.call(Request("fake.model", model="tiny", arguments={"n": n}, dtype="float32"))
        assert [entry.name for entry in client.models() if entry.resident] == ["tiny"]
        assert [model["name"] for model in client.status().resident] == ["tiny"]

    def test_the_receipt_says_what_was_asked(self, client: ModelClient) -> None:
        request = Request("fake.model", model="tiny", dtype="float32", seed=7)
        receipt = client.call(request).receipt
        assert (receipt.operation, receipt.operation_version) == ("fake.model", 1)
        assert (receipt.model, receipt.model_digest) == ("tiny", "digest of tiny")
        assert (receipt.dtype, receipt.seed) == ("float32", 7)


class TestEvents:
    def test_a_job_is_queued_then_runs_then_tells_partials_then_ends(
        self, client: ModelClient, operations: Operations
    ) -> None:
        job = client.submit(gated(partials=3))
        events: list[Event] = []
        for event in job.events():
            events.append(event)
            if event.kind == "partial" and event.values["step"] == 2:
                operations.gate.set()
        kinds = [event.kind for event in events]
        order = [kind for i, kind in enumerate(kinds) if kind not in kinds[:i]]
        assert order in (["queued", "running", "partial"], ["running", "partial"])
        assert job.result().values == {"passed": ""}

    def test_partials_carry_values_and_arrays(
        self, client: ModelClient, operations: Operations
    ) -> None:
        job = client.submit(gated(partials=3))
        operations.gate.set()
        last = [event for event in job.events() if event.kind == "partial"][-1]
        assert last.values == {"step": 2}
        assert last.arrays["curve"].tolist() == [0.0, 1.0]
        assert last.arrays["curve"].dtype == np.float32

    def test_a_loading_model_is_told(self, client: ModelClient) -> None:
        events = list(client.submit(Request("fake.model", model="tiny", dtype="float32")).events())
        assert "loading" in [event.kind for event in events]

    def test_a_waiting_job_knows_its_place(
        self, client: ModelClient, operations: Operations
    ) -> None:
        running = client.submit(gated("first"))
        operations.wait_started()
        waiting = [client.submit(gated(f"number {n}")) for n in range(3)]
        places = [next(iter(job.events())).place for job in waiting]
        assert places == [1, 2, 3]
        operations.gate.set()
        assert [job.result(WAIT_S).values["passed"] for job in [running, *waiting]] == [
            "first",
            "number 0",
            "number 1",
            "number 2",
        ]

    def test_events_of_a_failed_job_end_and_its_result_raises(self, client: ModelClient) -> None:
        job = client.submit(Request("fake.fail", arguments={"error": "AssetError"}))
        for _ in job.events():
            pass
        with pytest.raises(errors.AssetError):
            job.result()

    def test_two_readers_see_the_same_events(
        self, client: ModelClient, operations: Operations
    ) -> None:
        job = client.submit(gated(partials=2))
        operations.wait_started()
        with ThreadPoolExecutor(2) as pool:
            readings = [pool.submit(lambda: [e.kind for e in job.events()]) for _ in range(2)]
            operations.gate.set()
            first, second = (reading.result(WAIT_S) for reading in readings)
        assert first == second


class TestSharing:
    def test_thirty_identical_requests_are_computed_once(
        self, client: ModelClient, operations: Operations
    ) -> None:
        jobs = [client.submit(gated("shared")) for _ in range(30)]
        assert len({job.id for job in jobs}) == 30
        operations.wait_started()
        operations.gate.set()
        with ThreadPoolExecutor(30) as pool:
            results = list(pool.map(lambda job: job.result(WAIT_S), jobs))
        assert operations.count("fake.gated") == 1
        assert {result.receipt.shared_with for result in results} == {29}
        assert all(result.values == {"passed": "shared"} for result in results)

    def test_many_users_at_once_each_get_their_own_answer(self, client: ModelClient) -> None:
        def ask(n: int) -> Result:
            request = replace(echo(n=n), user=f"user {n % 5} é", arrays={"n": np.full(9, n)})
            return client.call(request)

        with ThreadPoolExecutor(16) as pool:
            results = list(pool.map(ask, range(64)))
        assert [result.values["arguments"] for result in results] == [{"n": n} for n in range(64)]
        assert all((result.arrays["n"] == n).all() for n, result in enumerate(results))

    def test_one_caller_leaves_and_the_other_gets_the_answer(
        self, client: ModelClient, operations: Operations
    ) -> None:
        leader, follower = client.submit(gated("both")), client.submit(gated("both"))
        operations.wait_started()
        leader.cancel()
        with pytest.raises(CancelledError):
            leader.result(WAIT_S)
        operations.gate.set()
        assert follower.result(WAIT_S).values == {"passed": "both"}
        assert operations.count("fake.gated") == 1


class TestLeaving:
    def test_the_work_stops_when_its_only_caller_cancels(
        self, client: ModelClient, operations: Operations
    ) -> None:
        job = client.submit(gated())
        operations.wait_started()
        job.cancel()
        operations.wait_stopped()  # the gate was never opened
        with pytest.raises(CancelledError):
            job.result(WAIT_S)

    def test_cancelling_ends_the_events(self, client: ModelClient, operations: Operations) -> None:
        job = client.submit(gated())
        operations.wait_started()
        reading = threading.Thread(target=lambda: list(job.events()))
        reading.start()
        job.cancel()
        reading.join(WAIT_S)
        assert not reading.is_alive()

    def test_cancelling_twice_or_after_the_end_does_nothing(
        self, client: ModelClient, operations: Operations
    ) -> None:
        job = client.submit(gated())
        operations.gate.set()
        assert job.result(WAIT_S).values == {"passed": ""}
        job.cancel()
        job.cancel()
        assert job.result().values == {"passed": ""}

    def test_a_cancelled_request_can_be_asked_again(
        self, client: ModelClient, operations: Operations
    ) -> None:
        job = client.submit(gated("again"))
        operations.wait_started()
        job.cancel()
        operations.gate.set()
        assert client.call(gated("again")).values == {"passed": "again"}

    def test_a_deadline_ends_the_work_and_frees_the_device(self, client: ModelClient) -> None:
        job = client.submit(replace(gated(), deadline_s=0.1))
        with pytest.raises(DeadlineError):
            job.result(WAIT_S)
        # the gate was never opened, and there is one worker
        assert client.submit(echo(after=1)).result(WAIT_S).values == {"arguments": {"after": 1}}

    def test_waiting_for_a_result_can_be_limited(
        self, client: ModelClient, operations: Operations
    ) -> None:
        job = client.submit(gated())
        with pytest.raises(DeadlineError, match=r"0\.05 seconds"):
            job.result(0.05)
        operations.gate.set()
        assert job.result(WAIT_S).values == {"passed": ""}


class TestRefusals:
    def test_a_full_queue_is_told_at_once_with_a_time_to_come_back(
        self, tmp_path_factory: pytest.TempPathFactory, make_client: Callable[..., ModelClient]
    ) -> None:
        operations = FakeOperations()
        settings = Settings(
            home=tmp_path_factory.mktemp("small"), device="cpu", queue_limit=2, token=""
        )
        client = make_client(settings, operations)
        jobs = [client.submit(gated("runs"))]
        operations.wait_started()
        jobs += [client.submit(gated(f"waits {n}")) for n in range(2)]
        with pytest.raises(BusyError) as caught:
            client.submit(gated("too many"))
        assert caught.value.retry_after_s > 0
        operations.gate.set()
        assert [job.result(WAIT_S).values["passed"] for job in jobs] == [
            "runs",
            "waits 0",
            "waits 1",
        ]

    def test_an_unknown_operation_names_the_nearest(self, client: ModelClient) -> None:
        with pytest.raises(UnknownNameError, match=r"fake\.echo"):
            client.submit(Request("fake.ecko"))

    def test_an_unknown_model_names_the_nearest(self, client: ModelClient) -> None:
        with pytest.raises(UnknownNameError, match="tiny"):
            client.submit(Request("fake.model", model="tinny"))

    @pytest.mark.parametrize(
        "request_",
        [
            Request("fake.model", model="other"),
            Request("fake.model"),
            Request("fake.echo", arguments={"refuse": True}),
            Request("fake.echo", arguments={"number": float("nan")}),
            Request("fake.echo", arguments={"lone surrogate": "\ud800"}),
            Request("fake.echo", arguments={"object": object()}),  # type: ignore[dict-item]
            Request("fake.echo", dtype="float7"),
            Request("fake.echo", deadline_s=-1.0),
            Request("fake.echo", arrays={"text": np.array(["a"])}),
        ],
        ids=lambda request: str(request)[:60],
    )
    def test_bad_input_is_refused_and_nothing_is_computed(
        self, client: ModelClient, operations: Operations, request_: Request
    ) -> None:
        with pytest.raises(InputError) as caught:
            client.call(request_)
        assert str(caught.value).endswith((".", "?"))
        assert operations.executions == []

    @pytest.mark.parametrize("name", ERROR_NAMES)
    def test_every_error_class_arrives_as_itself(self, client: ModelClient, name: str) -> None:
        cls = getattr(errors, name)
        message = "What was wrong: é 漢. Do <this> next."
        request = Request("fake.fail", arguments={"error": name, "message": message})
        with pytest.raises(cls) as caught:
            client.call(request)
        assert type(caught.value) is cls
        assert str(caught.value) == message

    def test_a_failure_is_not_kept(self, client: ModelClient, operations: Operations) -> None:
        for _ in range(2):
            with pytest.raises(InputError):
                client.call(Request("fake.fail", arguments={"error": "InputError"}))
        assert operations.count("fake.fail") == 2

    def test_a_bug_is_told_only_by_a_reference(
        self, client: ModelClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        with pytest.raises(errors.BugError, match=r"please report [0-9a-f]{8}\.") as caught:
            client.call(Request("fake.fail", arguments={"error": "bug", "message": "secret path"}))
        assert "secret" not in str(caught.value)
        assert str(caught.value).split()[-1].rstrip(".") in caplog.text
        assert "ZeroDivisionError: secret path" in caplog.text


class TestState:
    def test_the_catalogue_is_the_same_in_both_homes(
        self, engine: Engine, http_client: ModelClient
    ) -> None:
        assert http_client.models() == engine.models()

    def test_the_status_counts_what_happened(
        self, client: ModelClient, operations: Operations
    ) -> None:
        client.call(echo(a=1))
        client.call(echo(a=1))
        job = client.submit(gated())
        operations.wait_started()
        status = client.status()
        assert status.running == 1
        assert status.counters["requests"] == 3
        assert status.counters["hits_memory"] == 1
        assert status.cache["on"] is True
        job.cancel()

    def test_a_closed_client_refuses_work(self, client: ModelClient) -> None:
        client.close()
        with pytest.raises(WorkbenchError):
            client.call(echo(a=1))
