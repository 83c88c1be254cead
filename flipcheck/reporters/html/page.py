"""What every HTML page is: one file, autoescaped, under a policy that loads nothing."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from flipcheck.errors import no_command
from flipcheck.reporters import words

PLAIN = 256_000
"""Up to how many characters JSON is embedded as it is."""
LONG = 160
"""A text of more signs is cut to a few lines until it is opened; the script has the same."""

TITLE = re.compile(r'<section id="(\w+)"[^>]*>\s*<h2[^>]*>(.*?)</h2>', re.DOTALL)
ASIDE = re.compile(r"<small>.*?</small>|<span[^>]*>.*?</span>", re.DOTALL)


def page(template: str, data: Embedded, **values: object) -> str:
    """A template of this folder as a page; `data` is its value as JSON, from `embedded`."""
    style, script = _asset("style.css"), _asset("script.js")
    return (
        _environment()
        .get_template(template)
        .render(
            words=words,
            style=Markup(style),  # noqa: S704  (our own file)
            script=Markup(script),  # noqa: S704  (our own file)
            policy=f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; "
            f"script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'",
            data=data,
            **values,
        )
    )


@dataclass(frozen=True, slots=True)
class Embedded:
    """A value as text for a script element, and what it is encoded in: nothing, or gzip, base64."""

    text: Markup
    encoding: str = ""


def embedded(written: dict[str, Any]) -> Embedded:
    """A value as JSON that a script element can hold and no log obeys; what is large is packed."""
    text = json.dumps(written, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    if len(text) > PLAIN:
        packed = base64.b64encode(_gzip(text.encode("ascii"))).decode("ascii")
        return Embedded(Markup(packed), "gzip,base64")  # noqa: S704  (letters and digits)
    text = no_command(text)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Embedded(Markup(text))  # noqa: S704  (every sign that HTML knows is escaped above)


def _gzip(data: bytes) -> bytes:
    """The data in gzip, without a time or a name: the same data give the same bytes."""
    packed = BytesIO()
    with gzip.GzipFile("", "wb", 9, packed, mtime=0) as file:
        file.write(data)
    return packed.getvalue()


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("flipcheck.reporters.html", "."),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["commas"] = lambda count: f"{count:,}".replace("-", "−")
    environment.filters["folded"] = folded
    environment.filters["coded"] = coded
    environment.filters["titles"] = titles
    return environment


def folded(text: str) -> Markup:
    """A text for a cell: a long one shows its first lines, and all of it to whoever opens it."""
    if len(text) <= LONG:
        return escape(text)
    return Markup('<details class="text"><summary>{}</summary></details>').format(text)


def coded(text: str) -> Markup:
    """A sentence in which what stands between backticks is a command."""
    parts = [escape(part) for part in text.split("`")]
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part
        for place, part in enumerate(parts)
    )


def titles(sections: Markup) -> list[tuple[str, Markup]]:
    """The name and the title of each section that was rendered, without what small print adds."""
    found = ((name, ASIDE.sub("", title).strip()) for name, title in TITLE.findall(sections))
    return [(name, Markup(title)) for name, title in found]  # noqa: S704  (escaped when rendered)


def _asset(name: str) -> str:
    return (files("flipcheck.reporters.html") / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """The hash under which a policy lets an inline style or script run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
