"""The token-level policy: ``policy.fit_tokens``, ``.write_tokens`` and ``.learn_tokens``.

A training is a chain of requests, each from the checkpoint of the one before, so it can be left at
any time and goes on from its last checkpoint. Between writing hints and learning from them the
caller asks the black-box model what the hints are worth; the policy's model never meets it.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import WorkbenchError
from workbench.server.api import Json
from workbench.server.operation import Control, Operation, Output, Prepared, one_by_one
from workbench.server.operations.token_arguments import (
    FitArguments,
    LearnArguments,
    SamplingArguments,
    WriteArguments,
    prepare_fit,
    prepare_learn,
    prepare_write,
)
from workbench.settings import load_settings

if TYPE_CHECKING:
    import torch

    from workbench.training.seq2seq_checkpoint import CheckpointFolder, TokenCheckpoint
    from workbench.training.seq2seq_policy import Sampling, Seq2SeqPolicy, TokenPolicies
    from workbench.training.seq2seq_training import TokenPoint

MAX_ARTICLE_TOKENS = 512
"""The policy reads the first 512 tokens of an article; the black-box model reads all of it."""


def run_fit(
    loaded: Any, items: Sequence[Prepared], control: Control, device: str
) -> list[Output | WorkbenchError]:
    """Fine-tune a copy of the model for each request.

    Returns:
        Values: ``checkpoint``, its digest. Arrays: ``loss`` ``(epochs,)`` per token.
    """
    from workbench.training.seq2seq_checkpoint import Progress, TokenCheckpoint, read_parameters
    from workbench.training.seq2seq_training import fit_targets

    del device
    outcomes: list[Output | WorkbenchError] = []
    for number, item in enumerate(items):
        asked: FitArguments = item.arguments
        policy = new_policy(loaded)

        def tell(
            epoch: int, losses: list[float], number: int = number, epochs: int = asked.epochs
        ) -> None:
            control.check()
            control.progress(number, epoch / max(1, epochs), f"Fine-tuning, epoch {epoch + 1}")
            if losses:
                values = {"iteration": len(losses), "loss": losses[-1]}
                control.partial(number, values=values)

        order = np.random.default_rng(item.seed or 0).permutation(len(asked.inputs))
        batches = [
            (*_encode(loaded, [asked.inputs[i] for i in some]), _labels(loaded, asked, some))
            for some in np.split(order, range(asked.batch, len(order), asked.batch))
        ]
        losses = fit_targets(
            policy, batches, epochs=asked.epochs, learning_rate=asked.learning_rate, tell=tell
        )
        start = TokenCheckpoint(read_parameters(policy), {}, {}, Progress(beta=asked.beta))
        digest = _folder().keep(start)
        outcomes.append(Output({"loss": np.array(losses)}, {"checkpoint": digest}))
    return outcomes


def run_write(
    loaded: Any, items: Sequence[Prepared], control: Control, device: str
) -> list[Output | WorkbenchError]:
    """Write hints.

    Returns:
        Values: ``texts``. Arrays: ``tokens`` ``(n, t)`` int64, -1 after each hint's end.
    """
    import torch

    from workbench.training.seq2seq_policy import sample_tokens, write_greedily

    del device
    outcomes: list[Output | WorkbenchError] = []
    for number, item in enumerate(items):
        asked: WriteArguments = item.arguments
        control.progress(number, None, f"Writing {len(asked.inputs)} hints")
        checkpoint = _folder().read(asked.checkpoint)
        texts = _encode(loaded, asked.inputs)
        if asked.greedy:
            policy = _policy_of(loaded, checkpoint)
            tokens, taken = write_greedily(policy, *texts, asked.max_new_tokens, control.check)
        else:
            # every iteration draws anew, whatever the seed
            seed = (item.seed or 0) * 1_000_003 + checkpoint.progress.iteration
            generator = torch.Generator().manual_seed(seed)
            policies = _policies(loaded, checkpoint, use_mask=asked.use_mask)
            drawn = sample_tokens(policies, *texts, _sampling(asked), generator, control.check)
            tokens, taken = drawn.tokens, drawn.taken
        padded = tokens.masked_fill(~taken, -1).numpy()
        hints: list[Json] = [_decode(loaded, row[row >= 0].tolist()) for row in padded]
        outcomes.append(Output({"tokens": padded}, {"texts": hints}))
    return outcomes


def learn(loaded: Any, item: Prepared, number: int, control: Control) -> Output:
    """Learn from hints and what they were worth.

    Returns:
        Values: ``checkpoint``, the digest of the next one. Arrays: ``reward``, ``terminal_reward``
        and ``step_reward``, means over the hints, ``kl`` per token, ``beta`` used and
        ``clip_fraction``, each ``()``; ``token_kl`` ``(n, t)`` nats of each token, 0 after the end.
    """
    import torch

    from workbench.training.phrase_training import Settings
    from workbench.training.seq2seq_policy import score_tokens
    from workbench.training.seq2seq_training import TokenSettings, TokenTrainer

    asked, padded, terminal = item.arguments
    folder = _folder()
    checkpoint = folder.read(asked.checkpoint)
    progress = checkpoint.progress
    control.progress(number, None, f"Iteration {progress.iteration + 1}: reading the hints")
    policies = _policies(loaded, checkpoint, use_mask=asked.use_mask)
    ppo = Settings(
        target_kl=asked.target_kl,
        beta=progress.beta,
        batch=asked.batch,
        use_mask=asked.use_mask,
        mask_refresh=asked.mask_refresh,
    )
    settings = TokenSettings(ppo, _sampling(asked), asked.learning_rate)
    trainer = TokenTrainer.resume(policies, settings, checkpoint, item.seed or 0)
    texts = _encode(loaded, asked.inputs)
    taken = torch.from_numpy(padded >= 0)
    tokens = torch.from_numpy(np.maximum(padded, 0)).long()
    rollouts = score_tokens(policies, texts, tokens, taken, settings.sampling)
    steps = asked.step_coefficient, asked.penalty
    worth = asked.terminal_coefficient * terminal
    paid = [
        _pay(loaded, row[row >= 0].tolist(), reference, float(one), *steps)
        for row, reference, one in zip(padded, asked.references, worth, strict=True)
    ]
    _tell(control, number, progress.iteration, trainer.beta, rollouts, paid)
    point = trainer.learn(texts, rollouts, lambda row, _tokens: paid[row], control.check)
    after = trainer.checkpoint(replace(progress, clip_fraction=point.clip_fraction))
    digest = folder.keep(after)
    if after.progress.iteration % asked.mask_refresh == 0:  # from now on it masks itself
        digest = folder.keep(replace(after, progress=replace(after.progress, mask=digest)))
    return Output(_write(point, rollouts, paid, asked, terminal), {"checkpoint": digest})


def _pay(
    loaded: Any,
    tokens: Sequence[int],
    reference: str,
    terminal: float,
    step_coefficient: float,
    penalty: float,
) -> np.ndarray:
    """``(t,)`` rewards of one hint's tokens, without the KL."""
    from workbench.training.token_rewards import token_rewards

    return token_rewards(
        tokens,
        lambda some: _decode(loaded, some),
        reference,
        terminal,
        step_coefficient=step_coefficient,
        penalty=penalty,
    )


def _tell(
    control: Control,
    number: int,
    iteration: int,
    beta: float,
    rollouts: Any,
    paid: Sequence[np.ndarray],
) -> None:
    kl = rollouts.kl * rollouts.taken
    reward = float(np.mean([one.sum() for one in paid]) - beta * kl.sum(dim=1).mean())
    per_token = float(rollouts.kl[rollouts.taken].mean())
    control.progress(number, None, f"Iteration {iteration + 1}: reward {reward:.2f}; learning")
    values = {"iteration": iteration, "reward": reward, "kl": per_token}
    control.partial(number, values=values)


def _write(
    point: TokenPoint,
    rollouts: Any,
    paid: Sequence[np.ndarray],
    asked: LearnArguments,
    terminal: np.ndarray,
) -> dict[str, np.ndarray]:
    of_summary = asked.terminal_coefficient * float(terminal.mean())
    return {
        "reward": np.array(point.reward),
        "terminal_reward": np.array(of_summary),
        "step_reward": np.array(np.mean([one.sum() for one in paid]) - of_summary),
        "kl": np.array(point.kl),
        "beta": np.array(point.beta),
        "clip_fraction": np.array(point.clip_fraction),
        "token_kl": (rollouts.kl * rollouts.taken).numpy(),
    }


def new_policy(loaded: Any) -> Seq2SeqPolicy:
    """A policy with the model's weights; the model itself is never changed."""
    from workbench.training.seq2seq_policy import Seq2SeqPolicy

    return Seq2SeqPolicy(deepcopy(loaded.model)).eval()


def _policy_of(loaded: Any, checkpoint: TokenCheckpoint) -> Seq2SeqPolicy:
    from workbench.training.seq2seq_checkpoint import write_parameters

    policy = new_policy(loaded)
    write_parameters(policy, checkpoint.weights)
    return policy


def _policies(loaded: Any, checkpoint: TokenCheckpoint, *, use_mask: bool) -> TokenPolicies:
    from workbench.training.seq2seq_policy import TokenPolicies

    progress, folder = checkpoint.progress, _folder()
    learning = _policy_of(loaded, checkpoint)
    reference = _policy_of(loaded, folder.read(progress.reference))
    mask = None
    if use_mask:
        is_same = progress.mask == progress.reference
        mask = reference if is_same else _policy_of(loaded, folder.read(progress.mask))
    return TokenPolicies(learning, reference, mask)


def _sampling(asked: SamplingArguments) -> Sampling:
    from workbench.training.seq2seq_policy import Sampling

    return Sampling(asked.top_k, asked.top_p, asked.mask_minimum, asked.max_new_tokens)


def _encode(loaded: Any, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
    found = loaded.tokenizer(
        list(texts),
        padding=True,
        truncation=True,
        max_length=min(MAX_ARTICLE_TOKENS, loaded.max_tokens),
        return_tensors="pt",
    )
    return found["input_ids"], found["attention_mask"]


def _labels(loaded: Any, asked: FitArguments, some: np.ndarray) -> torch.Tensor:
    ids, attention = _encode(loaded, [asked.targets[i] for i in some])
    return ids.masked_fill(attention == 0, -100)


def _decode(loaded: Any, tokens: Sequence[int]) -> str:
    return str(loaded.tokenizer.decode(list(tokens), skip_special_tokens=True))


def _folder() -> CheckpointFolder:
    from workbench.training.seq2seq_checkpoint import CheckpointFolder

    return CheckpointFolder(load_settings().home / "policies")


def _operation(name: str, prepare: Any, run: Any, summary: str) -> Operation:
    kinds = frozenset({"seq2seq-lm"})
    return Operation(name=name, version=1, kinds=kinds, prepare=prepare, run=run, summary=summary)


FIT = _operation(
    "policy.fit_tokens",
    prepare_fit,
    run_fit,
    "Supervised fine-tuning of an encoder-decoder that writes hints.",
)
WRITE = _operation(
    "policy.write_tokens", prepare_write, run_write, "Hints of a token-level policy's checkpoint."
)
LEARN = _operation(
    "policy.learn_tokens",
    prepare_learn,
    one_by_one(learn),
    "One iteration of PPO or NLPO of a token-level policy, from a checkpoint to the next.",
)
