"""Whether the files that a report tells of are still what they were.

A report may come from anyone: what it names is hashed and nothing else, and only regular files are
opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from flipcheck.errors import FlipcheckError
from flipcheck.evidence.again import evidence_in
from flipcheck.evidence.files import image_files
from flipcheck.evidence.versions import here
from flipcheck.sources.files import is_pattern, reason, sha256, sha256_by_name
from flipcheck.sources.shards import base_of, named_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from flipcheck.report import Report
    from flipcheck.report.evidence import SourceFile

SYSTEM = {Path("/proc"), Path("/sys"), Path("/dev")}
"""What a system makes up while it is read, without an end."""
State = Literal["same", "changed", "missing", "unchecked"]
FORMAT = "flipcheck.verification/1"
WHY_NOT = {
    "standard input": "it came on standard input, and is kept nowhere",
    "python": "it was handed over in Python, and is no file",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that a report tells of, what became of it, and why that is said."""

    file: SourceFile
    state: State
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """Every file that a report tells of, checked; true where all is the same, none unchecked.

    `versions` are those that are others here, as (name, then, now); `now` is None for what is not
    installed. `differences` are the parts of the report that came out otherwise when the audit was
    run again, and None where it was not.
    """

    files: tuple[Checked, ...]
    versions: tuple[tuple[str, str, str | None], ...] = ()
    differences: tuple[str, ...] | None = None

    def of(self, state: State) -> tuple[Checked, ...]:
        """The files of one state."""
        return tuple(each for each in self.files if each.state == state)

    @property
    def verdict(self) -> State:
        """Whether all is the same: what is missing or changed decides, then what was unchecked."""
        if self.of("changed") or self.differences:
            return "changed"
        if self.of("missing"):
            return "missing"
        return "unchecked" if self.of("unchecked") or not self.files else "same"

    def __bool__(self) -> bool:
        return self.verdict == "same"

    def to_dict(self) -> dict[str, Any]:
        """The verification as JSON-ready values, keys in the order of the format."""
        return {
            "format": FORMAT,
            "verdict": self.verdict,
            "files": [
                {
                    "role": each.file.role,
                    "kind": each.file.kind,
                    "path": each.file.path,
                    "state": each.state,
                    "reason": each.reason or None,
                }
                for each in self.files
            ],
            "versions": [
                {"name": name, "then": then, "now": now} for name, then, now in self.versions
            ],
            "differences": None if self.differences is None else list(self.differences),
        }

    def __str__(self) -> str:
        """The verification as the terminal shows it."""
        from flipcheck.reporters.verify import render

        return render(self)


def verified(report: Report, root: Path) -> Verification:
    """Every file of a report's evidence, read again; relative paths are those of `root`.

    Raises InputError for a report that tells of no files.
    """
    found = tuple(_checked(each, root) for each in evidence_in(report).files)
    return Verification(found, _other_versions(report))


def _checked(file: SourceFile, root: Path) -> Checked:
    if file.path is None:
        return Checked(file, "unchecked", WHY_NOT[file.kind])
    try:
        path = root / file.path
        digest = DIGESTS[file.kind](path, file)
    except FileNotFoundError as error:
        lost = Path(str(error.filename)).name if file.parts else ""
        return Checked(file, "missing", f"{lost}: no such file" if lost else "not there")
    except (OSError, ValueError, FlipcheckError) as error:
        why = getattr(error, "message", None) or reason(error)
        return Checked(file, "changed", f"cannot be read: {why}")
    if digest == file.sha256:
        return Checked(file, "same")
    return Checked(file, "changed", f"sha256 {digest[:12]}…, was {str(file.sha256)[:12]}…")


def _of_file(path: Path, _file: SourceFile) -> str:
    return sha256(path)


def _of_model(path: Path, file: SourceFile) -> str:
    """The digest of a model, with its external data."""
    return sha256(path, *(path.parent / part for part in file.parts))


def _of_images(path: Path, _file: SourceFile) -> str:
    _require(path)
    _check_place(path)
    return sha256_by_name(image_files(path))


def _of_tables(path: Path, _file: SourceFile) -> str:
    """The digest of a folder of tables, or of the files that match a pattern."""
    _check_place(base_of(path))
    named = named_files(path) if path.is_dir() or is_pattern(path) else []
    if not named:
        raise FileNotFoundError(2, "no such file or folder", str(path))
    return sha256_by_name(named)


def _check_place(folder: Path) -> None:
    """Raise ValueError for folders that no audit is of, and that nobody could read to their end."""
    place = folder.resolve()
    if place == Path(place.anchor) or SYSTEM & {place, *place.parents}:
        raise ValueError(f"{folder} is no folder of a test set")


def _require(path: Path) -> None:
    if not path.exists():
        raise FileNotFoundError(2, "no such file or folder", str(path))


DIGESTS: dict[str, Callable[[Path, SourceFile], str]] = {
    "file": _of_file,
    "model": _of_model,
    "images": _of_images,
    "tables": _of_tables,
}
"""How the digest of each kind of file is taken."""


def _other_versions(report: Report) -> tuple[tuple[str, str, str | None], ...]:
    """The versions that are others here than they were."""
    now, then = here(), {"flipcheck": report.version, **report.run}
    return tuple(
        (name, then[name], now.get(name))
        for name in then
        if name in COMPARED and then[name] != now.get(name)
    )


COMPARED = (
    *("flipcheck", "python", "numpy", "scipy", "pyarrow", "pillow", "tokenizers"),
    *("onnxruntime", "machine"),
)


NUMBERS_APART = {"digest", "version", "run", "evidence", "history"}
"""The parts of a report that say how it was made and what was before, and not what came out."""


def differences(before: Report, after: Report) -> tuple[str, ...]:
    """The parts of a report that came out otherwise in another."""
    one, other = before.to_dict(), after.to_dict()
    names = dict.fromkeys((*one, *other))
    return tuple(
        name for name in names if name not in NUMBERS_APART and one.get(name) != other.get(name)
    )
