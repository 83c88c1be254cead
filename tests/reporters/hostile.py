"""Reports of which every text that comes from a file is hostile."""

from __future__ import annotations

from dataclasses import replace

import flipcheck
from flipcheck.contract import Difference, Repeatability
from flipcheck.policy import Suspect

MARK = "zq7"
"""Part of every hostile text, so that a test sees where it went."""
HOSTILE = (
    f"<script>alert('{MARK}')</script>",
    f"<img src=x onerror=alert(1)>{MARK}",
    f"<a href='javascript:alert(1)'>{MARK}</a>",
    f"[{MARK}](javascript:alert(1))",
    f"![{MARK}](http://evil.example/a.png)",
    f"[{MARK}]: http://evil.example",
    f"<http://evil.example/{MARK}>",
    f"https://evil.example/{MARK}",
    f"see www.evil.example/{MARK}",
    f"{MARK}@evil.example",
    f"@{MARK} please",
    f"fixes #123 {MARK}",
    f"owner/{MARK}#4",
    f"deadbeefdeadbeef{MARK} deadbeefdeadbeef",
    f"a|b|{MARK}|c",
    f"\\|{MARK}\\",
    f"`{MARK}`",
    f"``` {MARK} ``",
    f"one\n\n# {MARK}\n- two",
    f"--> {MARK} <!--",
    f"</details></summary>{MARK}",
    f"<!-- flipcheck-report --> {MARK}",
    f"\x1b[31m\x1b]0;{MARK}\x07\x9b2J",
    f"[red]{MARK}[/red][link=http://evil.example]x[/link]",
    f"::error file=a::{MARK}",
    f"  ::set-output name=a::{MARK}",
    f"##[group]{MARK}",
    f"\u202e{MARK}\u2066\u200b\u200f",
    f"\x00{MARK}\x7f\ufeff",
    f"\r{MARK}\u2028\u2029\x85",
    f"$$\\frac{{{MARK}}}$$",
    f"**{MARK}** _{MARK}_ ~~{MARK}~~",
    f"&lt;b&gt;{MARK}&#64;",
    f"- [ ] {MARK}",
    f"> {MARK}",
    f"1. {MARK}",
    f"{MARK}\n===",
    f":tada: {MARK}",
    "{{ 7 * 7 }}" + MARK,
    f"日本語の名前👩‍👩‍👧 {MARK}" + "漢" * 70,
    MARK + "x" * 5000,
    f"={MARK}+1",
)


def hostile_report(texts=HOSTILE):
    """A report whose ids, labels, answers, columns, values, reasons and warnings are these."""
    count = len(texts)
    ids = [f"{row}{text}" for row, text in enumerate(texts)]
    columns = {texts[0]: list(texts), texts[-1]: ["a", "b"] * (count // 2) + ["a"] * (count % 2)}
    right = flipcheck.Predictions.from_arrays(
        list(texts), list(texts), ids=ids, columns=columns, confidence=[0.5] * count, name=texts[0]
    )
    wrong = flipcheck.Predictions.from_arrays(
        [*texts[1:], texts[0]], ids=ids, confidence=[0.9] * count, name=texts[1]
    )
    waivers = [
        {"id": each, "reason": text, "owner": text, "expires": "2999-12-31"}
        for each, text in zip(ids[:20], texts[::-1], strict=False)
    ]
    report = flipcheck.compare(
        right,
        wrong,
        by=list(columns),
        gates=["negative_flip_rate <= 1%", "error_rate_change <= 99%"],
        critical=ids[20:24],
        waivers=waivers,
        label_noise=0.1,
        show=list(columns),
        resamples=0,
    )
    return dressed(report, texts)


def dressed(report, texts):
    """The same report with hostile text in what only models and other runs tell."""
    texts = [*texts] * 7  # enough of them for every place
    difference = Difference(texts[0], texts[1], texts[2], "answers", texts[3])
    calm = tuple(Difference(each, each, each, "cost", each) for each in texts)
    still = Repeatability(3, 1, 0, 0.1, depends_on_batch=False, random=True, done=texts[4])
    noise = report.label_noise and replace(
        report.label_noise,
        relabel=tuple(Suspect(each, each, each, each, 0.5, 0.5, each) for each in texts),
    )
    critical = report.critical and replace(
        report.critical,
        broken=tuple(
            replace(each, reason=text)
            for each, text in zip(report.critical.broken, texts, strict=False)
        ),
    )
    gates = tuple(
        replace(each, reason=text) for each, text in zip(report.gates, texts * 2, strict=False)
    )
    return replace(
        report,
        warnings=tuple(texts),
        run={"scipy": "1\x1b[31m\n::error::x\n##[error]x", texts[0]: "1"},
        contract=(difference, *calm),
        repeatability={"old": still},
        data=replace(report.data, source=texts[5], cluster=texts[6], clusters=3),
        label_noise=noise,
        critical=critical,
        gates=gates,
    )
