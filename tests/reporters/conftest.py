"""A browser for the pages, started once, and a large report and a hostile one to show it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pages import CHROMIUM, HOSTILE, Opened, updated

import flipcheck
from flipcheck.reporters import REPORTERS
from flipcheck.stats.discovery import Finding


@pytest.fixture(scope="session")
def browser():
    """Chromium under Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def opened(browser, tmp_path):
    """A function that opens the text of a page as a local file."""
    contexts = []

    def show(text, **how):
        path = tmp_path / "page.html"
        path.write_text(text, encoding="utf-8")
        contexts.append(browser.new_context(**how))
        contexts[-1].set_default_timeout(120_000)  # a busy machine is no failure
        found = Opened(contexts[-1].new_page())
        found.page.on("console", lambda message: found.console.append(message.text))
        found.page.on("pageerror", lambda error: found.console.append(str(error)))
        found.page.on("request", lambda request: found.requests.append(request.url))
        found.page.on("dialog", lambda box: (found.dialogs.append(box.message), box.dismiss()))
        found.page.goto(path.as_uri())
        if how.get("java_script_enabled", True) and found.page.query_selector("#downloads"):
            found.page.wait_for_selector("#downloads:not([hidden])")
        assert found.requests[:1] == [path.as_uri()]
        return found

    yield show
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def large():
    """A report of a thousand classes with ten thousand flips listed, and its page."""
    report = updated(60_000, 1000, 10_000)
    assert (len(report.classes), len(report.negative_flips.examples)) == (1000, 10_000)
    return report, REPORTERS["html"](report)


@pytest.fixture
def hostile(tmp_path):
    """A report whose every text from files is hostile: ids, labels, names, reasons, warnings."""
    import pyarrow as pa
    from pyarrow import parquet

    rows = range(len(HOSTILE))
    paths = []
    for side in ("old", "new"):
        answers = HOSTILE if side == "old" else HOSTILE[1:] + HOSTILE[:1]
        ids = [f"{row}{HOSTILE[row]}" for row in rows]
        table = pa.table({"id": ids, "label": HOSTILE, "prediction": answers, "<b>": HOSTILE})
        paths.append(tmp_path / f"{side}<img src=x onerror=alert(1)>.parquet")
        parquet.write_table(table, paths[-1])
    lists = {"never<b>.csv": "id,reason", "waivers<b>.csv": "id,reason,owner,expires"}
    for place, (name, header) in enumerate(lists.items()):
        cells = [ids[place], *([HOSTILE[2]] * (header.count(",") - place)), "9999-12-31"]
        row = ",".join(
            '"' + each.replace('"', '""') + '"' for each in cells[: header.count(",") + 1]
        )
        (tmp_path / name).write_text(f"{header}\n{row}\n", encoding="utf-8")
    report = flipcheck.compare(
        *paths,
        by=["<b>", "<b>,class"],
        gates=["negative_flip_rate <= 5% by <b>,class"],
        discover=True,
        min_slice=2,
        critical=str(tmp_path / "never<b>.csv"),
        waivers=str(tmp_path / "waivers<b>.csv"),
        label_noise="30%",
    )
    places = tuple((column, HOSTILE[0]) for column in ("<b>", HOSTILE[1]))
    found = (Finding(places, 2, 1, 4, 1, 0.01, None),)
    return replace(
        report,
        discovery=replace(report.discovery, found=found),
        warnings=(*report.warnings, *HOSTILE),
        run={"scipy": "1\x1b[31m\n::error::x\n##[error]x", HOSTILE[0]: HOSTILE[1]},
        gates=tuple(replace(each, reason="no\n::error::x") for each in report.gates),
    )


@pytest.fixture
def few(sample):
    """The report of the sample predictions: twelve flips."""
    paths = (sample / f"{side}_predictions.csv" for side in ("old", "new"))
    gates = ["negative_flip_rate <= 1%", "negative_flip_rate <= 8% by ink"]
    return flipcheck.compare(*paths, by=["ink"], gates=gates, discover=True)


@pytest.fixture
def shown(few, opened):
    """The page of the sample predictions."""
    return opened(REPORTERS["html"](few))


@pytest.fixture
def many(large, opened):
    """The page of ten thousand flips."""
    return opened(large[1])
