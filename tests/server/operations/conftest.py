"""Tiny models, loaded once for all tests of operations."""

from __future__ import annotations

import pytest

from tests.server.operations.tiny import CONTEXT_TOKENS, save_model
from workbench.models.language_model import LanguageModel, load_language_model

KINDS = {
    "llama": "causal-lm",
    "gpt2": "causal-lm",
    "t5": "seq2seq-lm",
    "bert": "sentence-encoder",
}


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, LanguageModel]:
    """One model of each architecture, in float32 on the CPU."""
    return {
        architecture: load_language_model(
            f"tiny-{architecture}",
            kind,
            save_model(tmp_path_factory.mktemp(architecture), architecture),
            device="cpu",
            dtype="float32",
            max_tokens=CONTEXT_TOKENS,
        )
        for architecture, kind in KINDS.items()
    }


@pytest.fixture(scope="session")
def llama(tiny_models: dict[str, LanguageModel]) -> LanguageModel:
    return tiny_models["llama"]


@pytest.fixture(scope="session")
def gpt2(tiny_models: dict[str, LanguageModel]) -> LanguageModel:
    return tiny_models["gpt2"]


@pytest.fixture(scope="session")
def t5(tiny_models: dict[str, LanguageModel]) -> LanguageModel:
    return tiny_models["t5"]


@pytest.fixture(scope="session")
def bert(tiny_models: dict[str, LanguageModel]) -> LanguageModel:
    return tiny_models["bert"]


@pytest.fixture(params=["llama", "gpt2"])
def causal(request: pytest.FixtureRequest, tiny_models: dict[str, LanguageModel]) -> LanguageModel:
    """Each causal architecture in turn."""
    return tiny_models[request.param]
