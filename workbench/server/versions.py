"""Versions of the packages that decide a number, for receipts."""

from __future__ import annotations

import functools
import platform
from importlib import metadata

_PACKAGES = ("numpy", "scipy", "torch", "transformers", "open_clip_torch")


def package_versions() -> dict[str, str]:
    """Versions of the packages that decide a number, without importing them."""
    return dict(_installed())


def workbench_version() -> str:
    """Version of the workbench; "0" when it runs from a folder that was never installed."""
    try:
        return metadata.version("foundation-model-workbench")
    except metadata.PackageNotFoundError:
        return "0"


@functools.cache
def _installed() -> tuple[tuple[str, str], ...]:
    found = [("python", platform.python_version())]
    for name in _PACKAGES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return tuple(found)
