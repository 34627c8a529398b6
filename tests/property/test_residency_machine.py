"""Whatever happens in whatever order: the budget holds and every reservation ends."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.unit.test_residency import Weights, key
from workbench.server.residency import Grant, Residency, Slot

BUDGET = 10
MINIMUM_S = 5.0

names = st.sampled_from("abcdef")
users = st.sampled_from(["x", "y"])


class ResidencyMachine(RuleBasedStateMachine):
    """Models are asked for, loaded, used, released, failed and closed at random."""

    def __init__(self) -> None:
        super().__init__()
        self.residency = Residency(BUDGET, MINIMUM_S)
        self.now = 0.0
        self.in_use: list[str] = []
        self.loading: dict[str, int] = {}
        self.closing: list[Slot] = []
        self.wanted: dict[str, str] = {}
        self.loaded_at: dict[str, float] = {}

    @rule(name=names, user=users, size=st.integers(0, BUDGET))
    def ask(self, name: str, user: str, size: int) -> None:
        self.residency.stay_all()
        if self.residency.state(key(name)) != "absent":
            return
        self.wanted[name] = user
        wanted = {key(other): {who} for other, who in self.wanted.items()}
        answer = self.residency.ask(key(name), size, {user}, wanted=wanted, now=self.now)
        if isinstance(answer, Grant):
            self.loading[name] = size
            for slot in answer.evicted:
                assert slot.key.name not in self.in_use
                is_old = self.now - self.loaded_at[slot.key.name] >= MINIMUM_S
                assert is_old or slot.key.name not in self.wanted
                assert is_old or slot.users <= {user}
            self.closing.extend(answer.evicted)
        elif answer.until is not None:
            assert answer.until > self.now

    @precondition(lambda self: self.loading)
    @rule(data=st.data())
    def load(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.loading)))
        size = self.loading.pop(name)
        self.loaded_at[name] = self.now
        grant = self.residency.loaded(key(name), Weights(size), wanted={}, now=self.now)
        assert grant.evicted == ()  # nobody measured more than was reserved

    @precondition(lambda self: self.loading)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.loading)))
        del self.loading[name]
        self.residency.failed(key(name))

    @rule(name=names, user=users)
    def use(self, name: str, user: str) -> None:
        if self.residency.state(key(name)) == "resident":
            self.residency.use(key(name), {user}, self.now)
            self.in_use.append(name)
            self.wanted.pop(name, None)

    @precondition(lambda self: self.in_use)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.in_use)))
        self.in_use.remove(name)
        self.residency.release(key(name), self.now)

    @rule(name=names)
    def lose_interest(self, name: str) -> None:
        self.wanted.pop(name, None)

    @precondition(lambda self: self.closing)
    @rule()
    def close_evicted(self) -> None:
        self.residency.closed(self.closing.pop(0))

    @rule(seconds=st.floats(0.1, 10))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def what_is_here_and_reserved_is_within_the_budget(self) -> None:
        assert self.residency.used_bytes - sum(s.nbytes for s in self.closing) <= BUDGET

    @invariant()
    def only_what_is_being_loaded_is_reserved(self) -> None:
        assert self.residency.reserved_bytes == sum(self.loading.values())

    @invariant()
    def nothing_in_use_is_gone(self) -> None:
        for name in self.in_use:
            assert self.residency.state(key(name)) in ("resident", "leaving")

    def teardown(self) -> None:
        for name in self.loading:
            self.residency.failed(key(name))
        for name in self.in_use:
            self.residency.release(key(name), self.now)
        for slot in [*self.closing, *self.residency.evict_all().evicted]:
            self.residency.closed(slot)
        assert self.residency.used_bytes == 0


TestResidency = ResidencyMachine.TestCase
TestResidency.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
