"""Run as a script by ``gguf_conversion``: GGUF in, a transformers model folder out.

It imports nothing of the workbench, and prints one JSON object for each stage.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

# transformers reads the vocabulary and merges of a GGUF file but splits every text as GPT-2 does;
# the file says in ``tokenizer.ggml.pre`` how its model really splits it.
_SPLITS_LIKE_GPT2 = ("gpt-2", "default")
_SPLITS_DIGITS_FIRST = ("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone")


def say(fraction: float, text: str) -> None:
    """Tell the parent process how far the conversion is."""
    sys.stdout.write(json.dumps({"fraction": fraction, "text": text}) + "\n")
    sys.stdout.flush()


def convert(gguf: Path, folder: Path) -> None:
    """Write ``folder`` from ``gguf``: configuration, tokenizer, bfloat16 safetensors.

    Raises:
        ValueError: the file's tokenizer splits text in a way that is not known here.
    """
    say(0.0, "converting: reading libraries")
    from gguf import GGUFReader

    # Before the heavy libraries: a damaged file is refused at once.
    split = _field(GGUFReader(gguf), "tokenizer.ggml.pre")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    say(0.1, "converting: tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    _set_split(tokenizer, split)
    say(0.3, "converting: weights")
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name)
    say(0.9, "converting: writing safetensors")
    # A model read from GGUF refuses to be saved, so its numbers move into a plain one.
    settings = model.config.to_dict()
    settings.pop("quantization_config", None)
    config = type(model.config).from_dict(settings)
    plain = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    plain.load_state_dict(model.state_dict(), strict=True)
    plain.generation_config = model.generation_config
    plain.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    say(1.0, "converted")


def _field(reader: Any, name: str) -> str:
    field = reader.get_field(name)
    return "default" if field is None else str(field.contents())


def _set_split(tokenizer: Any, split: str) -> None:
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

    byte_level = ByteLevel(add_prefix_space=False, use_regex=True)
    if split in _SPLITS_DIGITS_FIRST:
        tokenizer.backend_tokenizer.pre_tokenizer = Sequence(
            [Digits(individual_digits=True), byte_level]
        )
    elif split in _SPLITS_LIKE_GPT2:
        tokenizer.backend_tokenizer.pre_tokenizer = byte_level
    else:
        raise ValueError(f"its tokenizer splits text as {split!r} does, which is not known here")


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
