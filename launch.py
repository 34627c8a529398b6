"""The command line of the Foundation Model Workbench: open it, serve models, run a method."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import InputError, WorkbenchError

if TYPE_CHECKING:
    from workbench.server.api import Event, ModelClient
    from workbench.settings import Settings

DEFAULT_PORT = 7860
SERVE_PORT = 7870

EXAMPLES = """\
try first:
  python launch.py                                open the workbench in the browser
  python launch.py run attention --set bound_b=2 --json -
                                                  one method, its numbers as JSON
  python launch.py fetch                          get the default models now
  python launch.py doctor                         what is here, what is missing

one server, several workbenches:
  python launch.py serve --port 7870              on the machine with the device
  python launch.py --server http://HOST:7870      on each desk

Settings come from WORKBENCH_* variables; the README lists them.
"""

_ELSEWHERE = (
    "error: {missing} is not installed for {python}. After `make setup` run "
    "`source .venv/bin/activate` first, or `pip install .` for this Python."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status: 0, 1 for a failure, 2 for bad input, 130 when interrupted.
    """
    # threads of one sum that wait for each other spin otherwise, and take the cores from whoever
    # else is at work on them; read when PyTorch is loaded
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    parser = _build_parser()
    arguments = parser.parse_args(argv)
    try:
        status = arguments.command(arguments)
        sys.stdout.flush()
        return status
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except WorkbenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("", "workbench", "panels"):
            raise
        print(_ELSEWHERE.format(missing=missing, python=sys.executable), file=sys.stderr)
        return 1
    except BrokenPipeError:  # who reads has seen enough: launch.py doctor | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="launch.py",
        description="See what ten papers on foundation models do: the real algorithm, a real "
        "model, in the browser. Without a command it opens the workbench.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=_open_workbench)
    _add_address(parser, DEFAULT_PORT)
    parser.add_argument(
        "--open", action="store_true", dest="is_open", help="beyond this machine without a password"
    )
    _add_server(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    serve = commands.add_parser(
        "serve",
        help="the model server alone, over HTTP",
        description="Serve models over HTTP for several workbenches (see /openapi.json). Beyond "
        "this machine it asks for a token: set WORKBENCH_TOKEN on both sides.",
    )
    _add_address(serve, SERVE_PORT)
    serve.add_argument(
        "--cluster",
        action="store_true",
        help="from replicas on a Ray cluster (see docs/cluster.md)",
    )
    serve.set_defaults(command=_serve)

    run = commands.add_parser(
        "run",
        help="one method without the browser",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Run a method and write one JSON object {method, params, summary, receipt}.",
        epilog=textwrap.dedent("""\
            examples:
              python launch.py run attention --set bound_b=2 --set degree=6 --json -
              python launch.py run attention.heads --set text="Some text." --json heads.json
              python launch.py run attention --list
        """),
    )
    run.add_argument("slug", metavar="SLUG", help="a method, or METHOD.STUDY")
    run.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="assignments",
        help="a parameter; repeat for more",
    )
    run.add_argument("--seed", metavar="N", help="the same as --set seed=N")
    run.add_argument("--fresh", action="store_true", help="measure again, ignore the cache")
    run.add_argument("--json", metavar="PATH", help="where to write; - is standard output")
    run.add_argument("--list", action="store_true", help="list the parameters and stop")
    _add_server(run)
    run.set_defaults(command=_run)

    fetch = commands.add_parser(
        "fetch",
        help="download models, checked by digest",
        description="Download models. Interrupted downloads continue; what is here already is "
        "checked, not fetched again.",
    )
    fetch.add_argument("names", nargs="*", metavar="NAME", help="models; the defaults if none")
    fetch.set_defaults(command=_fetch)

    warm = commands.add_parser(
        "warm",
        help="compute what the tabs open with",
        description="Run every study with its default settings, so that the tabs open at once.",
    )
    warm.add_argument("--fresh", action="store_true", help="measure again, ignore the cache")
    warm.add_argument(
        "--ship", metavar="FOLDER", type=Path, help="also write the answers there, to be shipped"
    )
    _add_server(warm)
    warm.set_defaults(command=_warm)

    doctor = commands.add_parser(
        "doctor", help="what is installed, cached and missing", description="Look, change nothing."
    )
    doctor.set_defaults(command=_doctor)
    return parser


def _add_address(parser: argparse.ArgumentParser, port: int) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, metavar="N", help=f"port to listen on ({port})")


def _add_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--server", metavar="URL", dest="server_url", help="use the model server at this address"
    )


def _load_settings(arguments: argparse.Namespace, *, quiet: bool = False) -> Settings:
    from workbench.logs import start_logging
    from workbench.settings import load_settings

    settings = load_settings(server_url=getattr(arguments, "server_url", None))
    level = settings.log_level
    start_logging("warning" if quiet and level == "info" else level, settings.log_format)
    return settings


def _open_client(settings: Settings) -> contextlib.closing[ModelClient]:
    """The model server that the settings name, for a ``with`` block."""
    from workbench.server.local import open_client

    return contextlib.closing(open_client(settings))


# The page ---------------------------------------------------------------------------------


def _open_workbench(arguments: argparse.Namespace) -> int:
    from panels.serve import check_page_exposure, choose_port, serve_page

    settings = _load_settings(arguments)
    password = settings.password.get_secret_value()
    check_page_exposure(arguments.host, has_password=bool(password), is_open=arguments.is_open)
    port = choose_port(arguments.host, arguments.port, DEFAULT_PORT)
    with _open_client(settings) as client:
        serve_page(
            client,
            host=arguments.host,
            port=port,
            version=_version(),
            import_heavy_libraries=not settings.server_url,
            say=_printer(),
            password=password,
            grace_s=settings.grace_s,
        )
    return 0


def _serve(arguments: argparse.Namespace) -> int:
    settings = _load_settings(arguments)
    if arguments.cluster:
        from workbench.server.cluster.serve import serve_on_cluster as serve
    else:
        from workbench.server.serve import serve
    serve(settings, host=arguments.host, port=arguments.port or SERVE_PORT)
    return 0


# Methods ----------------------------------------------------------------------------------


def _run(arguments: argparse.Namespace) -> int:
    from workbench.methods.catalog import find_study
    from workbench.params import parse
    from workbench.study import execute

    study = find_study(arguments.slug)
    if arguments.list:
        print(_describe_params(study.params))
        return 0
    values = _assignments(arguments.assignments, arguments.seed)
    params = parse(study.params, _with_files(study.params, values))
    settings = _load_settings(arguments, quiet=True)
    with _open_client(settings) as client:
        outcome = execute(
            study, client, params, fresh=arguments.fresh, user="command line", on_event=_say
        )
    text = json.dumps(outcome.as_json(arguments.slug), indent=2, ensure_ascii=False)
    _write_text(arguments.json, text)
    return 0


def _assignments(assignments: Sequence[str], seed: str | None) -> dict[str, str]:
    values: dict[str, str] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name:
            raise InputError(f"--set takes NAME=VALUE, not {assignment[:80]!r}.")
        values[name] = value
    if seed is not None:
        values["seed"] = seed
    return values


def _with_files(params_type: type, values: dict[str, str]) -> dict[str, str]:
    """The values with each path of a file replaced by the reference under which it is kept."""
    from workbench.params import UPLOAD_REFERENCE, Upload, fields_of
    from workbench.uploads import keep_upload

    for field in fields_of(params_type):
        given = values.get(field.name)
        if isinstance(field.kind, Upload) and given and not UPLOAD_REFERENCE.fullmatch(given):
            try:
                data = Path(given).read_bytes()
            except OSError as error:
                raise InputError(f"Cannot read {given}: {error.strerror}.") from error
            values[field.name] = keep_upload(
                data, Path(given).name, suffixes=field.kind.suffixes, max_mib=field.kind.max_mib
            )
    return values


def _describe_params(params_type: type) -> str:
    from workbench.params import describe, fields_of

    return "\n".join(
        f"{field.name:<14} {describe(field)}; default {field.default!r}"
        for field in fields_of(params_type)
    )


def _write_text(path: str | None, text: str) -> None:
    if path in (None, "-"):
        print(text)
        return
    try:
        Path(str(path)).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"Cannot write {path}: {error.strerror}.") from error


def _say(event: Event) -> None:
    if event.kind != "partial" and event.text:
        done = "" if event.fraction is None else f" {event.fraction:.0%}"
        print(f"{event.text}{done}", file=sys.stderr)


# Models and results -----------------------------------------------------------------------


def _fetch(arguments: argparse.Namespace) -> int:
    from workbench.models.catalog import DEFAULT_MODELS, Catalog
    from workbench.progress import download_bar

    settings = _load_settings(arguments, quiet=True)
    catalog = Catalog(settings)
    for name in arguments.names or DEFAULT_MODELS:
        with download_bar(name) as progress:
            catalog.fetch(name, progress)
    return 0


def _warm(arguments: argparse.Namespace) -> int:
    from workbench.warm import warm

    settings = _load_settings(arguments, quiet=True)
    with _open_client(settings) as client:
        warm(client, fresh=arguments.fresh, ship=arguments.ship, say=_printer())
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from workbench.doctor import examine

    settings = _load_settings(arguments, quiet=True)
    print(examine(settings))
    return 0


def _version() -> str:
    from workbench.server.versions import workbench_version

    return workbench_version()


def _printer() -> Callable[[str], None]:
    return lambda line: print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
