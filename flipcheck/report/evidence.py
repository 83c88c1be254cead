"""What a report was made of: the command, its options, and every file that decided a number."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from flipcheck.report.parts import check_texts

if TYPE_CHECKING:
    from collections.abc import Mapping

FileKind = Literal["file", "model", "tables", "images", "standard input", "python"]
KINDS = get_args(FileKind)
ROLES = (
    *("old", "new", "data", "old data", "new data", "labels", "classes", "label map"),
    *("preprocess", "tokenizer", "costs", "critical", "waivers", "rerun", "config"),
)
"""What a file may have decided."""
DIGEST = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"[a-z_]+")
MOMENT = re.compile(r"\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file or folder that decided numbers; `path` is as it was given.

    `kind` says what the digest goes over: one file's bytes; a model's and then those of its `parts`
    (external data, named from the model's folder); or, of a folder or a pattern of tables or
    images, the name and content of each file, sorted by name. What came on standard input has no
    path, and what was handed over in Python neither path nor digest.
    """

    role: str
    kind: FileKind
    path: str | None
    sha256: str | None
    bytes: int | None = None
    files: int | None = None
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_texts(self.role, *self.parts, *(each for each in (self.path, self.sha256) if each))
        if self.kind not in KINDS or self.role not in ROLES:
            raise ValueError(f"no kind or role of a file: {self.kind!r:.80}, {self.role!r:.80}")
        if self.sha256 is not None and not DIGEST.fullmatch(self.sha256):
            raise ValueError(f"{self.sha256[:80]!r} is no SHA-256")
        if (self.path is None) is not (self.kind in {"standard input", "python"}):
            raise ValueError(f"a file of the kind {self.kind!r} with the path {self.path!r}")
        if self.path is not None and self.sha256 is None:
            raise ValueError(f"no digest of {self.path[:80]!r}")
        for count in (self.bytes, self.files):
            if count is not None and (type(count) is not int or count < 0):
                raise ValueError(f"{count!r} bytes or files")


@dataclass(frozen=True, slots=True)
class Evidence:
    """How an audit was called, and what it read.

    `options` are the sources and every option that is not at its default and decides the report;
    `python_only` names those that no command line can write, and `command` is None where there
    are any. `created` is the time of SOURCE_DATE_EPOCH, in UTC, where that was set.
    """

    command: str | None
    options: Mapping[str, Any]
    files: tuple[SourceFile, ...] = ()
    python_only: tuple[str, ...] = ()
    created: str | None = None

    def __post_init__(self) -> None:
        check_texts(*self.options, *self.python_only)
        check_texts(*(each for each in (self.command, self.created) if each is not None))
        odd = [name for name in (*self.options, *self.python_only) if not NAME.fullmatch(name)]
        if odd or (self.created is not None and not MOMENT.fullmatch(self.created)):
            raise ValueError("its evidence has an option or a time that is none")

    def to_dict(self) -> dict[str, Any]:
        """The evidence as the JSON report writes it; numbers of options keep all their digits."""
        return {
            "command": self.command,
            "python_only": list(self.python_only),
            "options": dict(self.options),
            "files": [asdict(each) | {"parts": list(each.parts)} for each in self.files],
            "created": self.created,
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> Evidence:
        """The evidence that `to_dict` wrote."""
        files = tuple(
            SourceFile(**{**each, "parts": _tuple(each["parts"])}) for each in written["files"]
        )
        return cls(**{**written, "files": files, "python_only": _tuple(written["python_only"])})


def _tuple(written: Any) -> tuple[Any, ...]:
    if not isinstance(written, list):
        raise TypeError("a list is none")
    return tuple(written)
