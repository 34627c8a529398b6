"""The command line teaches, answers in JSON, and refuses in one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import launch

ROOT = Path(__file__).parents[2]


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    status = launch.main(list(argv))
    out, err = capsys.readouterr()
    return status, out, err


def test_help_shows_every_command_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        launch.main(["--help"])
    out = capsys.readouterr().out
    assert stop.value.code == 0
    for word in ("serve", "run", "fetch", "warm", "doctor", "--host", "--port", "--server"):
        assert word in out
    assert "python launch.py run attention" in out


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["run", "atention"], "No method called 'atention'. Did you mean attention?"),
        (["run", "attention", "--set", "bound_b=99"], "99; choose 0.1 to 4"),
        (["run", "attention", "--set", "bound_b=abc"], "'abc'; choose 0.1 to 4"),
        (["run", "attention", "--set", "kind=chebishev"], "Did you mean chebyshev?"),
        (["run", "attention", "--set", "degre=3"], "Did you mean degree?"),
        (["run", "attention", "--set", "degree"], "--set takes NAME=VALUE, not 'degree'"),
        (["run", "attention", "--seed", "x"], "'x'; choose a whole number from 0"),
        (["run", "attention.heads", "--seed", "1"], "No parameter called 'seed'"),
    ],
)
def test_bad_input_exits_2_with_one_plain_line(
    capsys: pytest.CaptureFixture[str], argv: list[str], line: str
) -> None:
    status, out, err = run(capsys, *argv, "--json", "-")
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    assert line in err


def test_another_python_is_told_how_to_use_the_one_that_was_set_up() -> None:
    without = "import sys; sys.modules['httpx'] = None; import launch; sys.exit(launch.main())"
    ended = subprocess.run(
        [sys.executable, "-c", without, "doctor"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("error: httpx is not installed for ")
    assert "source .venv/bin/activate" in ended.stderr


def test_list_names_every_parameter_with_its_range(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "run", "attention", "--list")
    assert status == 0
    assert "bound_b" in out
    assert "0.1 to 4" in out


def test_attention_prints_its_numbers_as_json_without_importing_torch(tmp_path: Path) -> None:
    code = (
        "import launch, sys; status = launch.main(sys.argv[1:]);"
        "assert 'torch' not in sys.modules, 'torch was imported'; sys.exit(status)"
    )
    argv = ["run", "attention", "--set", "bound_b=2", "--set", "degree=6"]
    argv += ["--set", "kind=chebyshev", "--json", "-"]
    done = subprocess.run(
        [sys.executable, "-c", code, *argv],
        cwd=ROOT,
        env=os.environ | {"WORKBENCH_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    body = json.loads(done.stdout)
    assert set(body) == {"method", "params", "summary", "receipt"}
    assert body["method"] == "attention"
    summary = body["summary"]
    assert {
        "max_abs_error",
        "certified_bound",
        "rank",
        "rank_paper_bound",
        "exact_seconds",
        "approximate_seconds",
    } <= set(summary)
    assert summary["rank"] == 210  # C(6 + 4, 6), degree 6 in 4 dimensions
    assert 0 <= summary["max_abs_error"] <= summary["certified_bound"]
    assert all(isinstance(value, (int, float, str, bool)) for value in summary.values())


def test_a_file_that_cannot_be_written_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    missing = tmp_path / "no" / "such" / "folder.json"
    status, _, err = run(capsys, "run", "attention", "--json", str(missing))
    assert status == 2
    assert "Cannot write" in err


def test_the_same_seed_gives_the_same_numbers(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    bodies = []
    for seed in ("3", "3", "4"):
        status, out, _ = run(capsys, "run", "attention", "--seed", seed, "--json", "-")
        assert status == 0
        bodies.append(json.loads(out))
    digests = [body["receipt"]["summary_sha256"] for body in bodies]
    assert digests[0] == digests[1] != digests[2]


def test_who_reads_only_the_first_lines_is_told_nothing_of_a_broken_pipe() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "launch.py", "run", "attention", "--list"]
    with os.fdopen(writing) as output:
        ended = subprocess.run(
            command, cwd=ROOT, stdout=output, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert (ended.returncode, ended.stderr) == (0, "")
