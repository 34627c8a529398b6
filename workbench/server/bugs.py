"""Unexpected failures: logged in full under a reference, told only by that reference."""

from __future__ import annotations

import logging
import secrets

from workbench.errors import BugError

log = logging.getLogger(__name__)


def report_bug(error: BaseException) -> BugError:
    """Log an unexpected failure with its traceback and give the error that people may see."""
    reference = secrets.token_hex(4)
    log.error("bug %s", reference, exc_info=error)
    return BugError(f"A bug: please report {reference}.")
