"""Nyströmformer: landmarks, where it is exact, and the authors' code beside it."""

import functools

import numpy as np
import pytest
import torch
from transformers import NystromformerConfig
from transformers.models.nystromformer.modeling_nystromformer import NystromformerSelfAttention

from workbench.methods.attention import (
    exact_attention,
    make_inputs,
    nystrom_attention,
)
from workbench.methods.attention.peers import (
    segment_means,
)


def test_segment_means_are_means_of_neighbours() -> None:
    rows = np.arange(14.0).reshape(7, 2)
    np.testing.assert_allclose(
        segment_means(rows, 3),
        [rows[:2].mean(axis=0), rows[2:4].mean(axis=0), rows[4:].mean(axis=0)],
    )


def test_nystrom_is_exact_where_neighbours_are_equal() -> None:
    random = np.random.default_rng(4)
    q, k = np.repeat(random.uniform(-3.0, 3.0, (2, 6, 4)), 5, axis=1)
    v = random.uniform(-1.0, 1.0, (30, 2))
    np.testing.assert_allclose(
        nystrom_attention(q, k, v, landmarks=6), exact_attention(q, k, v), atol=1e-9
    )
    assert np.abs(nystrom_attention(q, k, v, landmarks=4) - exact_attention(q, k, v)).max() > 0.01


def test_nystrom_can_leave_the_range_of_the_values() -> None:
    q, k, v = make_inputs("uniform", tokens=256, dimension=4, seed=0)
    assert np.abs(nystrom_attention(4 * q, 4 * k, v, landmarks=32)).max() > 1.5


@pytest.mark.parametrize(("tokens", "landmarks"), [(64, 8), (60, 12), (32, 4)])
def test_nystrom_agrees_with_the_authors_code(tokens: int, landmarks: int) -> None:
    """Transformers carries the authors' Nyströmformer; its inverse is given time to converge."""
    d = 4
    q, k, v = make_inputs("needle", tokens=tokens, dimension=d, seed=2)
    q, k = 3 * q, 3 * k
    width = 3 * d  # one head that reads its queries, keys and values from three parts of a token
    attention = NystromformerSelfAttention(
        NystromformerConfig(
            hidden_size=width,
            num_attention_heads=1,
            num_landmarks=landmarks,
            segment_means_seq_len=tokens,
            attention_probs_dropout_prob=0.0,
        )
    ).double()
    with torch.no_grad():
        attention.conv.weight.zero_()  # the paper's extra convolution of the values
        for place, layer in enumerate((attention.query, attention.key, attention.value)):
            layer.bias.zero_()
            layer.weight.zero_()
            layer.weight[:d, place * d : (place + 1) * d] = torch.eye(d)
        attention.iterative_inv = functools.partial(attention.iterative_inv, n_iter=60)
        ours_to_theirs = width**0.25 * d**-0.5  # they divide scores by √width
        tokens_in = np.concatenate([ours_to_theirs * q, ours_to_theirs * k, v], axis=1)
        theirs = attention(torch.from_numpy(tokens_in)[None])[0][0, :, :d]
    ours = nystrom_attention(q, k, v, landmarks=landmarks)
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-8)
