"""``openai:`` a model behind an OpenAI-compatible endpoint; there is nothing to fetch."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from workbench.errors import OutsideError
from workbench.models.card import Card
from workbench.models.store import Progress
from workbench.server.api import digest_json


class EndpointSource:
    """A model that is asked over HTTP.

    Its digest covers address and model name: what stands behind them can change unseen, so ask
    afresh when that matters.

    Args:
        card: a card whose scheme is ``openai``.
        offline: never use the network.
    """

    def __init__(self, card: Card, *, offline: bool) -> None:
        self._card = card
        self._offline = offline

    def address(self) -> str:
        """The endpoint's address without a trailing slash; empty when it is not set."""
        return (self._card.address or os.environ.get(self._card.address_env, "")).rstrip("/")

    def key(self) -> str:
        """The endpoint's key, read from the environment each time; empty when it has none."""
        return os.environ.get(self._card.key_env, "") if self._card.key_env else ""

    def digest(self) -> str:
        return digest_json([self.address(), self._card.reference])

    def is_ready(self) -> bool:
        return not self.why_not()

    def was_fetched(self) -> bool:
        return False

    def why_not(self) -> str:
        if not self.address():
            return f"Set {self._card.address_env} to the endpoint's address."
        if not self.address().startswith(("http://", "https://")):
            return f"{self._card.address_env or 'address'} must begin with http:// or https://."
        if self._offline and not _is_local(self.address()):
            return "Downloads and remote models are off; unset WORKBENCH_OFFLINE."
        return ""

    def fetch(self, progress: Progress) -> None:
        del progress
        if reason := self.why_not():
            raise OutsideError(f"{self._card.name} cannot be asked. {reason}")

    def check(self, *, thorough: bool) -> None:
        del thorough

    def folder(self) -> Path:
        raise TypeError("an endpoint has no folder")

    def forget(self) -> None:
        """Nothing was fetched."""


def _is_local(address: str) -> bool:
    return urlsplit(address).hostname in ("127.0.0.1", "localhost", "::1")
