"""The symmetry lab: sixteen heads with one output, on captured and on uploaded matrices."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.unit.live_positions import every_position
from workbench.errors import InputError
from workbench.figures.attention import draw_symmetries
from workbench.methods.attention import SYMMETRY_LAB, exact_attention
from workbench.methods.attention import symmetry_lab as study
from workbench.methods.attention.own_matrices import MAXIMUM_MIB, SUFFIXES, parse_matrices
from workbench.methods.catalog import find_study
from workbench.params import parse
from workbench.server.api import Request, Result, canonical_json
from workbench.uploads import keep_upload

OFF = {"balance": False, "balance_channels": False, "centre": False, "rotate": False}


def head(*, tokens: int = 111, d: int = 64, dtype: type = np.float32) -> study.Inputs:
    """As large and as uneven as a head of SmolLM2: a few channels far above the rest."""
    random = np.random.default_rng(0)
    channels = np.exp(random.normal(-1.0, 1.2, d))
    q, k = (random.normal(size=(tokens, d)) * channels for _ in range(2))
    k = k + 3.0 * random.normal(size=d) * channels
    v = random.normal(size=(tokens, d))
    return study.Inputs(q.astype(dtype), k.astype(dtype), v.astype(dtype), d**-0.5, is_causal=True)


@pytest.fixture(scope="module")
def result() -> study.Result:
    return SYMMETRY_LAB.compute(head(), study.Params())


def test_the_study_is_offered_by_name() -> None:
    assert find_study("attention.symmetries") is SYMMETRY_LAB


@pytest.mark.parametrize("switches", study.COMBINATIONS)
def test_every_combination_keeps_the_output_of_a_real_heads_shape_in_float32(
    switches: study.Switches,
) -> None:
    inputs = head()
    factor = np.float32(64**0.25)
    q, k = factor * inputs.queries, factor * inputs.keys
    changed = study.transform(q, k, switches)
    assert all(part.dtype == np.float32 for part in changed)
    expected = exact_attention(q, k, inputs.values)
    np.testing.assert_allclose(exact_attention(*changed, inputs.values), expected, atol=1e-5)


def test_in_float64_the_output_changes_by_rounding_alone(result: study.Result) -> None:
    assert len(result.states) == 16
    assert max(state.output_change for state in result.states.values()) < 1e-11
    assert result.states[study.COMBINATIONS[0]].output_change == 0.0


def test_only_centring_moves_the_scores_and_nothing_moves_a_rows_range(
    result: study.Result,
) -> None:
    raw = result.states[study.COMBINATIONS[0]]
    for switches, state in result.states.items():
        assert state.half_range == pytest.approx(raw.half_range, rel=1e-9)
        moved = state.largest_score != pytest.approx(raw.largest_score, rel=1e-9)
        assert moved is switches[study.SYMMETRIES.index("centre")]


def test_b_stays_above_the_root_of_the_largest_score_and_is_the_highest_channel(
    result: study.Result,
) -> None:
    for state in result.states.values():
        assert state.bound >= math.sqrt(state.largest_score)
        highest = max(state.query_channels.max(), state.key_channels.max())
        assert state.bound == pytest.approx(highest)


def test_the_scores_are_those_of_the_model(result: study.Result) -> None:
    inputs = head(dtype=np.float64)
    scores = inputs.scale * inputs.queries @ inputs.keys.T
    rows = [scores[i, : i + 1] for i in range(len(scores))]
    raw = result.states[study.COMBINATIONS[0]]
    assert raw.largest_score == pytest.approx(max(abs(row).max() for row in rows), rel=1e-5)
    assert raw.half_range == pytest.approx(max(np.ptp(row) for row in rows) / 2, rel=1e-5)


def test_balancing_makes_b_smaller_step_by_step(result: study.Result) -> None:
    bounds = [
        result.states[switches].bound
        for switches in (
            (False, False, False, False),
            (False, False, True, False),
            (False, False, True, True),
            (True, True, True, True),
        )
    ]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] < 0.5 * bounds[0]


def test_more_rows_than_a_block_give_the_same_output() -> None:
    whole = study.compute(head(tokens=2 * study.BLOCK_ROWS + 5, d=4), study.Params())
    assert max(state.output_change for state in whole.states.values()) < 1e-11
    assert whole.tokens == 517


# ---------------------------------------------------------------- the figure and its words


def test_the_figure_follows_every_position_of_the_switches(result: study.Result) -> None:
    figure = draw_symmetries(result)
    assert dict(figure.axes) == every_position(study.Params)
    assert len(json.dumps(figure.payload(), allow_nan=False)) < 100_000
    for centre, rotate, balance, channels in study.COMBINATIONS:
        position = {
            "balance": balance,
            "balance_channels": channels,
            "centre": centre,
            "rotate": rotate,
        }
        state = result.states[centre, rotate, balance, channels]
        drawn = figure.at(**position)
        assert drawn.data[0].y[-1] == pytest.approx(state.bound, rel=1e-6)
        assert drawn.data[0].y[0] == result.states[study.COMBINATIONS[0]].bound
        assert drawn.data[1].y[-1] == pytest.approx(math.sqrt(state.largest_score), rel=1e-6)
        np.testing.assert_allclose(drawn.data[3].y, state.query_channels, rtol=1e-6)
        words = figure.words_at(**position)
        assert ("exact output changes by at most" in words) is any(position.values())
        assert ("centring moved it" in words) is centre


def test_a_step_that_is_off_leaves_b_where_it_was(result: study.Result) -> None:
    trace = draw_symmetries(result).at(**(OFF | {"centre": True})).data[0]
    assert trace.y[0] == trace.y[1] == trace.y[2]
    assert trace.y[3] == trace.y[4]
    assert list(trace.marker.opacity) == pytest.approx([1.0, 0.3, 0.3, 1.0, 0.3])


def test_the_summary_is_flat_finite_json(result: study.Result) -> None:
    summary = SYMMETRY_LAB.summarise(result)
    canonical_json(dict(summary))
    assert summary["output_is_unchanged"] is True
    assert summary["chosen_bound"] == summary["raw_bound"] > summary["all_bound"]
    params = parse(study.Params, dict.fromkeys(OFF, "true"))
    chosen = SYMMETRY_LAB.summarise(SYMMETRY_LAB.compute(head(), params))
    assert chosen["chosen_bound"] == summary["all_bound"]


# ---------------------------------------------------------------- what is asked of the server


class Server:
    """Answers with a head of so many tokens."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.asked: list[Request] = []

    def call(self, request: Request) -> Result:
        self.asked.append(request)
        one = head(tokens=self.tokens, d=4)
        arrays = {
            "queries": one.queries[None, None],
            "keys": one.keys[None, None],
            "values": one.values[None, None],
        }
        values = {"tokens": ["a"] * self.tokens, "scale": 0.5, "is_causal": True}
        return Result(arrays, values, None)  # type: ignore[arg-type]


def test_one_layer_and_head_are_asked_for_in_float32() -> None:
    server = Server(9)
    inputs = SYMMETRY_LAB.gather(server, study.Params(layer=2, head=1))  # type: ignore[arg-type]
    (request,) = server.asked
    assert request.arguments["layers"] == [2]
    assert request.arguments["heads"] == [1]
    assert request.dtype == "float32"
    assert inputs.queries.shape == (9, 4)
    assert inputs.is_causal


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (1, "has 1 token; the symmetry lab reads 2 to 1,024. Lengthen"),
        (1_025, "1,025 tokens.*Shor"),
    ],
)
def test_texts_too_short_or_too_long_are_refused_with_the_limits(tokens: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        SYMMETRY_LAB.gather(Server(tokens), study.Params())  # type: ignore[arg-type]


def test_a_head_that_does_not_exist_is_refused_by_its_number() -> None:
    with pytest.raises(InputError, match="Head is 64; choose a whole number from 0 to 63"):
        parse(study.Params, {"head": 64})


# ---------------------------------------------------------------- files of the user's own


def matrices(**changes: np.ndarray) -> dict[str, np.ndarray]:
    one = head(tokens=6, d=4)
    return {"queries": one.queries, "keys": one.keys, "values": one.values, **changes}


@pytest.mark.parametrize("suffix", [".npy", ".safetensors"])
def test_both_kinds_of_file_give_the_same_matrices(tmp_path: Path, suffix: str) -> None:
    parts = matrices()
    path = tmp_path / f"own{suffix}"
    if suffix == ".npy":
        np.save(path, np.stack(list(parts.values())))
    else:
        save_file(parts, path)
    own = parse_matrices(path, maximum_rows=100)
    for name, expected in parts.items():
        np.testing.assert_array_equal(getattr(own, name), expected)
    result = SYMMETRY_LAB.compute(study.from_matrices(own), study.Params())
    scores = parts["queries"] @ parts["keys"].T / 2.0  # without a mask, over √4
    raw = result.states[study.COMBINATIONS[0]]
    assert raw.largest_score == pytest.approx(np.abs(scores).max(), rel=1e-5)


def test_an_uploaded_file_is_read_without_asking_any_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    path = tmp_path / "own.safetensors"
    save_file(matrices(), path)
    kept = keep_upload(path.read_bytes(), path.name, suffixes=SUFFIXES, max_mib=MAXIMUM_MIB)
    inputs = SYMMETRY_LAB.gather(None, study.Params(matrices=kept))  # type: ignore[arg-type]
    np.testing.assert_array_equal(inputs.keys, matrices()["keys"])
    assert not inputs.is_causal


def spoil(name: str, row: int, column: int, value: float) -> dict[str, np.ndarray]:
    parts = matrices()
    parts[name] = parts[name].copy()
    parts[name][row, column] = value
    return parts


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (spoil("keys", 4, 2, np.nan), "keys hold 1 entries that are not finite.*row 4, column 2"),
        (spoil("values", 0, 1, np.inf), "values hold 1 entries.*row 0, column 1"),
        (matrices(keys=np.ones((6, 3), np.float32)), "dimension 4 and the keys 3"),
        (matrices(values=np.ones((5, 4), np.float32)), "6 keys and 5 values"),
        (matrices(queries=np.ones((6, 4), np.bool_)), "hold bool, not real numbers"),
        (matrices(queries=np.ones((101, 4), np.float32)), "at most 100 rows"),
        (matrices(queries=np.ones(4, np.float32)), "give a matrix"),
        ({"queries": np.ones((6, 4), np.float32)}, "no tensor called 'keys', only queries"),
    ],
)
def test_matrices_that_do_not_fit_are_refused_with_where(
    tmp_path: Path, parts: dict[str, np.ndarray], said: str
) -> None:
    path = tmp_path / "own.safetensors"
    save_file(parts, path)
    with pytest.raises(InputError, match=said):
        parse_matrices(path, maximum_rows=100)


def write_pickle(path: Path) -> None:
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)


def write_short(path: Path) -> None:
    np.save(path, np.ones((3, 6, 4)))
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: np.save(path, np.ones((2, 6, 4))), r"shape \(2, 6, 4\); give \(3, tokens"),
        (lambda path: np.save(path, np.ones((3, 1, 4))), "only one row"),
        (lambda path: path.write_bytes(b"no numbers"), "cannot be read"),
        (write_pickle, "cannot be read"),
        (write_short, "cannot be read"),
    ],
)
def test_damaged_files_are_refused_in_one_sentence(
    tmp_path: Path, write: Callable[[Path], object], said: str
) -> None:
    path = tmp_path / "own.npy"
    write(path)
    with pytest.raises(InputError, match=said):
        parse_matrices(path, maximum_rows=100)


def test_a_damaged_safetensors_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    path.write_bytes(b"\xff" * 64)
    with pytest.raises(InputError, match="cannot be read"):
        parse_matrices(path, maximum_rows=100)
