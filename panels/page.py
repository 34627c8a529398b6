"""What a tab uses: ``page.study(…)`` draws controls, figures and tools, and wires them.

A tab's module is wiring only. Every study it shows gets the same treatment: parameters draw their
own controls, live ones redraw the figures in the browser without a request, the others run the
study; progress, cancel, receipt, comparison, export and links come with it.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import gradio as gr

from panels import guard, lesson
from panels.following import Follow, Follower, written
from panels.publishing import Offers, publish
from panels.results import ResultStore
from panels.runs import Ask, Mode, NotMeasuredError, Runner
from panels.view import Download, View
from panels.widget import element
from panels.workers import Workers
from workbench.methods.catalog import Method
from workbench.params import (
    Board,
    Chips,
    Choice,
    Field,
    Model,
    Picks,
    Range,
    Text,
    Upload,
    describe,
    fields_of,
    parse,
)
from workbench.server.api import Event, ModelClient
from workbench.study import Gathered, Outcome, Study

OPEN_CONTROLS = 3
"""So many controls are in sight; the rest fold under "More"."""
TRACE = re.compile("[0-9a-f]{16}")
MODES: tuple[Mode, ...] = ("fill", "auto", "run", "check")


@dataclass
class StudyPanel:
    """One study as it stands on a tab."""

    study: Study
    views: tuple[View, ...]
    run: Literal["auto", "button"]
    open_controls: int
    downloads: tuple[Download, ...]
    element: gr.HTML
    follows: Follow | None = None
    keeps: str = ""


@dataclass
class Desk:
    """What all tabs share: the model server, the runner and the store of results.

    Args:
        client: the model server.
        workers: processes that compute and draw; ``None`` to do it in threads of this one.
    """

    client: ModelClient
    workers: Workers | None = None
    results: ResultStore = field(default_factory=ResultStore)
    views: dict[str, tuple[View, ...]] = field(default_factory=dict)
    offers: dict[str, Offers] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.runner = Runner(
            self.client,
            self._finish,
            self.results.is_served,
            self.results.renew,
            elsewhere=self._make_elsewhere,
        )

    def _finish(self, study: Study, outcome: Outcome) -> str:
        views, offers = self.views[study.slug], self.offers[study.slug]
        return self.results.keep(publish(study, outcome, views, offers))

    def _make_elsewhere(
        self, study: Study, gathered: Gathered[Any, Any]
    ) -> tuple[str, Mapping[str, Any]] | None:
        if self.workers is None or study.is_local:  # what measures a machine does so undisturbed
            return None
        published = self.workers.make(study, gathered)
        return published and (self.results.keep(published), published.receipt)


def tab_id(study: str) -> str:
    """The id of a study's own tab in the page; its button's is the same with ``-button``."""
    return f"study-{study.replace('.', '-')}"


class Page:
    """One method's tab, under construction inside an open ``gr.Tabs``: a tab for each study."""

    def __init__(self, method: Method, desk: Desk, questions: gr.Tabs) -> None:
        self.method = method
        self.questions = questions
        self.panels: list[StudyPanel] = []
        self._desk = desk

    def study(  # noqa: PLR0913  keyword-only options of one study
        self,
        study: Study,
        *,
        figures: Sequence[View],
        run: Literal["auto", "button"],
        open_controls: int = OPEN_CONTROLS,
        offers: Offers | None = None,
        downloads: Sequence[Download] = (),
        follows: Follow | None = None,
        keeps: str = "",
    ) -> StudyPanel:
        """Add a study: its controls beside its figures, with everything that comes with it.

        Args:
            study: what is asked and answered.
            figures: the views of its result; the first is shown first.
            run: "auto" runs whenever a parameter that is not live changes; "button" waits for
                Run, because the study needs a model.
            open_controls: how many controls are in sight; the rest fold under "More".
            offers: what a result offers for some of the controls, by parameter: phrases to add,
                columns to choose.
            downloads: files that the study's result can be written to, beside the page's own.
            follows: what the study says of a text while a model is still writing it.
            keeps: what a cancelled run leaves and how to go on, said to who cancelled it.

        Raises:
            ValueError: two files have one name, or a study that measures this very machine offers
                a file, for which it would have to be measured again.
        """
        if len({each.name for each in downloads}) < len(downloads):
            raise ValueError(f"two files of {study.slug} have one name")
        if downloads and study.is_local:
            raise ValueError(
                f"{study.slug} measures this machine; its file would be of another run"
            )
        self._desk.views[study.slug] = tuple(figures)
        self._desk.offers[study.slug] = offers or {}
        with gr.Tab(study.title, id=study.slug, elem_id=tab_id(study.slug)):
            shown = element("study", study.slug, events=("run", "cancel"))
        panel = StudyPanel(study, tuple(figures), run, open_controls, tuple(downloads), shown)
        panel.follows, panel.keeps = follows, keeps
        self.panels.append(panel)
        self._wire(panel)
        return panel

    def params_of_studies(self) -> dict[str, type]:
        """The parameters' dataclass of each study, by slug, in screen order."""
        return {panel.study.slug: panel.study.params for panel in self.panels}

    def find(self, study: str | None) -> StudyPanel:
        """A study's panel by its slug; the main study's if it is left out."""
        return next(p for p in self.panels if p.study.slug == (study or self.method.slug))

    def describe(self) -> dict[str, Any]:
        """What the browser's script is told about this tab."""
        taught = lesson.read_lesson(self.method.slug, self.params_of_studies())
        return {
            "title": self.method.title,
            "group": self.method.group,
            "lesson": taught.as_json() if taught else None,
            "studies": [
                {
                    "slug": panel.study.slug,
                    "title": panel.study.title,
                    "tab": tab_id(panel.study.slug),
                    "run": panel.run,
                    "openControls": panel.open_controls,
                    "views": [_describe_view(view) for view in panel.views],
                    "downloads": [
                        {"name": d.name, "label": d.label, "file": d.file_name(panel.study.slug)}
                        for d in panel.downloads
                    ],
                    "params": [
                        _describe_param(f, panel.study) for f in fields_of(panel.study.params)
                    ],
                }
                for panel in self.panels
            ],
        }

    def _wire(self, panel: StudyPanel) -> None:
        panel.element.run(
            self._runs(panel),
            outputs=panel.element,
            show_progress="hidden",
            trigger_mode="always_last",
            api_visibility="private",
        )
        panel.element.cancel(
            self._cancels(panel), queue=False, show_progress="hidden", api_visibility="private"
        )

    def _runs(self, panel: StudyPanel) -> Any:
        async def run(request: gr.Request, event: gr.EventData) -> AsyncIterator[str]:
            asked = _as_mapping(event._data)
            mode: Mode = asked["mode"] if asked.get("mode") in MODES else "run"
            ask = Ask(
                session=request.session_hash or "anonymous",
                mode=mode,
                fresh=mode == "check" or asked.get("fresh") is True,
                measures=panel.run == "button",
                trace=_trace(asked.get("trace")),
            )
            async for message in self._messages(panel, _as_mapping(asked.get("params")), ask):
                # With the name of the run: the browser is told of a value only if it has changed,
                # and the same refusal may come twice.
                yield json.dumps(message | {"trace": ask.trace})

        return run

    async def _messages(
        self, panel: StudyPanel, values: Mapping[str, Any], ask: Ask
    ) -> AsyncIterator[dict[str, Any]]:
        try:
            params = parse(panel.study.params, values)
            follower = Follower(panel.follows, self._desk.client, params)
            async for step in self._desk.runner.run(panel.study, params, ask):
                if isinstance(step, str):
                    yield {"phase": "done", "mode": ask.mode, "address": step}
                else:
                    remark = await follower.remark(step)
                    yield {"phase": "working", "mode": ask.mode} | _progress(step) | remark
        except NotMeasuredError:
            yield {"phase": "empty"}
        except Exception as error:  # noqa: BLE001  the one place that turns errors into words
            complaint = guard.explain(error, ask.trace)
            kept = f" {panel.keeps}" if panel.keeps and complaint.kind == "cancelled" else ""
            yield {"phase": "complaint", "kind": complaint.kind, "text": complaint.text + kept}

    def _cancels(self, panel: StudyPanel) -> Any:
        def cancel(request: gr.Request) -> None:
            self._desk.runner.cancel(request.session_hash or "anonymous", panel.study.slug)

        return cancel


def _trace(given: object) -> str:
    """The name that the browser gave to its run, or a new one if that is none."""
    return given if isinstance(given, str) and TRACE.fullmatch(given) else secrets.token_hex(8)


def _as_mapping(data: object) -> Mapping[str, Any]:
    """What the browser sent with an event; anything but a mapping is as good as nothing."""
    return data if isinstance(data, dict) else {}


def _progress(event: Event) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "place": event.place,
        "fraction": event.fraction,
        "seconds_left": event.seconds_left,
        "text": event.text,
    } | written(event)


def _describe_view(view: View) -> dict[str, Any]:
    return {
        "name": view.name,
        "title": view.title,
        "picks": dict(view.picks) or None,
        "plays": view.plays,
    }


def _describe_param(each: Field, study: Study) -> dict[str, Any]:
    """What the browser's script draws the control of a parameter from."""
    common = {
        "name": each.name,
        "label": each.kind.label,
        "help": each.kind.help,
        "kind": type(each.kind).__name__.lower(),
        "live": getattr(each.kind, "live", False),
        "default": each.default,
        "allowed": describe(each),
        "element": f"{study.slug.replace('.', '-')}-{each.name}",
    }
    match each.kind:
        case Range() as r:
            ends = {"minimum": r.minimum, "maximum": r.maximum, "step": r.step}
            return common | ends | {"whole": each.type is int}
        case Choice() as c:
            return common | {"options": c.options, "names": c.names or c.options}
        case Text() as t:
            return common | {"lines": t.lines}
        case Model() as m:
            return common | {"modelKind": m.kind}
        case Upload() as u:
            return common | {"suffixes": u.suffixes, "canDraw": u.can_draw}
        case Picks() as picks:
            return common | {"maxItems": picks.max_items}
        case Chips() as c:
            limits = {"maxItems": c.max_items, "maxChars": c.max_chars}
            return common | limits | {"canLock": c.can_lock}
        case Board() as board:
            pieces = [asdict(piece) for piece in board.pieces]
            return common | {"maxItems": board.max_items, "pieces": pieces}
        case _:
            return common
