"""A language model on a device, and what every loader of the transformers library shares."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import AssetError
from workbench.models.prefix_cache import PrefixCache
from workbench.models.transformers_library import import_transformers

log = logging.getLogger(__name__)

PREFIX_CACHE_BYTES = 256 * 1024 * 1024
_NO_LIMIT = 1_000_000
"""Tokenizers without a limit of their own state an enormous number."""


@dataclass
class LanguageModel:
    """A transformers model with its tokenizer (``server.operation.LoadedModel``).

    Args:
        name: the card's name.
        kind: the card's kind.
        device: where it is.
        dtype: of its parameters.
        model: the transformers model, in evaluation mode.
        tokenizer: a fast tokenizer.
        max_tokens: longest text it may be given, in tokens.
        memory_bytes: of parameters and buffers.
        prefixes: keys and values of prefixes that many prompts begin with.
    """

    name: str
    kind: str
    device: str
    dtype: str
    model: Any
    tokenizer: Any
    max_tokens: int
    memory_bytes: int
    prefixes: PrefixCache = field(default_factory=lambda: PrefixCache(PREFIX_CACHE_BYTES))

    def close(self) -> None:
        """Free the memory."""
        self.prefixes.clear()
        self.model = None
        self.tokenizer = None
        gc.collect()


def load_language_model(
    name: str, kind: str, folder: Path, *, device: str, dtype: str, max_tokens: int
) -> LanguageModel:
    """Load a model and its tokenizer from a folder of safetensors and settings.

    Code that comes with a model is never run, and pickled weights are never read.

    Args:
        name: the card's name, for messages.
        kind: "causal-lm", "seq2seq-lm" or "sentence-encoder".
        folder: where the files are.
        device: "cpu", "cuda:0" or "mps".
        dtype: "float32", "bfloat16" or "float16".
        max_tokens: longest text allowed; less if the model itself takes less.

    Raises:
        AssetError: the folder cannot be loaded, or lacks some of the model's weights.
    """
    transformers = import_transformers()

    transformers.utils.logging.disable_progress_bar()
    classes = {
        "causal-lm": transformers.AutoModelForCausalLM,
        "seq2seq-lm": transformers.AutoModelForSeq2SeqLM,
        "sentence-encoder": transformers.AutoModel,
    }
    with loading(name, folder):
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        model, found = classes[kind].from_pretrained(
            folder,
            dtype=dtype,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    refuse_missing(name, folder, kind, found)
    if not tokenizer.is_fast:
        raise AssetError(f"{name} has no fast tokenizer (tokenizer.json); choose another model.")
    if tokenizer.pad_token_id is None:
        # Padding is masked wherever it is used; any token will do.
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(0)
    model.eval().requires_grad_(False)
    model.to(device)
    return LanguageModel(
        name=name,
        kind=kind,
        device=device,
        dtype=dtype,
        model=model,
        tokenizer=tokenizer,
        max_tokens=min(max_tokens, context_tokens(model.config, tokenizer)),
        memory_bytes=memory_bytes(model),
    )


@contextmanager
def loading(name: str, folder: Path) -> Iterator[None]:
    """Say in one sentence what the transformers library says of files that cannot be loaded.

    Args:
        name: the card's name.
        folder: where the files are.

    Raises:
        AssetError: the files cannot be loaded.
    """
    try:
        yield
    except (MemoryError, AssetError):
        raise  # too little memory says nothing against the files; an AssetError is said already
    except Exception as error:  # the library raises many kinds, its own and safetensors'
        raise AssetError(
            f"{name} could not be loaded from {folder}: {first_line(error)} "
            f"Run `python launch.py fetch {name}` to get it again."
        ) from error


def context_tokens(config: Any, tokenizer: Any) -> int:
    """Longest text a model was made for, in tokens, as its settings say."""
    said = [
        getattr(config, name, None)
        for name in ("max_position_embeddings", "n_positions", "max_sequence_length")
    ]
    stated = [int(limit) for limit in said if limit] + [_NO_LIMIT]
    if tokenizer.model_max_length < _NO_LIMIT:
        stated.append(int(tokenizer.model_max_length))
    return min(stated)


def memory_bytes(model: Any) -> int:
    """Bytes of a torch module's parameters and buffers, shared ones counted once."""
    tensors = [*model.parameters(), *model.buffers()]
    return sum({t.data_ptr(): t.numel() * t.element_size() for t in tensors}.values())


def refuse_missing(name: str, folder: Path, kind: str, found: Any) -> None:
    """Refuse a model some of whose weights were not in its files.

    The transformers library fills them with random numbers and only warns.

    Args:
        name: the card's name.
        folder: where the files are.
        kind: the card's kind.
        found: what ``from_pretrained`` says with ``output_loading_info``.

    Raises:
        AssetError: names the first that is missing or of another shape.
    """
    missing = {str(key) for key in found["missing_keys"]}
    if kind == "sentence-encoder":  # mean pooling does not use the pooler
        missing = {key for key in missing if not key.startswith("pooler.")}
    wrong = sorted(missing) + sorted(str(key) for key in found["mismatched_keys"])
    if wrong:
        raise AssetError(
            f"{name} in {folder} lacks {len(wrong)} of its weights, {wrong[0]} first. "
            f"Run `python launch.py fetch {name}` to get it again."
        )


def first_line(error: Exception) -> str:
    """What an error says first, as a sentence of at most 300 characters."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:300].rstrip(".") + "."
