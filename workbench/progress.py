"""Progress of downloads on a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


@contextlib.contextmanager
def download_bar(name: str) -> Iterator[Callable[[float | None, str], None]]:
    """Show one bar for one download.

    Args:
        name: what is downloaded.

    Yields:
        A function of the fraction done (``None`` when it is not known) and a short text.
    """
    columns = (
        TextColumn("{task.fields[name]}"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("looking", total=None, name=name)

        def show(fraction: float | None, text: str) -> None:
            total = None if fraction is None else 1.0
            bar.update(task, total=total, completed=fraction or 0.0, description=text)

        yield show
        bar.update(task, total=1.0, completed=1.0, description="ready")
