"""The pytest plugin: `flipcheck("old.onnx", "new.onnx", "data/").must("negative_flip_rate <= 1%")`.

The fixture takes what `flipcheck.compare` takes. Relative paths start at the current folder, as
everywhere in Python; `request.path.parent` is the folder of a test. Nothing but pytest is imported
before a test audits something.
"""

from __future__ import annotations

import os
import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, get_args

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from flipcheck.gates import Gate
    from flipcheck.report import Report

Open = Literal["fail", "skip", "xfail"]
"""What an undecided gate makes of a test; never a pass."""
ENDINGS: dict[str, Callable[[str], NoReturn]] = {
    "fail": pytest.fail,
    "skip": pytest.skip,
    "xfail": pytest.xfail,
}
PROPERTY = "flipcheck"
"""The property of a test that tells of an audit in one line: JUnit files and the summary show it,
and it travels from workers to the process that prints."""
FOLDER = pytest.StashKey[Path]()
LONGEST_NAME = 100
"""How much of a test's name a file name keeps."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the group "flipcheck"."""
    group = parser.getgroup("flipcheck", "audits of model updates")
    group.addoption(
        "--flipcheck-report",
        metavar="DIR",
        help="Write the HTML and JSON report of every audit into this folder.",
    )
    group.addoption(
        "--flipcheck-inconclusive",
        choices=get_args(Open),
        default="fail",
        help="What a test becomes where its examples are too few to decide a gate (fail).",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a folder of reports that cannot be one, before a test runs."""
    folder = config.getoption("--flipcheck-report")
    if folder is None:
        return
    if Path(folder).exists() and not Path(folder).is_dir():
        raise pytest.UsageError(f"--flipcheck-report {folder}: a file, not a folder")
    config.stash[FOLDER] = Path(folder).absolute()  # wherever a test goes from here


class Audited:
    """One audit in a test, run when its first gates are known.

    `report` is its Report, whose attributes it has too: `audited.metrics`, `audited.slices` ….
    """

    def __init__(
        self, item: pytest.Item, sources: tuple[Any, ...], options: dict[str, Any]
    ) -> None:
        self._item = item
        self._sources = sources
        self._options = options
        self.made: Report | None = None
        self._gates: list[Gate] = []
        self.judged = False

    @property
    def report(self) -> Report:
        """The Report, audited with the gates so far."""
        __tracebackhide__ = True
        if self.made is None:
            self._audit()
        assert self.made is not None  # noqa: S101  (or the audit has raised)
        return self.made

    def must(self, *gates: str | Gate, inconclusive: Open | None = None) -> Audited:
        """The same audit, where it passes the gates; the test fails where it does not.

        Gates are limits as on the command line, "negative_flip_rate <= 1% by region". Where the
        examples are too few to decide one the test fails too, unless `inconclusive` makes it
        "skip" or "xfail".
        """
        __tracebackhide__ = True
        asked = self._item.config.getoption("--flipcheck-inconclusive")
        ending = asked if inconclusive is None else inconclusive
        if ending not in ENDINGS:
            _stop(f"must(): inconclusive is {ending!r}\n  hint: it is one of {', '.join(ENDINGS)}")
        if not gates and not self._options.get("gates"):
            _stop('must() without a gate\n  hint: give limits: must("negative_flip_rate <= 1%")')
        self._judge(gates)
        self.judged = True
        self._conclude(ending)
        return self

    def __getattr__(self, name: str) -> Any:
        """What the report has of that name."""
        __tracebackhide__ = True
        if name.startswith("_"):
            raise AttributeError(name)
        self.judged |= name == "verdict"  # which the test then asserts
        return getattr(self.report, name)

    def __repr__(self) -> str:
        sides = ", ".join(str(each) for each in self._sources[:2] if isinstance(each, (str, Path)))
        return f"<audit of {sides or 'arrays'}>"

    @property
    def forgotten(self) -> bool:
        """Whether nothing was compared, or something gates it and nobody asked for the verdict."""
        return self.made is None or (bool(self.made.gates) and not self.judged)

    def _judge(self, gates: Sequence[str | Gate]) -> None:
        """Have these gates judged beside those that came before."""
        __tracebackhide__ = True
        from flipcheck.asked import gates_of
        from flipcheck.errors import FlipcheckError

        try:
            self._gates += gates_of(gates)
        except FlipcheckError as error:
            _stop(str(error))
        self._audit()

    def _audit(self) -> None:
        """Run the audit, or judge the one there is anew where it has all that its gates need."""
        __tracebackhide__ = True
        from flipcheck.api import compare
        from flipcheck.asked import gates_of
        from flipcheck.audits.judging import rejudge
        from flipcheck.errors import FlipcheckError
        from flipcheck.evidence import judged_by

        made, self.made = self.made, None  # so that a failure leaves no verdict of before
        try:
            gates = [*gates_of(self._options.get("gates", ())), *self._gates]
            if made is not None and _can_judge(made, gates):
                decide = self._options.get("decide", "bound")
                self.made = judged_by(rejudge(made, gates, decide).rounded(), gates, decide)
            else:
                self.made = compare(*self._sources, **self._options | {"gates": gates})
        except FlipcheckError as error:
            _stop(f"{error}{_where(self._sources)}")

    def _conclude(self, ending: str) -> None:
        """End the test where the verdict is no pass."""
        __tracebackhide__ = True
        from flipcheck.gates import Verdict
        from flipcheck.reporters import REPORTERS
        from flipcheck.reporters.reasons import reasons

        if self.report.verdict is Verdict.PASS:
            return
        self._item.add_report_section("call", "flipcheck", REPORTERS["terminal"](self.report))
        told = reasons(self.report)
        if self.report.verdict is Verdict.INCONCLUSIVE:
            ENDINGS[ending](told)
        pytest.fail(told)


def _can_judge(report: Report, gates: Sequence[Gate]) -> bool:
    """Whether a report has what gates are judged on: the slices, and all of the examples."""
    known = {part.by for part in (*report.slices, *report.classes)}
    asked = {gate.by or (gate.where or ("",))[0] for gate in gates} - {""}
    return asked <= known and report.early_stop is None


def _where(sources: Sequence[Any]) -> str:
    """Where relative paths start, in case one of them is not there."""
    paths = [each for each in sources if isinstance(each, (str, Path))]
    if all(os.path.isabs(each) or os.path.exists(each) for each in paths):  # noqa: PTH110, PTH117
        return ""
    return f"\n  paths start at {Path.cwd()}; request.path.parent is the folder of the test"


AUDITS = pytest.StashKey[list[Audited]]()


@pytest.fixture
def flipcheck(request: pytest.FixtureRequest) -> Callable[..., Audited]:
    """Audit an update, as `flipcheck.compare` does: flipcheck(old, new, data).must("GATE").

    It takes the same arguments and options. Relative paths start at the current folder. In such a
    test the name is this fixture, and the module needs another: `import flipcheck as fc`. An audit
    that several tests share is a fixture of your own with `fc.compare(…)`; assert its verdict.
    """
    item: pytest.Item = request.node
    audits: list[Audited] = []
    item.stash[AUDITS] = audits

    def audit(old: Any, new: Any, data: Any = None, **options: Any) -> Audited:
        audits.append(Audited(item, (old, new, data), options))
        return audits[-1]

    return audit


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Tell of the audits of fixtures that end a test before it is called."""
    try:
        return (yield)
    except BaseException:
        _record(item)
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Tell of each audit of a test, and fail a test that audited nothing."""
    try:
        result = yield
    finally:
        _record(item)
    audits = item.stash.get(AUDITS, None)
    if audits == []:
        pytest.fail(
            "nothing was audited: the test has the fixture flipcheck, and never called it\n"
            "  hint: call it, or pytest.skip where there is nothing to compare",
            pytrace=False,
        )
    for each in audits or []:
        if each.forgotten:
            pytest.fail(
                f"{each!r} was never judged\n"
                '  hint: say what must hold, as in .must("negative_flip_rate <= 1%"), or assert '
                "its .verdict",
                pytrace=False,
            )
    return result


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line for each audit: its verdict, and the test that made it."""
    lines = [
        line
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call" or getattr(report, "outcome", "passed") != "passed"
        for line in _told(report)
    ]
    if lines:
        terminalreporter.section("flipcheck")
        for line in lines:
            terminalreporter.write_line(line)


def _told(report: Any) -> list[str]:
    """The audits of a test, and where the reports of those lie that do not pass."""
    lines: list[str] = []
    passed = True
    for name, told in getattr(report, "user_properties", ()):
        if name == PROPERTY:
            lines.append(f"{told}  ({report.nodeid})")
        elif name == f"{PROPERTY}_verdict":
            passed = told == "pass"
        elif name == f"{PROPERTY}_report" and not passed:
            lines.append(f"  {told}")
    return lines


def _record(item: pytest.Item) -> None:
    """What an audit came to, as properties of its test; and its reports, where asked for."""
    __tracebackhide__ = True
    from itertools import count

    numbers = count(1)
    for each in item.stash.get(AUDITS, []):
        report = each.made
        if report is None:
            continue
        item.user_properties += _properties(report)
        folder = item.config.stash.get(FOLDER, None)
        if folder is not None:
            stem = folder / file_name(item.nodeid, next(numbers))
            _write(report, stem)
            item.user_properties.append((f"{PROPERTY}_report", f"{stem}.html"))


def _properties(report: Report) -> list[tuple[str, object]]:
    """What a JUnit file tells of an audit."""
    from flipcheck.reporters import words

    rate = report.metrics["negative_flip_rate"].value
    told = f"{words.TITLES[report.verdict]}  {words.clean(report.old.name)} → "
    told += f"{words.clean(report.new.name)}: NFR {words.percent(rate)}"
    if report.gates:
        told += f"; {words.tallied(report.gates)}"
    return [
        (PROPERTY, told),
        (f"{PROPERTY}_verdict", str(report.verdict or "none")),
        (f"{PROPERTY}_negative_flip_rate", rate),
        (f"{PROPERTY}_negative_flips", int(report.tally.negative_flips)),
        (f"{PROPERTY}_examples", int(report.tally.examples)),
    ]


def _write(report: Report, stem: Path) -> None:
    """Both reports of an audit, in a folder that is made where it is not there yet."""
    __tracebackhide__ = True
    from flipcheck.errors import FlipcheckError

    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        for suffix in (".html", ".json"):
            report.save(f"{stem}{suffix}")
    except (FlipcheckError, OSError) as error:
        _stop(f"--flipcheck-report: {error}")


def file_name(test: str, number: int) -> str:
    """A safe name, without suffix, for the reports of one of a test's audits; no two share one."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", test).strip("-")[-LONGEST_NAME:]
    digest = sha256(test.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain}-{digest}" + ("" if number == 1 else f"-{number}")


def _stop(told: str) -> NoReturn:
    """Fail the test with what could not be done."""
    __tracebackhide__ = True
    raise pytest.fail.Exception(f"flipcheck could not audit: {told}") from None
