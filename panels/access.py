"""Who may use the page, and how much they may send."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Access:
    """What the page lets in.

    Args:
        password: people are asked for it; empty for none.
        local_only: answer only to this machine's own names.
        origins: other origins that may use the page; none by default.
        max_upload_mib: largest file a person may upload.
    """

    password: str = ""
    local_only: bool = True
    origins: tuple[str, ...] = ()
    max_upload_mib: int = 16
