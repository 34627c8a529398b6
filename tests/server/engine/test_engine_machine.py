"""Requests come, leave, fail and land in any order: everybody is told, and nothing is left over."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.server.engine.conftest import DEVICE, ask
from tests.server.engine.stage import PATIENCE_S, Stage, StageSource
from workbench.errors import BusyError, CancelledError, WorkbenchError
from workbench.server.engine import Engine
from workbench.server.flight import FlightJob
from workbench.settings import Settings

names = st.sampled_from(["a", "b", "c"])
users = st.sampled_from(["x", "y"])
faults = st.sampled_from([{}, {}, {"poison": 1}, {"refuse": 1}, {"memory": 0}])


class EngineMachine(RuleBasedStateMachine):
    """Drives a real engine, its threads included, on a stage with small bounds."""

    def __init__(self) -> None:
        super().__init__()
        self.stage, self.source = Stage(), StageSource()
        self.engine = Engine(
            Settings(
                home=Path(tempfile.gettempdir(), "never-made"),
                disk_cache_mib=0,
                queue_limit=6,
                user_limit=4,
                model_budget_mib=10,
                minimum_residence_s=0.0,
                batch_wait_ms=0.0,
            ),
            self.source,
            self.stage.operations(),
            device=DEVICE,
        )
        self.jobs: list[FlightJob] = []
        self.cancelled: list[FlightJob] = []

    @rule(name=names, user=users, fault=faults, fresh=st.booleans())
    def submit(self, name: str, user: str, fault: dict[str, int], fresh: bool) -> None:
        self._submit(ask(name, "stage.batch", user=user, fresh=fresh, **fault))

    @rule(name=names, user=users, model=st.sampled_from(["small", "large", "huge", "endpoint"]))
    def submit_with_model(self, name: str, user: str, model: str) -> None:
        self._submit(ask(name, "stage.model", user=user, model=model))

    @rule(name=names, user=users)
    def sample(self, name: str, user: str) -> None:
        self._submit(ask(name, "stage.sample", user=user))

    @rule(seconds=st.sampled_from([1e-6, 0.001, 0.01]), name=names)
    def submit_in_a_hurry(self, seconds: float, name: str) -> None:
        self._submit(ask(name, deadline_s=seconds))

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(self.jobs))
        job.cancel()
        try:
            job.result(PATIENCE_S)
        except WorkbenchError:
            assert job.done
        self.cancelled.append(job)

    @rule()
    def let_one_batch_through(self) -> None:
        self.stage.let_through()

    @rule(is_broken=st.booleans())
    def break_or_mend_a_model(self, is_broken: bool) -> None:
        if is_broken:
            self.source.errors["large"] = ZeroDivisionError("broken")
        else:
            self.source.errors.clear()

    @rule(is_held=st.booleans())
    def hold_or_release_loading(self, is_held: bool) -> None:
        if is_held:
            self.source.gate.clear()
        else:
            self.source.gate.set()

    @invariant()
    def the_bounds_hold(self) -> None:
        status = self.engine.status()
        assert status.used_mib <= 10
        assert self.engine._local.queued <= 6

    def _submit(self, request: object) -> None:
        try:
            self.jobs.append(self.engine.submit(request))  # type: ignore[arg-type]
        except BusyError:
            return

    def teardown(self) -> None:
        self.stage.open()
        self.source.gate.set()
        for job in self.jobs:
            try:
                job.result(PATIENCE_S)
            except CancelledError:
                assert job in self.cancelled
            except WorkbenchError:
                continue
            places = [event.place for event in job.events() if event.kind == "queued"]
            assert all(1 <= place <= 6 for place in places)  # type: ignore[operator]
            assert all(one != next_ for one, next_ in itertools.pairwise(places))
        # everybody was told; what was computing for those who left comes to its end
        self.engine.call(ask("the last", user="x"))
        self.engine.close()
        for lane in (self.engine._local, self.engine._remote):
            assert (lane.queued, lane.running, lane.slots) == (0, 0, ())
            if lane.loader is not None:
                assert lane.loader.residency.used_bytes == 0
        assert self.engine._flights == {}
        assert self.engine._unshared == set()


TestEngine = EngineMachine.TestCase
TestEngine.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
