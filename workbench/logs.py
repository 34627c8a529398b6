"""Log lines with named fields, for people as text and for machines as JSON."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal, TextIO

Format = Literal["text", "json"]
TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_fields(
    log: logging.Logger, what: str, *, level: int = logging.INFO, **fields: str | float | None
) -> None:
    """Write one line of named fields.

    Args:
        log: where to.
        what: the kind of thing that happened ("job", "run").
        level: how much it matters, one of ``logging``'s.
        fields: its parts; one that is ``None`` or empty is left out.
    """
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    text = " ".join(f"{name}={value}" for name, value in given.items())
    log.log(level, "%s %s", what, text, extra={"fields": {"event": what, **given}})


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, and the fields or else the message."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        line |= getattr(record, "fields", {"message": record.getMessage()})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def start_logging(level: str, form: Format, stream: TextIO | None = None) -> None:
    """Send the log of this process to standard error, or to a stream.

    Args:
        level: the least that is written ("info").
        form: "text" for people, "json" for machines.
        stream: instead of standard error.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    if level.lower() == "info":
        # a page asks its server every few seconds; the server's own line tells what came of it
        logging.getLogger("httpx").setLevel(logging.WARNING)
