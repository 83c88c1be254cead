"""The reports of a plan: approved text and page, safe from what files hold, shown by a browser."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from pages import HOSTILE, IN_A_BROWSER, approved, elements

import flipcheck
from flipcheck.reporters.plan import PLAN_REPORTERS, render

SNAPSHOTS = Path(__file__).parent / "snapshots"
GATES = ("negative_flip_rate <= 1%", "error_rate_change <= 0.5%")


@pytest.fixture
def plan():
    """A plan of two gates and a set of a given size: no random number in it."""
    return flipcheck.plan(GATES, examples=5000)


def without_json(page):
    """The page without its JSON, whose last digits are scipy's."""
    return re.sub(r'(id="flipcheck-plan">).*?(</script>)', r"\1\2", page, flags=re.DOTALL)


@pytest.mark.parametrize(("name", "suffix"), [("terminal", "txt"), ("html", "html")])
def test_a_plan_is_what_was_approved(plan, name, suffix):
    """The text is the approved one, to the letter."""
    path = SNAPSHOTS / f"plan.{suffix}"
    text = approved(without_json(PLAN_REPORTERS[name](plan)))
    if os.environ.get("FLIPCHECK_APPROVE"):
        path.write_text(text, encoding="utf-8", newline="\n")
    assert text == path.read_text(encoding="utf-8")


def test_a_plan_keeps_to_its_width(plan, hostile_lint):
    """No line is longer than it may be, and colours change no word."""
    for each in (plan, hostile_lint):
        for width in (60, 80, 100):
            assert max(map(len, render(each, width=width).splitlines())) <= width
        coloured = re.sub(r"\x1b\[[0-9;]*m", "", render(each, color=True))
        assert [line.rstrip() for line in coloured.splitlines()] == render(each).splitlines()


@pytest.fixture
def hostile_lint(tmp_path):
    """Gate lint by slices whose names are hostile."""
    import pyarrow as pa
    from pyarrow import parquet

    rows = range(40 * len(HOSTILE))
    paths = []
    for side in ("old", "new"):
        answers = ["b" if side == "new" and not row % 50 else "a" for row in rows]
        table = pa.table(
            {
                "id": [str(row) for row in rows],
                "label": ["a" if row % 7 else "b" for row in rows],
                "prediction": answers,
                "<b>": [HOSTILE[row % len(HOSTILE)] + "\x1b[2J" for row in rows],
            }
        )
        paths.append(tmp_path / f"{side}.parquet")
        parquet.write_table(table, paths[-1])
    pilot = flipcheck.compare(*paths, gates=["negative_flip_rate <= 5% by <b>"], resamples=0)
    return flipcheck.plan(pilot=pilot, audits=200)


def test_nothing_hostile_becomes_an_element(hostile_lint):
    """Only our own two scripts stand in the page, no handler, nothing from outside."""
    page = PLAN_REPORTERS["html"](hostile_lint)
    found = elements(page)
    assert [tag for tag, _ in found].count("script") == 2
    assert not [name for _, attributes in found for name in attributes if name.startswith("on")]
    assert not [tag for tag, _ in found if tag in {"b", "img", "iframe", "link"}]
    assert "\x1b" not in page
    assert "\x1b" not in render(hostile_lint)


def test_the_json_plan_is_in_the_page(hostile_lint):
    """The element #flipcheck-plan holds the plan."""
    page = PLAN_REPORTERS["html"](hostile_lint)
    text = re.search(r'id="flipcheck-plan">(.*?)</script>', page, re.DOTALL)[1]
    assert json.loads(text) == json.loads(PLAN_REPORTERS["json"](hostile_lint))


@pytest.mark.usefixtures("browser")
class TestInABrowser:
    """What a browser makes of a plan."""

    pytestmark = IN_A_BROWSER

    def test_the_pages_work(self, plan, hostile_lint, opened):
        """The console is silent under the policy, and curves and bars are there."""
        for each, drawn in ((plan, "svg.power"), (hostile_lint, "svg.odds")):
            shown = opened(PLAN_REPORTERS["html"](each))
            assert (shown.console, shown.dialogs, len(shown.requests)) == ([], [], 1)
            assert shown.page.locator(drawn).count()
            assert shown.page.title().startswith("Plan · flipcheck")

    @pytest.mark.parametrize(("width", "theme"), [(1200, "light"), (360, "dark")])
    def test_everyone_can_use_it(self, plan, hostile_lint, opened, theme, width):
        """Axe finds nothing in the page, and a telephone scrolls it up and down only."""
        for each in (plan, hostile_lint):
            shown = opened(
                PLAN_REPORTERS["html"](each),
                color_scheme=theme,
                viewport={"width": width, "height": 800},
            )
            assert shown.violations() == []
            assert shown.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_marks_of_the_chart_are_the_numbers_of_the_table(plan):
    """A dot stands on the goal where each curve's stable number is."""
    from flipcheck.reporters.html.curves import LEFT, RIGHT, WIDTH, power

    each = plan.gates[0]
    svg = str(power(each, 0.8, 5000))
    last = each.curves[0].examples[-1]
    dots = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', svg)]
    numbers = [(x - LEFT) / (WIDTH - LEFT - RIGHT) * last for x in dots]
    assert numbers == pytest.approx([773, 2185, 9409], abs=last / 1000)
