"""The report of a load run, as JSON for machines and as Markdown for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.load.samples import KINDS

SETTLED_S = 600.0
"""Memory is compared with what it was after so long, when everything is loaded once."""
TARGETS = {"cached": 1.0, "model": 5.0}
"""95th percentiles to reach with thirty people at ease, in seconds."""
MINUTE_S = 60.0


def memory_growth(memory: Sequence[tuple[float, float, float]]) -> dict[str, Any]:
    """How much memory grew, from what it was settled at to the end, of page and server.

    Compared are medians of the minute after the first ten and of the last minute; a run of less
    than twenty minutes has no growth to state.
    """
    ends = memory[-1][0] if memory else 0.0
    found: dict[str, Any] = {"minutes": round(ends / MINUTE_S, 1)}
    for column, name in ((1, "page"), (2, "server")):
        values = [row[column] for row in memory]
        found[name] = {"greatest_mib": round(max(values, default=0.0))}
        if ends >= 2 * SETTLED_S:
            first = _median([row[column] for row in memory if 0 <= row[0] - SETTLED_S <= MINUTE_S])
            last = _median([row[column] for row in memory if ends - row[0] <= MINUTE_S])
            found[name] |= {
                "after_ten_minutes_mib": round(first, 1),
                "at_the_end_mib": round(last, 1),
                "growth": round(last / first - 1, 4),
            }
    return found


def memory_rows(memory: Sequence[tuple[float, float, float]], rows: int = 13) -> list[list[str]]:
    """Some looks at the memory, evenly spread: minute, page, server."""
    if not memory:
        return []
    wanted = sorted({round(i * (len(memory) - 1) / (rows - 1)) for i in range(rows)})
    return [
        [f"{memory[i][0] / MINUTE_S:.1f}", f"{memory[i][1]:.0f}", f"{memory[i][2]:.0f}"]
        for i in wanted
    ]


def write_markdown(found: Mapping[str, Any]) -> str:
    """The whole report for people."""
    parts = [f"# Load run of {found['date']}", f"`{found['command']}`", found["remark"]]
    if prepared := found.get("prepared"):
        parts.append(
            f"Before anybody came, the page drew what its {prepared['studies']} studies open with, "
            f"in {prepared['seconds']} s after it first answered."
        )
    if steady := found.get("steady"):
        parts += ["## People at ease", _steady(found, steady)]
    if at_once := found.get("at_once"):
        parts += ["## Everybody clicks at the same moment", _at_once(at_once)]
    if overloaded := found.get("overload"):
        parts += ["## Four times as much as it can do", _overload(overloaded)]
    if restarts := found.get("restarts"):
        parts += ["## The model server is restarted", _restarts(restarts)]
    parts += ["## Memory", _memory(found)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _steady(found: Mapping[str, Any], steady: Mapping[str, Any]) -> str:
    crowd = found["crowd"]
    rows = []
    for kind, meaning in KINDS.items():
        if kind in steady["kinds"]:
            of = steady["kinds"][kind]
            rows.append(
                [meaning, of["count"], of["p50_s"], of["p90_s"], of["p95_s"], of["p99_s"],
                 of["greatest_s"], _target(kind, of["p95_s"])]
            )  # fmt: skip
    counters = steady["counters"]
    lines = [
        f"{crowd['browsers']} people in Chromium, {crowd['pages']} pages over HTTP, "
        f"{crowd['programs']} programs at the API, {crowd['think_s']:g} s mean pause, half of all "
        f"requests the same for all; {steady['seconds']} s.",
        _table(
            ["seconds", "count", "median", "90 %", "95 %", "99 %", "greatest", "target, 95 %"], rows
        ),
        f"Outcomes: {_words(steady['outcomes'])}, never answered {steady['unanswered']}. The model "
        f"server had {counters['requests']} requests and computed {counters['executions']} of them "
        f"({_ratio(counters['executions'], counters['requests'])} a request); the others came "
        f"from memory ({counters.get('hits_memory', 0)}), disk ({counters.get('hits_disk', 0)}), "
        f"what is shipped ({counters.get('hits_shipped', 0)}) or were shared while under way "
        f"({counters['coalesced']}).",
    ]
    if first := steady.get("first"):
        seconds = first["kinds"].get("model", {}).get("greatest_s")
        lines.append(
            f"Before, on the server that had just started, {first['count']} questions one by one "
            f"({_words(first['outcomes'])}); the slowest, with its model loaded, took {seconds} s."
        )
    if steady["told"]:
        lines.append(f"Not answered: {_words(steady['told'])}.")
    if steady.get("long"):
        kinds = steady["long"]["kinds"].get("model", {})
        lines.append(f"Long runs beside them: {_words(steady['long']['outcomes'])}; {kinds}.")
    rows = [[r["what"], r["kind"], r["count"], r["p50_s"], r["p95_s"]] for r in found["slowest"]]
    lines.append(_table(["slowest", "kind", "count", "median s", "95 % s"], rows))
    return "\n\n".join(lines)


def _at_once(at_once: Mapping[str, Any]) -> str:
    rows = []
    for name, of in at_once.items():
        seconds = [kind["greatest_s"] for kind in of["kinds"].values()]
        counters = of["counters"]
        rows.append(
            [name, of["count"], _words(of["outcomes"]), counters["requests"],
             counters["executions"], max(seconds, default="")]
        )  # fmt: skip
    return _table(
        ["all at once", "people", "outcomes", "requests", "executions", "last answer s"], rows
    )


def _overload(of: Mapping[str, Any]) -> str:
    return (
        f"Peak {of['peak_per_s']} answers a second; offered {of['offered_per_s']}, reached "
        f"{of['reached_per_s']}: {of['share_of_peak']:.0%} of the peak. Outcomes: "
        f"{_words(of['outcomes'])}; a refusal came within {of['refused_p95_s']} s (95 %), with "
        "status 429, words and Retry-After."
    )


def _restarts(restarts: Mapping[str, Any]) -> str:
    rows = [
        [name, of["server_back_s"], of["first_answer_s"], of["all_have_continued_s"],
         _words(of["all_have_continued_by_kind_s"]), _words(of["outcomes"])]
        for name, of in restarts.items()
    ]  # fmt: skip
    return _table(
        ["ended by", "server back s", "first answer s", "all answered s", "by kind s", "outcomes"],
        rows,
    )


def _memory(found: Mapping[str, Any]) -> str:
    growth = found["memory"]
    lines = []
    for name in ("page", "server"):
        of = growth[name]
        if "growth" in of:
            lines.append(
                f"{name}: {of['after_ten_minutes_mib']} MiB after ten minutes, "
                f"{of['at_the_end_mib']} MiB at the end, growth {of['growth']:+.1%} (5 % allowed)."
            )
        else:
            lines.append(f"{name}: {of['greatest_mib']} MiB at most.")
    table = _table(["minute", "page MiB", "server MiB"], found["memory_rows"])
    return "\n\n".join([" ".join(lines), table])


def _target(kind: str, reached_s: float) -> str:
    if kind not in TARGETS:
        return ""
    return f"{TARGETS[kind]:g}: {'reached' if reached_s < TARGETS[kind] else 'not reached'}"


def _ratio(part: float, whole: float) -> str:
    return f"{part / whole:.2f}" if whole else "0"


def _words(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
