"""What the engine tells of its work: receipts, one log line a request, its status."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from workbench.logs import log_fields
from workbench.server.api import Receipt, Status
from workbench.server.cache import ResultCache
from workbench.server.devices import MIB, Device, may_have_accelerator, processor
from workbench.server.flight import Flight, FlightJob
from workbench.server.residency import Slot
from workbench.server.versions import package_versions, workbench_version
from workbench.settings import Settings

log = logging.getLogger("workbench.server.engine")  # where people look for it

KEPT_ANSWERS = ("memory", "disk", "shipped")
"""Sources of answers that cost nothing; a page that opens asks for dozens of them."""


@dataclass(frozen=True)
class Load:
    """What the engine carries now: models, waiting requests, running requests."""

    slots: tuple[Slot, ...]
    queued: int
    running: int


def write_receipt(flight: Flight, device: str) -> Receipt:
    """The receipt of a flight that was computed just now."""
    return Receipt(
        operation=flight.operation.name,
        operation_version=flight.operation.version,
        model=flight.request.model,
        model_digest=flight.model_digest,
        dtype=flight.dtype,
        device=device,
        seed=flight.request.seed,
        arguments_digest=flight.arguments_digest,
        key=flight.key,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(flight.compute_s, 6),
        packages=package_versions(),
    )


def log_job(flight: Flight, job: FlightJob, how: str, device: str = "") -> None:
    """Write the one line of a job that ended; of what was there already only for who looks closely.

    Args:
        flight: the computation.
        job: the caller's interest in it.
        how: its source, or why it failed.
        device: where it was computed, if it was.
    """
    log_fields(
        log,
        "job",
        level=logging.DEBUG if how in KEPT_ANSWERS else logging.INFO,
        trace=job.trace,
        operation=flight.operation.name,
        key=flight.key[:8],
        source=how,
        model=flight.request.model,
        device=device,
        batch=flight.batch_items,
        queue_ms=round(max(0.0, flight.started_at - flight.enqueued_at) * 1e3, 1),
        compute_ms=round(flight.compute_s * 1e3, 1),
        total_ms=round((time.monotonic() - job.submitted_at) * 1e3, 1),
    )


def write_status(
    settings: Settings,
    device: Device | None,
    load: Load,
    cache: ResultCache,
    counts: Mapping[str, float],
    *,
    uptime_s: float,
) -> Status:
    """The status of an engine; imports nothing to find it out.

    Args:
        settings: of the engine.
        device: its device, or ``None`` while it was not needed yet.
        load: what it carries.
        cache: its answers.
        counts: its counters.
        uptime_s: since it was built.
    """
    found = device or _guess_device(settings)
    hits = {f"hits_{tier}": cache.hits[tier] for tier in ("memory", "disk", "shipped")}
    return Status(
        version=workbench_version(),
        device=found.name,
        device_name=found.description,
        resident=tuple(
            {
                "name": slot.key.name,
                "dtype": slot.key.dtype,
                "mib": round(slot.nbytes / MIB, 1),
                "in_use": slot.in_use > 0,
            }
            for slot in load.slots
            if slot.model is not None
        ),
        budget_mib=round(found.budget_bytes(settings.model_budget_mib) / MIB, 1),
        used_mib=round(sum(slot.nbytes for slot in load.slots) / MIB, 1),
        queued=load.queued,
        running=load.running,
        cache=cache.status(),
        counters={**counts, **hits, "misses": cache.hits["misses"]},
        uptime_s=uptime_s,
    )


def _guess_device(settings: Settings) -> Device:
    """The device, or what can be said of it without importing torch."""
    if settings.device == "cpu" or not may_have_accelerator():
        return processor()
    return Device(settings.device, "looked for when it is first needed", "", 0)
