"""Which models are in a device's memory: bytes reserved before loading, the least used leave.

The rules:

1. A model that is in use is never evicted.
2. A model leaves only for one that needs its room, the least recently used first.
3. A model younger than the minimum residence time stays if anybody waits for it, or if somebody
   else than those who now ask used it. So one person may switch models freely, while two classes
   that take turns do not load and evict without end.
4. A model that was loaded for somebody is used at least once before it may leave.
5. An old model that others keep using is marked: no new work starts on it, and it leaves when
   the work on it has ended. So a stream of requests for one model cannot shut out another.

Nothing here knows threads or clocks; the engine holds its lock around every call.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from workbench.errors import InputError
from workbench.server.operation import LoadedModel

MIB = 2**20


class ModelKey(NamedTuple):
    """A model as it lies in memory; new weights under an old name are another model."""

    name: str
    digest: str
    dtype: str


@dataclass(eq=False)
class Slot:
    """One model's place in memory."""

    key: ModelKey
    nbytes: int
    model: LoadedModel | None = None
    loaded_at: float = 0.0
    last_used: float = 0.0
    uses: int = 0
    in_use: int = 0
    is_leaving: bool = False
    users: set[str] = field(default_factory=set)
    """Who used it since it was loaded."""


@dataclass(frozen=True)
class Grant:
    """Bytes are reserved: close the evicted models, say so with ``closed``, then load."""

    evicted: tuple[Slot, ...] = ()


@dataclass(frozen=True)
class Wait:
    """No room yet: ask again at ``until``, or, when ``None``, as soon as anything changes."""

    until: float | None = None


Wanted = Mapping[ModelKey, Collection[str]]
"""Who waits for each model."""


class Residency:
    """The models of one device within a budget of bytes.

    Args:
        budget_bytes: what models may take together.
        minimum_residence_s: how long rule 3 protects a model after it was loaded.
    """

    def __init__(self, budget_bytes: int, minimum_residence_s: float) -> None:
        self.budget_bytes = budget_bytes
        self._minimum_residence_s = minimum_residence_s
        self._slots: dict[ModelKey, Slot] = {}
        self._closing: list[Slot] = []

    @property
    def used_bytes(self) -> int:
        """Bytes of models that are here, being loaded or being closed."""
        return sum(slot.nbytes for slot in [*self._slots.values(), *self._closing])

    @property
    def reserved_bytes(self) -> int:
        """Bytes set aside for models that are being loaded."""
        return sum(slot.nbytes for slot in self._slots.values() if slot.model is None)

    def slots(self) -> tuple[Slot, ...]:
        """Every model that is here or being loaded."""
        return tuple(self._slots.values())

    def state(self, key: ModelKey) -> Literal["absent", "loading", "resident", "leaving"]:
        """Where a model is: only a "resident" one may be put to work."""
        slot = self._slots.get(key)
        if slot is None:
            return "absent"
        if slot.model is None:
            return "loading"
        return "leaving" if slot.is_leaving else "resident"

    def ask(
        self, key: ModelKey, nbytes: int, users: Collection[str], *, wanted: Wanted, now: float
    ) -> Grant | Wait:
        """Ask for room for a model that is absent.

        Args:
            key: the model.
            nbytes: bytes to reserve.
            users: who waits for it.
            wanted: who waits for every model, this one included.
            now: time in seconds.

        Raises:
            InputError: it is larger than the whole budget; says which setting to change.
        """
        if nbytes > self.budget_bytes:
            raise InputError(
                f"{key.name} in {key.dtype} needs {nbytes / MIB:,.0f} MiB and models may take "
                f"{self.budget_bytes / MIB:,.0f} MiB together. Choose a smaller model or type, or "
                "raise WORKBENCH_MODEL_BUDGET_MIB."
            )
        missing = self.used_bytes + nbytes - self.budget_bytes
        if missing > 0 and self._closing:
            return Wait()  # what leaves already may be enough
        by_age = sorted(self._slots.values(), key=lambda slot: slot.last_used)
        evicted: list[Slot] = []
        for slot in by_age:
            if missing <= 0:
                break
            if not slot.in_use and self._may_leave(slot, users, wanted, now):
                evicted.append(slot)
                missing -= slot.nbytes
        if missing <= 0:
            self._start_closing(evicted)
            self._slots[key] = Slot(key, nbytes)
            return Grant(tuple(evicted))
        for slot in by_age:
            if missing > 0 and slot.in_use and self._may_leave(slot, users, wanted, now):
                slot.is_leaving = True
                missing -= slot.nbytes
        return Wait(self._next_birthday(now))

    def stay_all(self) -> None:
        """Take back every mark of rule 5, before the needs are looked at afresh."""
        for slot in self._slots.values():
            slot.is_leaving = False

    def loaded(self, key: ModelKey, model: LoadedModel, *, wanted: Wanted, now: float) -> Grant:
        """Put a model in its place and correct the estimate by what was measured.

        Idle models that nobody waits for leave if the measured bytes pass the budget.
        """
        slot = self._slots[key]
        slot.model = model
        slot.nbytes = model.memory_bytes
        slot.loaded_at = slot.last_used = now
        staying = sum(other.nbytes for other in self._slots.values())
        return Grant(self._evict_idle(staying - self.budget_bytes, wanted, besides=key))

    def failed(self, key: ModelKey) -> None:
        """Give the reserved bytes back: loading failed or was given up."""
        del self._slots[key]

    def closed(self, slot: Slot) -> None:
        """Give the bytes of an evicted model back, once it was closed."""
        self._closing.remove(slot)

    def use(self, key: ModelKey, users: Collection[str], now: float) -> LoadedModel:
        """Put a resident model to work."""
        slot = self._slots[key]
        if slot.model is None:
            raise ValueError(f"{key.name} is not loaded")
        slot.in_use += 1
        slot.uses += 1
        slot.last_used = now
        slot.users.update(users)
        return slot.model

    def release(self, key: ModelKey, now: float) -> None:
        """End one use of a model."""
        slot = self._slots[key]
        slot.in_use -= 1
        slot.last_used = now

    def evict_idle(self, wanted: Wanted) -> Grant:
        """Let every idle model leave that nobody waits for, when memory ran out."""
        return Grant(self._evict_idle(self.used_bytes + 1, wanted))

    def evict_all(self) -> Grant:
        """Let every model leave that is not in use, whoever waits; for shutting down."""
        idle = [s for s in self._slots.values() if s.model is not None and not s.in_use]
        self._start_closing(idle)
        return Grant(tuple(idle))

    def _evict_idle(
        self, missing: int, wanted: Wanted, besides: ModelKey | None = None
    ) -> tuple[Slot, ...]:
        evicted: list[Slot] = []
        for slot in sorted(self._slots.values(), key=lambda slot: slot.last_used):
            idle = slot.model is not None and not slot.in_use and not wanted.get(slot.key)
            if missing > 0 and idle and slot.key != besides:
                evicted.append(slot)
                missing -= slot.nbytes
        self._start_closing(evicted)
        return tuple(evicted)

    def _may_leave(self, slot: Slot, users: Collection[str], wanted: Wanted, now: float) -> bool:
        if slot.model is None:
            return False
        is_wanted = bool(wanted.get(slot.key))
        if slot.uses == 0 and is_wanted:
            return False
        if now - slot.loaded_at >= self._minimum_residence_s:
            return True
        return not is_wanted and not slot.users - set(users)

    def _next_birthday(self, now: float) -> float | None:
        """When the next young model has been here for the minimum residence time."""
        ends = [s.loaded_at + self._minimum_residence_s for s in self._slots.values() if s.model]
        return min((end for end in ends if end > now), default=None)

    def _start_closing(self, slots: Collection[Slot]) -> None:
        for slot in slots:
            del self._slots[slot.key]
            self._closing.append(slot)
