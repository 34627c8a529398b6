"""Take the screenshots of the documents: ``python -m tests.browser.shots FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import FLAGS, find_chromium
from tests.browser.launching import launched

WIDE, TALL = (1440, 900), (820, 1180)
ATTENTION = "?v=1&tab=attention"
FIGURE = ".js-plotly-plot .main-svg"
SHOTS = {
    "overview": ("", WIDE, "light", "text=See what the papers do"),
    "attention": (ATTENTION, WIDE, "light", FIGURE),
    "attention-dark": (ATTENTION, WIDE, "dark", FIGURE),
    "attention-tall": (ATTENTION, TALL, "light", FIGURE),
    "microscope": (f"{ATTENTION}&study=microscope", WIDE, "light", FIGURE),
    "transition": (f"{ATTENTION}&study=transition", WIDE, "light", FIGURE),
    "heads": (f"{ATTENTION}&study=heads", WIDE, "light", FIGURE),
    "swap": (f"{ATTENTION}&study=swap", WIDE, "light", FIGURE),
    "gla": ("?v=1&tab=gla", WIDE, "light", FIGURE),
    "gla-dark": ("?v=1&tab=gla", WIDE, "dark", FIGURE),
    "teaching": ("?v=1&tab=teaching", WIDE, "light", FIGURE),
    "be-the-teacher": ("?v=1&tab=teaching&study=hand", WIDE, "light", FIGURE),
    "dsp": ("?v=1&tab=dsp&study=bench", WIDE, "light", ".wb-passage"),
    "grounded": ("?v=1&tab=grounded&study=theatre", WIDE, "light", FIGURE),
    "visionllm": ("?v=1&tab=visionllm&study=console", WIDE, "light", FIGURE),
    "status": ("?v=1&tab=status", WIDE, "light", "text=What the model server is doing now"),
}


def main(folder: Path) -> None:
    """Write one PNG for each entry of ``SHOTS``."""
    folder.mkdir(parents=True, exist_ok=True)
    with launched("--port", "0") as workbench, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(playwright), args=FLAGS, timeout=60_000
        )
        for name in SHOTS:
            _shoot(browser, workbench.address, name, folder)
        browser.close()


def _shoot(browser: Browser, address: str, name: str, folder: Path) -> None:
    query, (width, height), scheme, landmark = SHOTS[name]
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page.goto(address + query)
    target = page.locator(landmark).first
    target.wait_for(timeout=60_000)
    page.wait_for_timeout(1_500)  # figures below the landmark, and the last frame of a fade
    page.screenshot(path=folder / f"{name}.png")
    page.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
