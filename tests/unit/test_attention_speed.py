"""Time and memory: the process that measures, what is made of it, and the two figures."""

import json
import math
import subprocess

import numpy as np
import pytest

from workbench.errors import BusyError, InputError
from workbench.figures.attention import draw_memory, draw_time
from workbench.methods.attention import SPEED, low_rank, rank
from workbench.methods.attention import speed as study
from workbench.methods.attention.costs import factored_bytes
from workbench.methods.catalog import find_study
from workbench.params import parse
from workbench.server.api import canonical_json
from workbench.timing import attention as timing


def inputs(params: study.Params, *, torch_share: float = 1.0) -> study.Inputs:
    """Times that are exact powers of n: the factored path overtakes torch at n = 1,024."""
    n = np.array(study.sizes_of(params), dtype=np.float64)
    return study.Inputs(
        seconds={
            "exact": 1e-7 * n[:5] ** 2,
            "torch": 1e-8 * torch_share * n[:6] ** 2,
            "factored": 1e-8 * 1024 * n,
        },
        peak_bytes={"exact": 8.0 * n[:5] ** 2, "factored": 1_700.0 * n},
        threads=1,
        backend="flash attention",
    )


@pytest.fixture(scope="module")
def result() -> study.Result:
    params = study.Params()
    return study.compute(inputs(params), params)


def test_the_study_is_found_by_its_name() -> None:
    assert find_study("attention.speed") is SPEED


def test_the_three_paths_compute_the_same_attention() -> None:
    found = {name: work() for name, work in timing.paths(64, 3, 8).items()}
    exact = np.array(found["exact"])
    np.testing.assert_allclose(found["torch"].numpy()[0, 0], exact, atol=1e-5)
    np.testing.assert_allclose(found["factored"], exact, atol=1e-5)


def test_counted_memory_is_what_is_measured_and_no_matrix_is_made() -> None:
    sizes, degree, dimension = [2_048, 4_096, 8_192], 4, 4
    measured = []
    for n in sizes:
        work = timing.paths(n, dimension, degree)["factored"]
        work()  # what is kept from call to call is made once
        measured.append(timing.peak_bytes(work))
    counted = [factored_bytes(n, rank(degree, dimension), dimension, dimension) for n in sizes]
    np.testing.assert_allclose(measured, counted, rtol=0.03)
    assert study.fit_slope(np.array(sizes), np.array(measured)) == pytest.approx(1.0, abs=0.02)
    assert measured[-1] < 0.03 * 8 * sizes[-1] ** 2


def test_a_case_that_would_take_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "median_seconds", lambda work: work())
    monkeypatch.setattr(timing, "peak_bytes", lambda _work: 1)
    monkeypatch.setattr(
        timing,
        "paths",
        lambda n, _d, _g: {
            "exact": lambda: 1e-5 * n**2,
            "torch": lambda: 1e-7 * n**2,
            "factored": lambda: 1e-6 * n,
        },
    )
    found = timing.measure(sizes=[64, 128, 256, 512, 1024], dimension=4, degree=4)
    lengths = {path: len(times) for path, times in found["seconds"].items()}  # type: ignore[union-attr]
    # 128² takes 0.16 s, 256² would take 0.66 s.
    assert lengths == {"exact": 2, "torch": 5, "factored": 5}


def test_gathering_measures_every_path_in_a_process_of_its_own() -> None:
    params = study.Params(log2_largest=10, degree=2, dimension=2)
    found = study.gather(None, params)  # type: ignore[arg-type]
    assert found.threads == timing.THREADS
    assert set(found.seconds) == set(study.PATHS)
    for times in found.seconds.values():
        assert len(times) == 3
        assert (times > 0.0).all()
    summary = SPEED.summarise(study.compute(found, params))
    canonical_json(dict(summary))
    assert all(math.isfinite(v) for v in summary.values())


def test_slopes_and_crossovers_are_those_of_the_powers(result: study.Result) -> None:
    assert result.slopes["exact"] == pytest.approx(2.0)
    assert result.slopes["torch"] == pytest.approx(2.0)
    assert result.slopes["factored"] == pytest.approx(1.0)
    assert result.memory_slope == pytest.approx(1.0)
    assert result.crossover["torch"] == pytest.approx(1024.0)
    assert result.crossover["exact"] == 0.0
    params = study.Params()
    slower = study.compute(inputs(params, torch_share=1e-3), params)
    assert slower.crossover["torch"] == math.inf


def test_only_seconds_of_the_summary_are_measured(result: study.Result) -> None:
    summary = dict(SPEED.summarise(result))
    params = study.Params()
    other = dict(SPEED.summarise(study.compute(inputs(params, torch_share=3.0), params)))
    differing = {name for name in summary if summary[name] != other[name]}
    assert differing == {"torch_at_1024_seconds"}
    assert summary["rank"] == 70
    assert summary["tokens"] == 16_384
    assert summary["matrix_bytes"] == 2.0**31


def test_factors_that_do_not_fit_are_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("started")

    monkeypatch.setattr(subprocess, "run", refuse)
    monkeypatch.setattr(low_rank, "MAXIMUM_BYTES", 1 << 20)
    with pytest.raises(InputError, match=r"needs rank 12,870.*largest that fits"):
        study.gather(None, study.Params(degree=8, dimension=8))  # type: ignore[arg-type]


def test_a_second_measurement_waits_for_the_first_and_then_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(study, "WAIT_LIMIT_S", 0.01)
    with study._one_at_a_time, pytest.raises(BusyError, match="in a moment"):
        study.gather(None, study.Params())  # type: ignore[arg-type]


def test_a_machine_too_busy_to_be_timed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def time_out(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("python", 1.0)

    monkeypatch.setattr(subprocess, "run", time_out)
    with pytest.raises(BusyError, match="smaller n"):
        study.gather(None, study.Params())  # type: ignore[arg-type]
    assert not study._one_at_a_time.locked()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"log2_largest": 30}, "10 to 17"),
        ({"degree": 9}, "1 to 8"),
        ({"dimension": 64}, "1 to 8"),
    ],
)
def test_parameters_out_of_range_are_refused(values: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse(study.Params, values)


# ---------------------------------------------------------------- figures


def test_the_time_figure_names_threads_ratio_and_crossover(result: study.Result) -> None:
    figure = draw_time(result)
    assert "one thread each" in figure.words
    # At n = 8,192, the last size torch was timed at.
    assert "n = 8,192" in figure.words
    assert "8.0 times as long" in figure.words
    assert "from about n = 1,000 on" in figure.words
    assert figure.figure.layout.shapes[0].x0 == pytest.approx(1024.0)
    assert [len(t.x) for t in figure.figure.data] == [5, 6, 7]
    json.dumps(figure.payload(), allow_nan=False)


def test_the_memory_figure_holds_the_matrix_against_what_was_held(result: study.Result) -> None:
    figure = draw_memory(result)
    assert "2.0 GiB" in figure.words
    assert "n^1.00" in figure.words
    matrix = figure.figure.data[0]
    assert matrix.y[-1] == 2048.0
    json.dumps(figure.payload(), allow_nan=False)
