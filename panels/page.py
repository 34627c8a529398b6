"""What a tab uses: ``page.study(…)`` draws controls, figures and tools, and wires them.

A tab's module is wiring only. Every study it shows gets the same treatment: parameters draw their
own controls, live ones redraw the figures in the browser without a request, the others run the
study; progress, cancel, receipt, comparison, export and links come with it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import gradio as gr
from gradio.components import Component

from panels import controls, guard, lesson
from panels.results import ResultStore, publish
from panels.runs import Ask, Mode, NotMeasuredError, Runner
from panels.view import View
from panels.widget import element
from workbench.errors import WorkbenchError
from workbench.methods.catalog import Method
from workbench.params import Field, Model, as_dict, fields_of, parse
from workbench.server.api import Event, ModelClient
from workbench.study import Outcome, Study

OPEN_CONTROLS = 3
"""So many controls are in sight; the rest fold under "More"."""
MODES: tuple[Mode, ...] = ("fill", "auto", "run", "check")


@dataclass
class StudyPanel:
    """One study as it stands on a tab."""

    study: Study
    views: tuple[View, ...]
    run: Literal["auto", "button"]
    controls: Mapping[str, Component]
    element: gr.HTML
    tab: gr.Tab


@dataclass
class Desk:
    """What all tabs share: the model server, the runner and the store of results."""

    client: ModelClient
    results: ResultStore = field(default_factory=ResultStore)
    views: dict[str, tuple[View, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.runner = Runner(self.client, self._finish, self.results.is_served)

    def _finish(self, study: Study, outcome: Outcome) -> str:
        return publish(self.results, study, outcome, self.views[study.slug])


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

    def study(
        self,
        study: Study,
        *,
        figures: Sequence[View],
        run: Literal["auto", "button"],
        open_controls: int = OPEN_CONTROLS,
    ) -> StudyPanel:
        """Add a study: its controls beside its figures, with everything that comes with it.

        Args:
            study: what is asked and answered.
            figures: the views of its result; the first is shown first.
            run: "auto" runs whenever a parameter that is not live changes; "button" waits for
                Run, because the study needs a model.
            open_controls: how many controls are in sight; the rest fold under "More".
        """
        self._desk.views[study.slug] = tuple(figures)
        with (
            gr.Tab(study.title, id=study.slug, elem_id=tab_id(study.slug)) as tab,
            gr.Row(elem_classes=["wb-study", f"wb-run-{run}"]),
        ):
            with gr.Column(elem_classes=["wb-main"], scale=3, min_width=420):
                shown = element("study", study.slug, events=("run", "cancel", "set"))
            with gr.Column(elem_classes=["wb-side"], scale=1, min_width=260):
                drawn = self._draw_controls(study, open_controls)
                self._draw_buttons(study, run)
                lesson.build(self.method.slug, study.slug)
        panel = StudyPanel(study, tuple(figures), run, drawn, shown, tab)
        self.panels.append(panel)
        self._wire(panel)
        return panel

    def params_of_studies(self) -> dict[str, type]:
        """The parameters' dataclass of each study, by slug, in screen order."""
        return {panel.study.slug: panel.study.params for panel in self.panels}

    def find(self, study: str | None) -> StudyPanel:
        """A study's panel by its slug; the main study's if it is left out."""
        return next(p for p in self.panels if p.study.slug == (study or self.method.slug))

    def model_controls(self) -> list[tuple[str, Component]]:
        """Kind of model and control of every parameter that names one."""
        return [
            (each.kind.kind, panel.controls[each.name])
            for panel in self.panels
            for each in fields_of(panel.study.params)
            if isinstance(each.kind, Model)
        ]

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
                    "views": [_describe_view(view) for view in panel.views],
                    "params": [
                        _describe_param(f, panel.study) for f in fields_of(panel.study.params)
                    ],
                }
                for panel in self.panels
            ],
        }

    def _draw_controls(self, study: Study, open_controls: int) -> dict[str, Component]:
        fields = fields_of(study.params)
        drawn = {each.name: controls.draw(each, study.slug) for each in fields[:open_controls]}
        if len(fields) > open_controls:
            with gr.Accordion("More", open=False, elem_classes=["wb-more"]):
                for each in fields[open_controls:]:
                    drawn[each.name] = controls.draw(each, study.slug)
        return drawn

    def _draw_buttons(self, study: Study, run: Literal["auto", "button"]) -> None:
        with gr.Row(elem_classes=["wb-buttons"]):
            go = gr.Button(
                "Run" if run == "button" else "Measure again",
                variant="primary" if run == "button" else "secondary",
                elem_id=controls.element_id(study.slug, "run"),
            )
            reset = gr.Button("Reset", elem_id=controls.element_id(study.slug, "reset"))
        slug = json.dumps(study.slug)
        go.click(None, js=f"() => window.workbench.run({slug})", api_visibility="private")
        reset.click(None, js=f"() => window.workbench.reset({slug})", api_visibility="private")

    def _wire(self, panel: StudyPanel) -> None:
        slug = json.dumps(panel.study.slug)
        names = json.dumps(list(panel.controls))
        panel.tab.select(
            None, js=f"() => window.workbench.showStudy({slug})", api_visibility="private"
        )
        gr.on(
            [control.change for control in panel.controls.values()],  # type: ignore[attr-defined]
            None,
            list(panel.controls.values()),
            None,
            js=f"(...values) => window.workbench.note({slug}, {names}, values)",
            api_visibility="private",
        )
        panel.element.run(
            self._runs(panel),
            inputs_kwargs=dict(panel.controls),
            outputs=panel.element,
            show_progress="hidden",
            trigger_mode="always_last",
            preprocess=False,
            api_name=panel.study.slug.replace(".", "_"),
        )
        panel.element.cancel(
            self._cancels(panel), queue=False, show_progress="hidden", api_visibility="private"
        )
        panel.element.set(
            self._sets(panel),
            outputs=[panel.element, *panel.controls.values()],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )

    def _runs(self, panel: StudyPanel) -> Any:
        async def run(
            request: gr.Request, event: gr.EventData, **values: Any
        ) -> AsyncIterator[str]:
            asked = _as_mapping(event._data)
            mode: Mode = asked["mode"] if asked.get("mode") in MODES else "run"
            ask = Ask(
                session=request.session_hash or "anonymous",
                mode=mode,
                fresh=mode == "check" or asked.get("fresh") is True,
                measures=panel.run == "button",
            )
            chosen = _as_mapping(asked.get("params")) if mode == "check" else None
            async for message in self._messages(panel, chosen or values, ask):
                yield json.dumps(message)

        return run

    async def _messages(
        self, panel: StudyPanel, values: Mapping[str, Any], ask: Ask
    ) -> AsyncIterator[dict[str, Any]]:
        try:
            params = parse(panel.study.params, values)
            async for step in self._desk.runner.run(panel.study, params, ask):
                if isinstance(step, str):
                    yield {"phase": "done", "mode": ask.mode, "address": step}
                else:
                    yield {"phase": "working", "mode": ask.mode} | _progress(step)
        except NotMeasuredError:
            yield {"phase": "empty"}
        except Exception as error:  # noqa: BLE001  the one place that turns errors into words
            complaint = guard.explain(error)
            yield {"phase": "complaint", "kind": complaint.kind, "text": complaint.text}

    def _cancels(self, panel: StudyPanel) -> Any:
        def cancel(request: gr.Request) -> None:
            self._desk.runner.cancel(request.session_hash or "anonymous", panel.study.slug)

        return cancel

    def _sets(self, panel: StudyPanel) -> Any:
        async def set_controls(event: gr.EventData) -> list[Any]:
            asked = _as_mapping(event._data)
            try:
                params = parse(panel.study.params, _as_mapping(asked.get("values")))
            except WorkbenchError as error:
                message = {"phase": "complaint", "kind": "input", "text": str(error)}
                return [json.dumps(message), *(gr.skip() for _ in panel.controls)]
            updates = [gr.update(value=as_dict(params)[name]) for name in panel.controls]
            return [gr.skip(), *updates]

        return set_controls


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
    }


def _describe_view(view: View) -> dict[str, Any]:
    return {
        "name": view.name,
        "title": view.title,
        "picks": dict(view.picks) or None,
        "plays": view.plays,
    }


def _describe_param(each: Field, study: Study) -> dict[str, Any]:
    return {
        "name": each.name,
        "label": each.kind.label,
        "kind": type(each.kind).__name__.lower(),
        "live": getattr(each.kind, "live", False),
        "default": each.default,
        "suffixes": getattr(each.kind, "suffixes", ()),
        "help": each.kind.help,
        "element": controls.element_id(study.slug, each.name),
    }
