"""A real Chromium before a real server with a toy method; nothing may leave this machine."""

from __future__ import annotations

import asyncio
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Response, sync_playwright

from panels.app import build_app
from panels.border import ADDRESSES
from tests.browser import toy

WAIT_S = 20.0
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HELP = (
    "No Chromium to drive. Install one: `apt-get install chromium`, or "
    "`playwright install chromium` in the project's environment."
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark browser tests and run them last: Playwright keeps an event loop in the main thread,
    beside which no other test could start its own.
    """
    here = Path(__file__).parent
    browser = [item for item in items if here in item.path.parents]
    for item in browser:
        item.add_marker("browser")
    items[:] = [item for item in items if item not in browser] + browser


def find_chromium(playwright: Playwright) -> str:
    """The system's Chromium, else Playwright's own."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    for name in names:
        if (found := shutil.which(name)) is not None:
            return found
    if Path(playwright.chromium.executable_path).exists():
        return playwright.chromium.executable_path
    pytest.fail(HELP, pytrace=False)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=find_chromium(playwright), args=FLAGS, timeout=60_000
        )
        yield opened
        opened.close()


@dataclass
class Served:
    """An application under uvicorn in a thread, and the toy model server behind it."""

    app: FastAPI
    client: toy.ToyClient
    port: int = 0
    server: uvicorn.Server | None = None
    thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        started = threading.Event()

        class Server(uvicorn.Server):
            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                await super().startup(sockets)
                started.set()

        config = uvicorn.Config(
            self.app, log_level="warning", ws="none", timeout_graceful_shutdown=1
        )
        self.server = Server(config)
        self.thread = threading.Thread(target=self.server.run, args=([listener],), daemon=True)
        self.thread.start()
        assert started.wait(WAIT_S), "the page's server did not start"

    def stop(self) -> None:
        assert self.server
        assert self.thread
        self.server.should_exit = True
        self.thread.join(WAIT_S)


def build_in_loop(**options: Any) -> FastAPI:
    """``build_app`` inside an event loop: outside one, Gradio opens loops and leaves them open.

    The loop runs in a thread of its own, because Playwright keeps one in this thread.
    """

    async def build() -> FastAPI:
        return build_app(version="0.0.1", **options)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, build()).result()


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """The page with the toy method."""
    client = toy.ToyClient()
    app = build_in_loop(client=client, methods=(toy.METHOD,), builders={"waves": toy.build})
    running = Served(app, client)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def toy_client(served: Served) -> Iterator[toy.ToyClient]:
    """The toy model server, fresh: gate open, nothing measured but the default text."""
    client = served.client
    client.gate.set()
    client.stopped.clear()
    client.is_down = False
    client.endpoint_says = ""
    client.shared_with = 0
    client.measured = {"Hello."}
    client.requests.clear()
    yield client
    client.is_down = False
    client.gate.set()


@dataclass
class Watched:
    """A page whose requests and errors are written down."""

    page: Page
    address: str
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def open(self, query: str = "") -> Page:
        self.page.goto(self.address + query)
        return self.page

    def open_waves(self, query: str = "?tab=waves") -> Page:
        """Open the toy's tab and wait for its first figure."""
        self.open(query)
        self.page.locator("#wb-study-waves .main-svg").first.wait_for()
        return self.page

    def open_slow(self, query: str = "?tab=waves&study=slow") -> Page:
        """Open the toy's second study, which stands behind a button."""
        self.open(query)
        self.page.locator("#wb-study-waves-slow").wait_for()
        return self.page

    def foreign(self) -> list[str]:
        return [
            url
            for url in self.requests
            if urlsplit(url).scheme in ("http", "https", "ws", "wss")
            and urlsplit(url).hostname != "127.0.0.1"
        ]


@pytest.fixture
def open_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    contexts: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "accept_downloads": True} | options
        )
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.set_default_timeout(WAIT_S * 1000)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()


def _note_refusal(refused: list[str], answer: Response) -> None:
    """What the page itself asks for is never refused by its own border."""
    path = urlsplit(answer.url).path
    if answer.status == 404 and not ADDRESSES.fullmatch(path):
        refused.append(path)


def watch(page: Page, address: str) -> Watched:
    watched = Watched(page, address)
    page.on("request", lambda request: watched.requests.append(request.url))
    page.on("response", lambda answer: _note_refusal(watched.refused, answer))
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    page.on(
        "console",
        lambda message: (
            watched.errors.append(message.text)
            if message.type == "error" and "js_on_load" in message.text
            else None
        ),
    )
    return watched


@pytest.fixture
def watched(
    served: Served, toy_client: toy.ToyClient, open_context: Callable[..., BrowserContext]
) -> Iterator[Watched]:
    """A page that asked for nothing beyond this machine and threw no error, or the test fails."""
    del toy_client
    found = watch(open_context().new_page(), served.address)
    yield found
    assert found.foreign() == []
    assert found.errors == []
    assert found.refused == []
