"""The status page: device, models, cache, queue and counters, as the server tells them."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import gradio as gr
from fastapi.concurrency import run_in_threadpool

from panels import guard
from workbench.figures.wording import say_count
from workbench.server.api import ModelClient, ModelEntry, Status

STATE_WORDS = {
    "ready": "ready",
    "downloadable": "to download",
    "unavailable": "not available",
}


def build(client: ModelClient, tab: gr.Tab) -> None:
    """Add the status page to the open tab; it asks the server when the tab is opened."""
    gr.HTML(
        "<header class='wb-heading'><h2>Status</h2><p class='wb-claim'>What the model server is "
        "doing now.</p></header>",
        apply_default_css=False,
    )
    shown = gr.HTML("<p class='wb-hint'>Asking the model server…</p>", apply_default_css=False)
    refresh = gr.Button("Refresh", elem_classes=["wb-refresh"])

    async def ask() -> str:
        try:
            now = await run_in_threadpool(client.status)
            models = await run_in_threadpool(client.models)
        except Exception as error:  # noqa: BLE001  said in words, logged when it is a bug
            return f"<p class='wb-message wb-alert' role='alert'>{guard.explain(error).html}</p>"
        return render(now, models)

    gr.on([tab.select, refresh.click], ask, None, shown, show_progress="hidden", api_name="status")


def render(now: Status, models: Sequence[ModelEntry]) -> str:
    """The status as HTML."""
    facts = {
        "Device": f"{now.device_name} ({now.device})",
        "Memory for models": f"{now.used_mib:,.0f} of {now.budget_mib:,.0f} MiB used",
        "Queue": f"{now.queued} waiting, {now.running} running",
        "Cache": _cache(now.cache),
        "Up for": _duration(now.uptime_s),
        "Version": now.version,
    }
    tiles = "".join(
        f"<div><dt>{name}</dt><dd>{html.escape(str(value))}</dd></div>"
        for name, value in facts.items()
    )
    counters = _table(
        "Counters since the start",
        ("counter", "count"),
        [(name.replace("_", " "), f"{value:,g}") for name, value in sorted(now.counters.items())],
    )
    return (
        f"<div class='wb-status'><dl class='wb-tiles'>{tiles}</dl>"
        f"{_models(now, models)}{counters}</div>"
    )


def _models(now: Status, models: Sequence[ModelEntry]) -> str:
    resident = {str(each["name"]): each for each in now.resident}
    rows = [
        (
            entry.name,
            entry.kind,
            "in memory" if entry.name in resident else STATE_WORDS[entry.state],
            f"{entry.memory_mib:,.0f} MiB",
            f"{entry.download_mib:,.0f} MiB" if entry.state == "downloadable" else "",
            entry.licence,
            entry.reason or entry.summary,
        )
        for entry in models
    ]
    columns = ("model", "kind", "state", "in memory", "download", "licence", "")
    return _table("Models", columns, rows)


def _table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th scope='col'>{html.escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>"
        + f"<th scope='row'>{html.escape(row[0])}</th>"
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def _cache(cache: Mapping[str, object]) -> str:
    note = str(cache.get("note") or "")
    if not cache.get("on"):
        return note or "off"
    mib = [float(str(cache.get(name, 0))) / 2**20 for name in ("bytes", "limit_bytes")]
    entries, hits, misses = (int(str(cache.get(name, 0))) for name in ("entries", "hits", "misses"))
    counts = f"{say_count(hits, 'hit')}, {say_count(misses, 'miss', 'misses')}"
    held = f"{say_count(entries, 'answer')}, {mib[0]:,.0f} of {mib[1]:,.0f} MiB; {counts}"
    return f"{held}; {note}" if note else held


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
