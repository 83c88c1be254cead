"""The pictures of the README: the report of the sample update, by day and by night.

    python sample_data/screenshot.py [FOLDER]

It needs Chromium, and playwright and pillow from the extra `dev`.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import sync_playwright

import flipcheck

ROOT = Path(__file__).parents[1]
WIDTH = 1000
LAST = "#answers"
"""The section with which a picture ends."""
COLORS = 128


def main(folder: Path) -> None:
    """Write report-light.png and report-dark.png into a folder."""
    os.chdir(ROOT)
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as driver:
        page = Path(place) / "report.html"
        flipcheck.compare(
            "sample_data/old.onnx",
            "sample_data/new.onnx",
            "sample_data/images",
            gates=["negative_flip_rate <= 5%", "error_rate_change <= 0"],
        ).save(page)
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        themes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for theme in themes:
            tab = browser.new_page(color_scheme=theme, reduced_motion="reduce")
            tab.set_viewport_size({"width": WIDTH, "height": 800})
            tab.goto(page.as_uri())
            tab.wait_for_selector("#downloads:not([hidden])")
            end = tab.locator(LAST).evaluate("each => each.getBoundingClientRect().bottom")
            tab.set_viewport_size({"width": WIDTH, "height": int(end) + 16})
            shot = Image.open(BytesIO(tab.screenshot()))
            small = shot.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
            small.save(folder / f"report-{theme}.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else ROOT / ".github")
