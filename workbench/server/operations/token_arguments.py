"""What a training of the token-level policy is asked: three kinds of requests, checked."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from workbench.errors import InputError
from workbench.server.api import Request
from workbench.server.operation import Prepared
from workbench.server.operations import prompts
from workbench.server.operations.arguments import Arguments as Base
from workbench.server.operations.arguments import parse

MAX_TEXTS = 512
Texts = Annotated[list[prompts.NonEmpty], Field(min_length=1, max_length=MAX_TEXTS)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class FitArguments(Base):
    """Supervised fine-tuning; the paper's recipe."""

    inputs: Texts
    targets: Texts
    epochs: Annotated[int, Field(ge=0, le=100)] = 5
    learning_rate: Annotated[float, Field(gt=0, le=0.1)] = 2e-5
    batch: Annotated[int, Field(ge=1, le=256)] = 8
    beta: Annotated[float, Field(ge=0, le=100)] = 0.005


class SamplingArguments(Base):
    """How hints are drawn; the paper's numbers."""

    checkpoint: Digest
    inputs: Texts
    use_mask: bool = True
    top_k: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    top_p: Annotated[float, Field(gt=0, le=1)] = 0.9
    mask_minimum: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    max_new_tokens: Annotated[int, Field(ge=1, le=256)] = 80


class WriteArguments(SamplingArguments):
    """Write a hint for each text: sampled, or the likeliest."""

    greedy: bool = False


class LearnArguments(SamplingArguments):
    """One iteration of PPO or NLPO on hints that were written with the same settings."""

    references: Texts
    terminal_coefficient: Annotated[float, Field(ge=0, le=100)] = 10.0
    step_coefficient: Annotated[float, Field(ge=0, le=100)] = 1.0
    penalty: Annotated[float, Field(ge=0, le=10)] = 0.2
    target_kl: Annotated[float, Field(gt=0, le=10)] = 0.5
    learning_rate: Annotated[float, Field(gt=0, le=0.1)] = 2e-6
    batch: Annotated[int, Field(ge=1, le=256)] = 8
    mask_refresh: Annotated[int, Field(ge=1, le=1000)] = 20


def prepare_fit(request: Request) -> Prepared:
    """Check the texts."""
    arguments = parse(FitArguments, request)
    if len(arguments.inputs) != len(arguments.targets):
        raise InputError(f"{request.operation}: give one target for each input.")
    return Prepared(arguments, seed=request.seed)


def prepare_write(request: Request) -> Prepared:
    """Check the texts."""
    return Prepared(parse(WriteArguments, request), seed=request.seed)


def prepare_learn(request: Request) -> Prepared:
    """Check the hints and what they are worth."""
    arguments = parse(LearnArguments, request, arrays=("tokens", "terminal"))
    tokens, terminal = request.arrays["tokens"], request.arrays["terminal"]
    n = len(arguments.inputs)
    if len(arguments.references) != n or tokens.shape[:1] != (n,) or terminal.shape != (n,):
        raise InputError(
            f"{request.operation}: give a reference, a row of tokens and a reward for each input."
        )
    is_empty = tokens.ndim != 2 or not tokens.size or (tokens[:, 0] < 0).any()
    if is_empty or not np.isfinite(terminal).all():
        raise InputError(
            f"{request.operation}: tokens must be (texts, tokens) with -1 after each hint's end, "
            "and every reward a finite number."
        )
    return Prepared((arguments, tokens, terminal), seed=request.seed)
