"""The catalogue: what it lists, how it loads, and what it refuses to load."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.server.operations.tiny import CONTEXT_TOKENS, save_model
from workbench.errors import AssetError, UnknownNameError, UnreachableError
from workbench.models.catalog import Catalog
from workbench.models.store import MIB, silent
from workbench.settings import Settings

KINDS = {
    "llama": "causal-lm",
    "gpt2": "causal-lm",
    "t5": "seq2seq-lm",
    "bert": "sentence-encoder",
}


def add_card(home: Path, name: str, kind: str, folder: Path, more: str = "") -> None:
    cards = home / "cards"
    cards.mkdir(parents=True, exist_ok=True)
    (cards / f"{name}.toml").write_text(
        f'kind = "{kind}"\nsummary = "S."\nsource = "file:{folder}"\nlicence = "MIT"\n'
        f'good_for = "G."\nmemory_mib = 100\n{more}'
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def tiny(home: Path, tmp_path: Path) -> Path:
    """A folder with a tiny Llama, and its card in the user's home."""
    folder = save_model(tmp_path / "tiny", "llama")
    add_card(home, "tiny", "causal-lm", folder)
    return folder


def load(home: Path, name: str = "tiny", dtype: str = "float32") -> object:
    return Catalog(Settings(home=home)).load(name, device="cpu", dtype=dtype, progress=silent)


@pytest.mark.parametrize("architecture", KINDS)
def test_every_kind_loads_from_a_folder_with_the_numbers_that_were_saved(
    home: Path, tmp_path: Path, architecture: str
) -> None:
    folder = save_model(tmp_path / architecture, architecture)
    add_card(home, "mine", KINDS[architecture], folder)
    loaded = load(home, "mine")
    assert loaded.kind == KINDS[architecture]
    assert not loaded.model.training
    saved = load_file(folder / "model.safetensors")
    own = loaded.model.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in saved.items())
    floats = sum(p.numel() for p in loaded.model.parameters())
    assert loaded.memory_bytes == pytest.approx(4 * floats, rel=0.05)


def test_the_dtype_asked_for_is_the_dtype_loaded(home: Path) -> None:
    whole, half = load(home), load(home, dtype="bfloat16")
    assert next(half.model.parameters()).dtype is torch.bfloat16
    assert half.memory_bytes < 0.55 * whole.memory_bytes


def test_the_longest_text_is_the_least_of_model_card_and_setting(home: Path, tiny: Path) -> None:
    assert load(home).max_tokens == CONTEXT_TOKENS
    add_card(home, "short", "causal-lm", tiny, "dimensions = { context_tokens = 99 }")
    assert load(home, "short").max_tokens == 99
    settings = Settings(home=home, max_tokens=32)
    assert Catalog(settings).load("tiny", device="cpu", dtype="float32").max_tokens == 32


def test_a_changed_file_changes_the_digest(home: Path, tiny: Path) -> None:
    catalog = Catalog(Settings(home=home))
    before = catalog.digest("tiny")
    assert Catalog(Settings(home=home)).digest("tiny") == before
    config = json.loads((tiny / "config.json").read_text())
    (tiny / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 0.1}))
    assert catalog.digest("tiny") != before


def test_missing_weights_are_refused_and_not_made_up(home: Path, tiny: Path) -> None:
    weights = load_file(tiny / "model.safetensors")
    removed = next(name for name in weights if "layers.1.mlp" in name)
    del weights[removed]
    save_file(weights, tiny / "model.safetensors", {"format": "pt"})
    with pytest.raises(AssetError, match=removed.replace(".", r"\.")):
        load(home)


def test_half_a_file_of_weights_is_refused(home: Path, tiny: Path) -> None:
    path = tiny / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(AssetError, match=r"tiny could not be loaded .*launch.py fetch tiny"):
        load(home)


def test_pickled_weights_are_never_read(home: Path, tiny: Path) -> None:
    weights = load_file(tiny / "model.safetensors")
    (tiny / "model.safetensors").unlink()
    torch.save(weights, tiny / "pytorch_model.bin")
    with pytest.raises(AssetError, match=r"no \.safetensors file"):
        load(home)


def test_code_that_comes_with_a_model_is_never_run(home: Path, tiny: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (tiny / "modeling_own.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    config = json.loads((tiny / "config.json").read_text())
    config["model_type"] = "own"
    config["auto_map"] = {
        "AutoConfig": "modeling_own.Config",
        "AutoModelForCausalLM": "modeling_own.Model",
    }
    (tiny / "config.json").write_text(json.dumps(config))
    with pytest.raises(AssetError, match="tiny could not be loaded"):
        load(home)
    assert not mark.exists()


def test_unknown_names_get_the_nearest(home: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean smollm2-135m-instruct"):
        Catalog(Settings(home=home)).kind("smolm2-135m-instruct")


def test_a_card_added_later_is_found(home: Path, tmp_path: Path) -> None:
    catalog = Catalog(Settings(home=home))
    add_card(home, "later", "causal-lm", tmp_path)
    assert catalog.kind("later") == "causal-lm"


def test_a_wrong_user_card_is_listed_with_its_reason_and_harms_nothing(home: Path) -> None:
    add_card(home, "wrong", "no-such-kind", home)
    catalog = Catalog(Settings(home=home))
    entry = next(entry for entry in catalog.entries() if entry.name == "wrong")
    assert entry.state == "unavailable"
    assert "kind is 'no-such-kind'" in entry.reason
    assert "smollm2-135m-instruct" in catalog.names()
    with pytest.raises(AssetError, match=r"wrong\.toml"):
        catalog.load("wrong", device="cpu", dtype="float32")


def test_a_user_card_cannot_take_the_name_of_a_shipped_one(home: Path, tiny: Path) -> None:
    add_card(home, "all-minilm-l6-v2", "causal-lm", tiny)
    catalog = Catalog(Settings(home=home))
    assert catalog.kind("all-minilm-l6-v2") == "sentence-encoder"
    assert any("name of another card" in entry.reason for entry in catalog.entries())


def test_entries_say_what_is_here_and_what_would_be_downloaded(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    entries = {e.name: e for e in Catalog(Settings(home=home)).entries(resident=["tiny"])}
    assert entries["tiny"].state == "ready"
    assert entries["tiny"].resident
    assert len(entries["tiny"].digest or "") == 64
    smol = entries["smollm2-135m-instruct"]
    assert (smol.state, smol.resident) == ("downloadable", False)
    assert smol.download_mib > 80
    assert entries["openai-endpoint"].state == "unavailable"
    assert "OPENAI_BASE_URL" in entries["openai-endpoint"].reason
    offline = {e.name: e for e in Catalog(Settings(home=home, offline=True)).entries()}
    assert offline["smollm2-135m-instruct"].state == "unavailable"
    assert "launch.py fetch smollm2-135m-instruct" in offline["smollm2-135m-instruct"].reason


def test_offline_a_model_that_is_not_here_is_refused(home: Path) -> None:
    catalog = Catalog(Settings(home=home, offline=True))
    with pytest.raises(UnreachableError, match="downloads are off"):
        catalog.load("smollm2-135m-instruct", device="cpu", dtype="float32")


def test_memory_is_estimated_from_the_card(home: Path) -> None:
    catalog = Catalog(Settings(home=home))
    whole = catalog.estimate_bytes("tiny", "float32")
    assert whole > 100 * MIB
    assert catalog.estimate_bytes("tiny", "bfloat16") < whole
    assert catalog.estimate_bytes("openai-endpoint", "float32") == 0


def test_an_endpoint_is_loaded_without_being_asked(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    loaded = load(home, "openai-endpoint")
    assert (loaded.kind, loaded.device, loaded.memory_bytes) == ("openai", "remote", 0)
    assert loaded.address == "http://127.0.0.1:9/v1"


def test_a_closed_model_lets_go_of_its_memory(home: Path) -> None:
    loaded = load(home)
    loaded.close()
    assert loaded.model is None
    assert loaded.prefixes.used_bytes == 0
