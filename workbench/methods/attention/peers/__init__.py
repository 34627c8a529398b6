"""Other ways to approximate attention, with the paper's scaling by 1/d, to hold against it."""

from workbench.methods.attention.peers.favor import (
    favor_attention,
    log_favor_features,
    orthogonal_projection,
)
from workbench.methods.attention.peers.importance import (
    draw_by_chance,
    hamming_order,
    importance_sampling_attention,
    inclusion_probabilities,
)
from workbench.methods.attention.peers.mean import mean_of_values
from workbench.methods.attention.peers.nystrom import nystrom_attention, segment_means
from workbench.methods.attention.peers.uniform import uniform_sampling_attention
from workbench.methods.attention.peers.window import sliding_window_attention

__all__ = [
    "draw_by_chance",
    "favor_attention",
    "hamming_order",
    "importance_sampling_attention",
    "inclusion_probabilities",
    "log_favor_features",
    "mean_of_values",
    "nystrom_attention",
    "orthogonal_projection",
    "segment_means",
    "sliding_window_attention",
    "uniform_sampling_attention",
]
