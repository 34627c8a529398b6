"""One status and one catalogue out of those of all replicas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.server.api import Json, ModelEntry, Status


def merge_statuses(
    described: Mapping[str, Mapping[str, Any]], hosts: Mapping[str, str], gone: Mapping[str, float]
) -> Status:
    """The status of a cluster.

    Counters are sums over every replica there ever was, so that they only grow; the rest is what
    the replicas of now do together. Replicas on one machine share the cache on its disk, which is
    counted once.

    Args:
        described: the status of each replica, by its name; at least one.
        hosts: the machine of each replica, by its name.
        gone: sums of the counters of replicas that are no more.
    """
    statuses = list(described.values())
    counters: Counter[str] = Counter(gone)
    for status in statuses:
        counters.update(status["counters"])
    by_host = {hosts[name]: status["cache"] for name, status in described.items()}
    caches = list(by_host.values())
    note = next((cache["note"] for cache in caches if cache["note"]), "")
    return Status(
        version=_in_words(status["version"] for status in statuses),
        device=_in_words(status["device"] for status in statuses),
        device_name=f"{len(statuses)} × " + _in_words(status["device_name"] for status in statuses),
        resident=_merge_residents(statuses),
        budget_mib=sum(status["budget_mib"] for status in statuses),
        used_mib=sum(status["used_mib"] for status in statuses),
        queued=sum(status["queued"] for status in statuses),
        running=sum(status["running"] for status in statuses),
        cache={
            "on": all(cache["on"] for cache in caches),
            "entries": sum(cache["entries"] for cache in caches),
            "bytes": sum(cache["bytes"] for cache in caches),
            "limit_bytes": sum(cache["limit_bytes"] for cache in caches),
            **_sums(statuses, "memory_entries", "memory_bytes", "memory_limit_bytes"),
            "hits": counters["hits_memory"] + counters["hits_disk"] + counters["hits_shipped"],
            "misses": counters["misses"],
            "note": note,
        },
        counters=dict(counters),
        uptime_s=max(status["uptime_s"] for status in statuses),
        answers=_in_words(sorted(status["answers"] for status in statuses)),
    )


def merge_models(catalogues: Iterable[Iterable[Mapping[str, Any]]]) -> tuple[ModelEntry, ...]:
    """The catalogue of a cluster: a model is resident where any replica holds it.

    A model is in the best of its states: what one machine has fetched, it need not fetch again.
    """
    order = {"ready": 0, "downloadable": 1, "unavailable": 2}
    entries: dict[str, dict[str, Any]] = {}
    for catalogue in catalogues:
        for entry in catalogue:
            known = entries.setdefault(entry["name"], dict(entry))
            resident = known["resident"] or entry["resident"]
            if order[entry["state"]] < order[known["state"]]:
                known = dict(entry)
            entries[entry["name"]] = known | {"resident": resident}
    return tuple(ModelEntry(**entry) for entry in entries.values())


def _merge_residents(statuses: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Json], ...]:
    """Models in memory, those that several replicas hold with the sum of their memory."""
    merged: dict[tuple[str, str], dict[str, Any]] = {}
    for status in statuses:
        for model in status["resident"]:
            key = (model["name"], model["dtype"])
            known = merged.setdefault(key, {**model, "mib": 0.0, "in_use": False})
            known["mib"] = round(known["mib"] + model["mib"], 1)
            known["in_use"] = known["in_use"] or model["in_use"]
    return tuple(merged.values())


def _sums(statuses: Iterable[Mapping[str, Any]], *names: str) -> dict[str, Json]:
    """Sums of what each replica's own cache in memory tells."""
    caches = [status["cache"] for status in statuses]
    return {name: sum(cache[name] for cache in caches) for name in names}


def _in_words(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(values))
