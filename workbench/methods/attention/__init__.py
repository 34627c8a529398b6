"""Fast Attention Requires Bounded Entries: Alman and Song, NeurIPS 2023, arXiv:2302.13214.

The paper's approximation of attention by a low-rank polynomial, its certified error, and the
threshold of the largest entry B beyond which it cannot work. The paper is theory and has no
official code; every measurement is this project's own.

Scores are divided by d as in the paper, not by √d as in models; ``paper_scale`` maps one to the
other.
"""

from workbench.methods.attention.approximate import (
    factored_attention,
    output_error_bound,
    polynomial_attention,
)
from workbench.methods.attention.causal import causal_factored_attention
from workbench.methods.attention.comparison import COMPARISON
from workbench.methods.attention.exact import exact_attention, paper_scale
from workbench.methods.attention.hardness import HARDNESS
from workbench.methods.attention.heads import HEADS
from workbench.methods.attention.inputs import GENERATORS, make_inputs
from workbench.methods.attention.low_rank import (
    low_rank_factors,
    paper_rank_bound,
    polynomial_features,
    rank,
)
from workbench.methods.attention.matrices import MATRICES
from workbench.methods.attention.microscope import MICROSCOPE
from workbench.methods.attention.peers import (
    favor_attention,
    importance_sampling_attention,
    mean_of_values,
    nystrom_attention,
    sliding_window_attention,
    uniform_sampling_attention,
)
from workbench.methods.attention.polynomial import (
    KINDS,
    ExponentialPolynomial,
    exponential_polynomial,
    minimum_degree,
)
from workbench.methods.attention.speed import SPEED
from workbench.methods.attention.swap import SWAP
from workbench.methods.attention.sweep import SWEEP
from workbench.methods.attention.symmetry_lab import SYMMETRY_LAB
from workbench.methods.attention.transition import TRANSITION

STUDIES = (
    SWEEP,
    MICROSCOPE,
    MATRICES,
    TRANSITION,
    HARDNESS,
    SPEED,
    COMPARISON,
    HEADS,
    SYMMETRY_LAB,
    SWAP,
)

__all__ = [
    "COMPARISON",
    "GENERATORS",
    "HARDNESS",
    "HEADS",
    "KINDS",
    "MATRICES",
    "MICROSCOPE",
    "SPEED",
    "STUDIES",
    "SWAP",
    "SWEEP",
    "SYMMETRY_LAB",
    "TRANSITION",
    "ExponentialPolynomial",
    "causal_factored_attention",
    "exact_attention",
    "exponential_polynomial",
    "factored_attention",
    "favor_attention",
    "importance_sampling_attention",
    "low_rank_factors",
    "make_inputs",
    "mean_of_values",
    "minimum_degree",
    "nystrom_attention",
    "output_error_bound",
    "paper_rank_bound",
    "paper_scale",
    "polynomial_attention",
    "polynomial_features",
    "rank",
    "sliding_window_attention",
    "uniform_sampling_attention",
]
