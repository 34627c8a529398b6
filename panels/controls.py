"""Draws the control of a declared parameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from panels.widget import element
from workbench.params import Choice, Field, Flag, Model, Range, Text, Upload
from workbench.server.api import ModelEntry

MAX_SLIDER_POSITIONS = 10_000
"""A number with more positions than this (a seed) gets a box instead of a slider."""
MAX_RADIO_OPTIONS = 4


def element_id(study: str, name: str) -> str:
    """The id of a control in the page: ``attention-bound_b``, ``attention-heads-text``."""
    return f"{study.replace('.', '-')}-{name}"


def draw(field: Field, study: str) -> Component:
    """The control of one parameter. Values are checked by the method, not by the control."""
    common: dict[str, Any] = {
        "label": field.kind.label,
        "info": field.kind.help or None,
        "elem_id": element_id(study, field.name),
        "elem_classes": ["wb-control"],
        "interactive": True,
    }
    match field.kind:
        case Range() as r if (r.maximum - r.minimum) / r.step > MAX_SLIDER_POSITIONS:
            return gr.Number(field.default, step=r.step, **common)
        case Range() as r:
            return gr.Slider(r.minimum, r.maximum, field.default, step=r.step, **common)
        case Choice() as c:
            choices = list(zip(c.names or c.options, c.options, strict=True))
            if len(choices) <= MAX_RADIO_OPTIONS:
                return gr.Radio(choices, value=field.default, **common)
            return gr.Dropdown(choices, value=field.default, filterable=False, **common)
        case Text() as t:
            return gr.Textbox(field.default, lines=t.lines, max_lines=max(t.lines, 12), **common)
        case Model():
            return gr.Dropdown(
                [field.default], value=field.default, allow_custom_value=True, **common
            )
        case Flag():
            return gr.Checkbox(field.default, **common)
        case Upload():
            return element("upload", f"{study}.{field.name}", value=field.default)


def model_choices(kind: str, entries: Sequence[ModelEntry]) -> list[tuple[str, str]]:
    """Models of one kind for a drop-down: what is here first, each with what choosing it costs."""
    words = {
        "ready": "ready",
        "downloadable": "download {:,.0f} MiB",
        "unavailable": "not available",
    }
    order = list(words)
    fitting = sorted((e for e in entries if e.kind == kind), key=lambda e: order.index(e.state))
    return [(f"{e.name} · {words[e.state].format(e.download_mib)}", e.name) for e in fitting]
