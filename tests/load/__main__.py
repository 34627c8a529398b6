"""``make load``: thirty people on one server, measured; prints the report and writes it down."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from tests.load import phases, report
from tests.load.samples import Recorder, as_rows, slowest
from tests.load.stand import RESTARTS, Stand, standing, wait_for, wait_until_prepared
from workbench.settings import load_settings

PARTS = ("steady", "at_once", "overload", "restart")
MEMORY_EVERY_S = 5.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the load run and print its report.

    Returns:
        The exit status: 1 when an answer was lost or somebody failed.
    """
    options = _read_options(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # both processes are stopped then too
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="workbench-load-") as folder:
        home = Path(folder)
        for name in ("models", "data"):  # models are shared, answers are not
            (home / name).symlink_to(getattr(load_settings(), f"{name}_dir"))
        with contextlib.ExitStack() as stack:
            names = ("samples.jsonl", "memory.txt")
            logs = [stack.enter_context((options.out / name).open("w")) for name in names]
            stand = stack.enter_context(standing(home, options.out))
            found = asyncio.run(_run(stand, options, *logs))
    (options.out / "load.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    text = report.write_markdown(found)
    (options.out / "load.md").write_text(text, "utf-8")
    print(text)  # noqa: T201  what it is for
    return 1 if found["broken"] else 0


def _read_options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=3.0, help="people at ease (%(default)s)")
    parser.add_argument("--users", type=int, default=30, help="people in all (%(default)s)")
    parser.add_argument("--browsers", type=int, default=3, help="of them in Chromium (%(default)s)")
    parser.add_argument("--programs", type=int, default=6, help="of them at the API (%(default)s)")
    parser.add_argument("--long-runs", type=int, default=0, help="people with long runs beside")
    parser.add_argument("--think", type=float, default=10.0, help="mean pause in s (%(default)s)")
    parser.add_argument("--peak", type=float, default=30.0, help="overload in s (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (%(default)s)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to run")
    parser.add_argument(
        "--cold", action="store_true", help="people come before the page has drawn anything"
    )
    parser.add_argument("--remark", default="", help="said in the report: what else ran")
    parser.add_argument(
        "--out", type=Path, default=Path("load-report"), help="folder (%(default)s)"
    )
    return parser.parse_args(argv)


async def _run(
    stand: Stand, options: argparse.Namespace, samples: IO[str], memory: IO[str]
) -> dict[str, Any]:
    say("starting the model server and the page")
    await asyncio.gather(
        *(wait_for(f"{url}/healthz") for url in (stand.server_url, stand.page_url))
    )
    prepared = None if options.cold else await wait_until_prepared(stand.page_url)
    recorder = Recorder(say=say, log=samples)
    crowd = phases.Crowd(
        browsers=options.browsers,
        pages=options.users - options.browsers - options.programs,
        programs=options.programs,
        long_runs=options.long_runs,
        think_s=options.think,
        seed=options.seed,
    )
    watching = asyncio.create_task(stand.watch_memory(recorder.began_at, MEMORY_EVERY_S, memory))
    found: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "command": " ".join(["make load", f'ARGS="{" ".join(sys.argv[1:])}"']),
        "remark": options.remark,
        "cores": os.cpu_count(),
        "crowd": asdict(crowd),
        "prepared": prepared,
    }
    if "steady" in options.only:
        found["steady"] = await phases.at_ease(stand, recorder, crowd, 60 * options.minutes)
        found["slowest"] = slowest(recorder.of("steady"))
    if "at_once" in options.only:
        found["at_once"] = await phases.everybody_at_once(
            stand, recorder, options.users, options.seed
        )
    if "overload" in options.only:
        found["overload"] = await phases.overload(stand, recorder, options.peak, options.seed)
    if "restart" in options.only:
        found["restarts"] = {
            how: await phases.restart(stand, recorder, options.users, how, options.seed + number)
            for number, how in enumerate(RESTARTS)
        }
    watching.cancel()
    found["memory"] = report.memory_growth(stand.memory)
    found["memory_rows"] = report.memory_rows(stand.memory)
    found["memory_mib"] = [[round(value, 1) for value in row] for row in stand.memory]
    found["samples"] = as_rows(recorder.samples)
    found["broken"] = sum(s.outcome in ("failed", "lost") for s in recorder.samples)
    return found


def say(line: str) -> None:
    """Tell whoever waits for the report how far it is."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201  a command's progress


if __name__ == "__main__":
    sys.exit(main())
