"""One-time conversion of a digest-checked GGUF file to safetensors, in a process of its own.

Reading GGUF takes about 24 s each time and parses a complicated binary format; the converted
model loads in under a second. A crash of the parser ends that process and not the server.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from workbench.errors import AssetError
from workbench.models.store import Progress

VERSION = 1
"""Raise it when the converted numbers or tokens change."""

_SCRIPT = Path(__file__).with_name("gguf_to_safetensors.py")


def convert(gguf: Path, folder: Path, progress: Progress) -> None:
    """Write a model's configuration, tokenizer and bfloat16 safetensors from a GGUF file.

    Args:
        gguf: the file; its digest must have been checked.
        folder: where the model is written.
        progress: told the stages; may raise to stop the conversion.

    Raises:
        AssetError: the file could not be converted, with the reason.
    """
    log = gguf.with_suffix(".log")
    # -P keeps this folder's module names from hiding installed packages.
    command = [sys.executable, "-P", str(_SCRIPT), str(gguf), str(folder)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    with (
        log.open("wb") as errors,
        subprocess.Popen(  # noqa: S603  our own script
            command, stdout=subprocess.PIPE, stderr=errors, env=environment, text=True
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                stage = json.loads(line)
                progress(stage["fraction"], stage["text"])
        finally:
            if process.poll() is None:
                process.kill()
    if process.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise AssetError(
            f"{gguf.name} could not be converted: {lines[-1][:300] if lines else 'no reason given'}"
        )
