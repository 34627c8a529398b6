"""Look at an installation and say what is there, what is missing and what to do; change nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from workbench.models.catalog import Catalog
from workbench.server.api import ModelEntry
from workbench.server.devices import MIB, find_device
from workbench.server.local import SHIPPED_RESULTS
from workbench.server.versions import package_versions, workbench_version
from workbench.settings import Settings

PAGE_LIBRARIES = ("gradio", "plotly", "diskcache", "fastapi", "uvicorn", "safetensors")


def examine(settings: Settings) -> str:
    """A report of several lines for a terminal."""
    sections: list[tuple[str, Iterable[str]]] = [
        ("Installed", _packages()),
        ("Device", _device(settings)),
        ("Models", _models(Catalog(settings).entries())),
        ("Kept on this machine", _folders(settings)),
    ]
    if settings.server_url:
        sections.append(("Model server", [f"used instead of this machine: {settings.server_url}"]))
    return "\n".join(
        line for title, lines in sections for line in (title, *(f"  {each}" for each in lines), "")
    ).rstrip()


def _packages() -> Iterator[str]:
    yield f"workbench {workbench_version()}"
    for name, version in package_versions().items():
        yield f"{name} {version}"
    for name in PAGE_LIBRARIES:
        yield f"{name} {metadata.version(name)}"


def _device(settings: Settings) -> Iterator[str]:
    device = find_device(settings.device)
    budget = device.budget_bytes(settings.model_budget_mib)
    yield f"{device.name}: {device.description}; live work in {device.default_dtype}"
    yield f"models may take {budget / MIB:,.0f} MiB"


def _models(entries: tuple[ModelEntry, ...]) -> Iterator[str]:
    for entry in entries:
        match entry.state:
            case "ready":
                note = "ready"
            case "downloadable":
                note = (
                    f"would download {entry.download_mib:,.0f} MiB: "
                    f"python launch.py fetch {entry.name}"
                )
            case "unavailable":
                note = f"not available: {entry.reason}"
        yield f"{entry.name} ({entry.kind}, {entry.licence}): {note}"


def _folders(settings: Settings) -> Iterator[str]:
    for name, folder in (
        ("models", settings.models_dir),
        ("data", settings.data_dir),
        ("cached results", settings.cache_dir),
    ):
        yield f"{name}: {_size_mib(folder):,.0f} MiB in {folder}"
    shipped = len(list(SHIPPED_RESULTS.glob("*.bin")))
    yield f"shipped results: {shipped} in {SHIPPED_RESULTS}"
    yield f"free on that disk: {shutil.disk_usage(_existing(settings.home)).free / MIB:,.0f} MiB"


def _size_mib(folder: Path) -> float:
    if not folder.is_dir():
        return 0.0
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MIB


def _existing(folder: Path) -> Path:
    return folder if folder.exists() else _existing(folder.parent)
