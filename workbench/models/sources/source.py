"""What a source of weights promises the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from workbench.models.store import Progress


class Source(Protocol):
    """Where one card's weights come from, and where they are once fetched."""

    def digest(self) -> str:
        """Digest of the model's and tokenizer's numbers; the same on every machine.

        Raises:
            OutsideError: it is only known after a look at the network.
            AssetError: a local file it depends on is missing.
        """
        ...

    def is_ready(self) -> bool:
        """Whether it loads without a download."""
        ...

    def was_fetched(self) -> bool:
        """Whether a fetch was completed here, even if files have since gone or changed."""
        ...

    def why_not(self) -> str:
        """Why it can neither be loaded nor downloaded now and what to do; empty if it can."""
        ...

    def fetch(self, progress: Progress) -> None:
        """Bring it here; returns at once when it is ready.

        Raises:
            OutsideError: the network does not answer or may not be used.
            AssetError: what arrived is not what the card says, or the disk is full.
        """
        ...

    def check(self, *, thorough: bool) -> None:
        """Refuse damaged files, reading every byte when thorough.

        Raises:
            AssetError: names the file.
        """
        ...

    def folder(self) -> Path:
        """Folder of the fetched files."""
        ...

    def forget(self) -> None:
        """Delete what was fetched, so that the next fetch starts anew; local folders stay."""
        ...
