"""The few lines of Python that give a study's numbers without the page; a test runs them."""

from __future__ import annotations

from typing import Any

from workbench.params import as_dict
from workbench.study import Study


def snippet(study: Study, params: Any) -> str:
    """Python that prints the named numbers of a study at these parameters.

    Only parameters that differ from their defaults are written out.
    """
    defaults = as_dict(type(params)())
    changed = {name: value for name, value in as_dict(params).items() if value != defaults[name]}
    arguments = "".join(f"    {name}={value!r},\n" for name, value in changed.items())
    call = f"study.params(\n{arguments})" if changed else "study.params()"
    return (
        "from contextlib import closing\n"
        "\n"
        "from workbench.methods.catalog import find_study\n"
        "from workbench.server.local import open_client\n"
        "from workbench.settings import load_settings\n"
        "from workbench.study import execute\n"
        "\n"
        f"study = find_study({study.slug!r})\n"
        f"params = {call}\n"
        "\n"
        "with closing(open_client(load_settings())) as client:\n"
        "    outcome = execute(study, client, params)\n"
        "\n"
        "for name, value in outcome.summary.items():\n"
        '    print(f"{name:32} {value}")\n'
    )
