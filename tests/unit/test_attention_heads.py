"""Statistics of attention heads: symmetries, score ranges, and the operation on a tiny model."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import CancelledError, InputError, UnknownNameError
from workbench.methods.attention import HEADS, exact_attention, minimum_degree, paper_scale, rank
from workbench.methods.attention import heads as study
from workbench.methods.attention.head_statistics import BINS, NAMES, SHARES, head_statistics
from workbench.methods.attention.symmetries import (
    balance,
    balance_channels,
    centre_keys,
    largest_entry,
    rotate,
    rotation,
)
from workbench.server.api import Request, canonical_json
from workbench.server.operation import Output
from workbench.server.operations import attention as operation
from workbench.server.operations.catalog import OPERATIONS


def random_heads(seed: int, *, heads: int = 2, tokens: int = 9, d: int = 8) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    scale = np.exp(random.normal(0.0, 1.0, (heads, 1, d)))  # channels of very different size
    return [
        random.normal(0.0, 1.0, (heads, tokens, d)) * scale + random.normal(size=(heads, 1, d))
        for _ in range(3)
    ]


@given(seed=st.integers(0, 10_000), d=st.sampled_from([1, 2, 3, 6, 8]))
@settings(max_examples=30, deadline=None)
def test_every_symmetry_leaves_the_attention_as_it_was(seed: int, d: int) -> None:
    q, k, v = random_heads(seed, d=d)
    pairs = {
        "balance": balance(q, k),
        "balance_channels": balance_channels(q, k),
        "centre_keys": (q, centre_keys(k)),
        "rotate": rotate(q, k),
        "all": balance_channels(*rotate(q, centre_keys(k))),
    }
    for head in range(len(q)):
        expected = exact_attention(q[head], k[head], v[head])
        for name, (a, b) in pairs.items():
            found = exact_attention(a[head], b[head], v[head])
            np.testing.assert_allclose(found, expected, atol=1e-9, err_msg=name)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_balancing_gives_the_geometric_mean_and_never_enlarges_b(seed: int) -> None:
    q, k, _ = random_heads(seed)
    raw, balanced = largest_entry(q, k), largest_entry(*balance(q, k))
    by_channel = largest_entry(*balance_channels(q, k))
    mean = np.sqrt(np.abs(q).max(axis=(1, 2)) * np.abs(k).max(axis=(1, 2)))
    np.testing.assert_allclose(balanced, mean, rtol=1e-12)
    assert (balanced <= raw * (1 + 1e-12)).all()
    assert (by_channel <= balanced * (1 + 1e-12)).all()


def test_a_channel_of_zeros_is_left_alone() -> None:
    q, k, _ = random_heads(1)
    q[:, :, 3] = 0.0
    for a, b in (balance_channels(q, k), balance(0 * q, k)):
        assert np.isfinite(a).all()
        assert np.isfinite(b).all()


@pytest.mark.parametrize("dimension", [1, 2, 5, 48, 64])
def test_the_rotation_is_orthogonal(dimension: int) -> None:
    matrix = rotation(dimension)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(dimension), atol=1e-12)


@pytest.mark.parametrize("is_causal", [True, False])
@pytest.mark.parametrize("tokens", [1, 2, 70, 130])  # up to three blocks of rows
def test_score_statistics_equal_a_walk_over_all_pairs(tokens: int, is_causal: bool) -> None:
    q, k, v = (x.astype(np.float32) for x in random_heads(4, heads=1, tokens=tokens))
    found = head_statistics(q, k, v, scale=0.3, is_causal=is_causal)
    rows = [
        {j: 0.3 * float(q[0, i] @ k[0, j]) for j in range(i + 1 if is_causal else tokens)}
        for i in range(tokens)
    ]
    largest, i, j = max((abs(s), i, j) for i, row in enumerate(rows) for j, s in row.items())
    assert found["max_abs_score"][0] == pytest.approx(largest, rel=1e-5)
    assert (found["peak_query"][0], found["peak_key"][0]) == (i, j)
    ranges = [(max(row.values()) - min(row.values())) / 2 for row in rows]
    assert found["row_half_range"][0] == pytest.approx(max(ranges), rel=1e-4, abs=1e-6)
    rest = [[s for j, s in row.items() if j] for row in rows[1:]]
    assert found["max_abs_score_without_first"][0] == pytest.approx(
        max((abs(s) for row in rest for s in row), default=0.0), rel=1e-5
    )
    assert found["row_half_range_without_first"][0] == pytest.approx(
        max(((max(row) - min(row)) / 2 for row in rest if row), default=0.0), rel=1e-4, abs=1e-6
    )
    shares = [math.exp(row[0]) / sum(math.exp(s) for s in row.values()) for row in rows[1:]] or [
        1.0
    ]
    assert found["first_token_weight"][0] == pytest.approx(sum(shares) / len(shares), rel=1e-4)
    assert found["value_bound"][0] == np.abs(v).max()
    flat = np.array([s for row in rows for s in row.values()])
    assert found["lowest_score"][0] == pytest.approx(flat.min(), rel=1e-5)
    assert found["highest_score"][0] == pytest.approx(flat.max(), rel=1e-5)
    weights = np.concatenate(
        [np.exp(x) / np.exp(x).sum() for x in (np.array(list(row.values())) for row in rows)]
    )
    places = np.linspace(flat.min(), flat.max(), BINS)
    for name, share in (
        ("pair_shares", np.full(len(flat), 1 / len(flat))),
        ("attention_shares", weights / tokens),
    ):
        hats = [np.interp(flat, places, row) for row in np.eye(BINS)] if len(flat) > 1 else None
        expected = [share @ hat for hat in hats] if hats else [1.0, *[0.0] * (BINS - 1)]
        np.testing.assert_allclose(found[name][0], expected, atol=1e-4, err_msg=name)


def test_the_usual_scale_maps_by_the_fourth_root_of_the_dimension() -> None:
    assert paper_scale(64) == pytest.approx(64**0.25)
    assert paper_scale(64, 1 / 8) == pytest.approx(64**0.25)
    assert paper_scale(64, 1 / 64) == pytest.approx(1.0)  # the paper's own scale


# ---------------------------------------------------------------- the operation


class Watch:
    """A control that counts, and cancels after a number of checks."""

    def __init__(self, cancel_after: int = 10**9) -> None:
        self.checks, self.cancel_after, self.fractions = 0, cancel_after, [0.0]

    def is_alive(self, item: int) -> bool:
        return item == 0

    def check(self) -> None:
        self.checks += 1
        if self.checks > self.cancel_after:
            raise CancelledError("nobody waits")

    def progress(self, item: int, fraction: float | None, text: str = "") -> None:
        assert item == 0
        assert text
        assert fraction is not None
        self.fractions.append(fraction)

    def partial(self, *_: object) -> None:
        raise AssertionError("no partial results are promised")


class Letters:
    """One token for each letter."""

    def __call__(self, text: str, *, return_tensors: str) -> dict[str, torch.Tensor]:
        assert return_tensors == "pt"
        return {"input_ids": torch.tensor([[ord(c) % 97 for c in text]])}

    def decode(self, ids: list[int]) -> str:
        return f"<{ids[0]}>"


class Tiny:
    """A random model, as the catalogue would have loaded it."""

    max_tokens = 120

    def __init__(self, family: str) -> None:
        import transformers

        torch.manual_seed(0)
        shape = {"vocab_size": 97, "attn_implementation": "eager"}
        width = {"hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 3}
        model = {
            "llama": lambda: transformers.LlamaForCausalLM(
                transformers.LlamaConfig(
                    **shape, **width, num_attention_heads=6, num_key_value_heads=2
                )
            ),
            "gpt2": lambda: transformers.GPT2LMHeadModel(
                transformers.GPT2Config(**shape, n_embd=48, n_layer=3, n_head=6)
            ),
            "bert": lambda: transformers.BertModel(
                transformers.BertConfig(**shape, **width, num_attention_heads=6)
            ),
        }[family]()
        self.model = model.eval().requires_grad_(False)
        for name, weight in self.model.named_parameters():
            if any(part in name for part in ("q_proj", "k_proj", "query", "key", "c_attn")):
                weight.mul_(20.0)  # scores that are worth comparing
        self.tokenizer = Letters()


@pytest.fixture(scope="module")
def tiny() -> Tiny:
    return Tiny("llama")


def ask(text: object) -> Request:
    return Request(operation.HEAD_STATISTICS.name, model="tiny", arguments={"text": text})


TEXT = "Fast attention requires bounded entries, says the paper."


def test_the_operation_is_in_the_catalogue() -> None:
    assert operation.HEAD_STATISTICS in OPERATIONS


@pytest.mark.parametrize(
    ("family", "is_causal"), [("llama", True), ("gpt2", True), ("bert", False)]
)
def test_mapped_scores_are_the_models_own_before_softmax(
    family: str, is_causal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.server.operations.capture import capture_layers

    model = Tiny(family)
    ids = model.tokenizer(TEXT, return_tensors="pt")["input_ids"]
    logits: list[torch.Tensor] = []
    softmax = torch.nn.functional.softmax

    def listen(scores: torch.Tensor, *args: object, **options: object) -> torch.Tensor:
        logits.append(scores)
        return softmax(scores, *args, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(torch.nn.functional, "softmax", listen)
        model.model(ids)
    layers = capture_layers(model.model, ids)
    assert len(layers) == len(logits) == 3
    seen = torch.ones(len(TEXT), len(TEXT)).bool()
    if is_causal:
        seen = seen.tril()
    (answer,) = operation.run(model, [operation.prepare(ask(TEXT))], Watch(), "cpu")
    assert isinstance(answer, Output)
    for layer, scores in zip(layers, logits, strict=True):
        d = layer.queries.shape[-1]
        factor = paper_scale(d, layer.scale)
        mapped = (factor * layer.queries) @ (factor * layer.keys).transpose(1, 2) / d
        assert scores[0][:, seen].abs().max() > 1.0
        torch.testing.assert_close(mapped[:, seen], scores[0][:, seen], atol=1e-4, rtol=1e-4)
        largest = scores[0].masked_fill(~seen, 0.0).abs().amax(dim=(1, 2))
        found = answer.arrays["max_abs_score"][layer.layer]
        np.testing.assert_allclose(found, largest, rtol=1e-4)


def test_the_operation_answers_with_one_number_for_each_head(tiny: Tiny) -> None:
    watch = Watch()
    (answer,) = operation.run(tiny, [operation.prepare(ask(TEXT))], watch, "cpu")
    assert isinstance(answer, Output)
    assert set(answer.arrays) == {*NAMES, *SHARES}
    for name, array in answer.arrays.items():
        assert array.shape == ((3, 6, BINS) if name in SHARES else (3, 6)), name
        assert array.dtype == np.float32, name
        assert np.isfinite(array).all(), name
    assert answer.values["head_dimension"] == 8
    assert len(answer.values["tokens"]) == len(TEXT)
    assert watch.checks == 4  # before the request, then at each of three layers
    assert watch.fractions == sorted(watch.fractions)
    assert watch.fractions[-1] == 1.0
    canonical_json(answer.values)


def test_the_operation_leaves_the_model_as_it_was(tiny: Tiny) -> None:
    ids = tiny.tokenizer(TEXT, return_tensors="pt")["input_ids"]
    before = tiny.model(ids).logits
    operation.run(tiny, [operation.prepare(ask(TEXT))], Watch(), "cpu")
    assert torch.equal(tiny.model(ids).logits, before)


def test_the_operation_stops_between_layers_when_nobody_waits(tiny: Tiny) -> None:
    watch = Watch(cancel_after=2)
    with pytest.raises(CancelledError):
        operation.run(tiny, [operation.prepare(ask(TEXT))], watch, "cpu")
    assert watch.checks == 3


def test_too_many_tokens_are_refused_with_the_limit(tiny: Tiny) -> None:
    (answer,) = operation.run(tiny, [operation.prepare(ask("a" * 121))], Watch(), "cpu")
    assert isinstance(answer, InputError)
    assert "121 tokens" in str(answer)
    assert "1 to 120" in str(answer)


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "empty"), (" \n\t", "empty"), (7, "empty"), ("a" * 40_001, "at most 40,000")],
)
def test_texts_that_cannot_be_read_are_refused(text: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        operation.prepare(ask(text))


def test_an_unknown_argument_is_refused() -> None:
    request = Request("attention.head_statistics", model="m", arguments={"text": "a", "txt": 1})
    with pytest.raises(InputError, match="no argument 'txt'"):
        operation.prepare(request)


# ---------------------------------------------------------------- the study


def inputs(tiny: Tiny, text: str = TEXT) -> study.Inputs:
    (answer,) = operation.run(tiny, [operation.prepare(ask(text))], Watch(), "cpu")
    assert isinstance(answer, Output)
    return study.Inputs(answer.arrays, tuple(answer.values["tokens"]), 8)


def test_needed_degree_and_rank_follow_from_the_widest_row(tiny: Tiny) -> None:
    result = HEADS.compute(inputs(tiny), study.Params())
    for place in ((0, 0), (2, 5), (1, 3)):
        half_range = float(result.maps["row_half_range"][place])
        degree = minimum_degree(half_range, 0.01, kind="chebyshev")
        assert result.maps["needed_degree"][place] == degree
        assert result.maps["log10_needed_rank"][place] == pytest.approx(
            math.log10(rank(degree, 8)), rel=1e-9
        )
    assert result.threshold_b == pytest.approx(math.sqrt(math.log(len(TEXT))))


@pytest.mark.parametrize("text", [TEXT, "a"])
def test_the_summary_is_flat_finite_json(tiny: Tiny, text: str) -> None:
    summary = HEADS.summarise(HEADS.compute(inputs(tiny, text), study.Params()))
    canonical_json(dict(summary))
    assert summary["tokens"] == len(text)
    assert summary["layers"] == 3
    assert summary["heads"] == 6
    for name in study.QUANTITIES:
        low, middle, high = (summary[f"{name}_{word}"] for word in ("min", "median", "max"))
        assert low <= middle <= high


def test_bad_choices_name_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean raw_bound"):
        study.Params(quantity="raw_bounds")
    with pytest.raises(InputError, match="20,000"):
        study.Params(text="a" * 20_001)
    with pytest.raises(InputError, match="empty"):
        study.Params(text="  ")
