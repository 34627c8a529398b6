"""The page's own elements: ``gr.HTML`` whose inside is built by ``assets/js``.

``gr.HTML`` is called, not subclassed: Gradio writes an interface file beside the source of every
subclass of its components. A template without ``${value}`` is rendered once, so what the script
builds inside survives every new value; ``watch`` hands the values on.
"""

from __future__ import annotations

import gradio as gr


def element(kind: str, argument: str, *, events: tuple[str, ...] = (), value: str = "") -> gr.HTML:
    """An element that ``workbench.mount(kind, …)`` builds in the browser.

    Args:
        kind: name under which the script registered its builder ("study", "frame").
        argument: what the builder is told (a study's slug); letters, digits, ``.``, ``_``, ``-``.
        events: names of the events it may trigger; they become methods of the component.
        value: JSON text it starts with.
    """
    names = ", ".join(f"'{name}'" for name in events)
    return gr.HTML(
        value or None,
        html_template=f"<div class='wb-mount wb-mount-{kind}'></div>",
        js_on_load=(
            f"window.workbench.mount('{kind}', '{argument}', "
            f"{{element, props, watch, trigger, events: [{names}]}});"
        ),
        apply_default_css=False,
        elem_id=f"wb-{kind}-{argument.replace('.', '-')}",
        elem_classes=[f"wb-{kind}-host"],
    )
