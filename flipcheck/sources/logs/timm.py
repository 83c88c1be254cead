"""timm's inference script: file names with the best classes, as CSV, Parquet or JSON.

`label` is what the model says, not the truth; `prob_0` is the probability of the best class, not
that of class 0. Both would be read wrongly as a plain table.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from flipcheck.errors import SHOWN, InputError, plural
from flipcheck.labels import Labels, shared_names
from flipcheck.predictions import Predictions
from flipcheck.sources.files import sha256
from flipcheck.sources.logs.held import HeldTable, by_rows
from flipcheck.sources.logs.peek import objects
from flipcheck.sources.logs.problems import Problems
from flipcheck.sources.saved.tables import column_of
from flipcheck.sources.saved.values import as_ids, as_labels, as_numbers
from flipcheck.sources.spec import PREDICTION_NAMES
from flipcheck.sources.tables import open_table
from flipcheck.sources.tables.jsonl import strange, typed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.sources.logs.peek import Peek
    from flipcheck.sources.logs.picks import Picks
    from flipcheck.sources.spec import Columns
    from flipcheck.sources.tables import Table

FILE = "filename"
ANSWERS = ("index", "label")
"""What names a class: its index, which is distinct, before its description, which may not be."""
SCORES = ("prob", "logit")
NUMBERS = re.compile(r"[0-9eE+.\s-]+")
QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
HINT = "write it with --results-separate-col, or with --topk 1"


def fits(peek: Peek) -> bool:
    """Whether a file holds file names with the best class or classes of each, and scores."""
    names = _names(peek)
    if FILE not in names or any(name in PREDICTION_NAMES for name in names):
        return False
    if set(ANSWERS) & set(names) and set(SCORES) & set(names):
        return True
    scores = next((found for each in SCORES if (found := _numbered(names, each))), [])
    if any(f"{name}_0" in names for name in ANSWERS):
        return not scores or _falling(peek, scores)
    return set(names) == {FILE, *scores} and len(scores) > 1 and _falling(peek, scores)


def is_plain(peek: Peek, columns: Columns) -> bool:
    """Whether the user named columns that make the file a plain table, with a truth of its own."""
    names, answers = set(_names(peek)), re.compile(r"(index|label)(_\d+)?")
    answer = columns.prediction
    other = answer is not None and answer in names and not answers.fullmatch(answer)
    return other or bool({columns.label, columns.correct} & names)


def _names(peek: Peek) -> tuple[str, ...]:
    """The columns of a table in any of the forms that pandas writes."""
    value = peek.value
    if not peek.whole:
        return peek.columns
    if not isinstance(value, dict) or not value:
        return ()
    if isinstance(value.get("columns"), list) and "data" in value and "_type" not in value:
        return tuple(str(name) for name in value["columns"])
    first = next(iter(value.values()))
    known = {f"{name}{end}" for name in (*ANSWERS, *SCORES) for end in ("", "_0")}
    return (FILE, *first) if isinstance(first, dict) and set(first) & known else ()


def _falling(peek: Peek, scores: Sequence[str]) -> bool:
    """Whether numbered scores fall in every row: those of the best, and of no class."""
    import numpy as np

    try:
        table = _table(peek)
        loaded = table.load(scores)
        columns = [as_numbers(column_of(table, name), loaded[name], table.lines) for name in scores]
    except InputError:
        return False
    pairs = pairwise(columns)
    return len(columns[0]) > 1 and all(bool(np.all(one >= other)) for one, other in pairs)


def _table(peek: Peek) -> Table:
    if not peek.whole:
        return _lines(peek) if peek.kind == "jsonl" else open_table(peek.path, peek.kind)
    value = peek.document()
    if isinstance(value.get("columns"), list):
        return by_rows(peek.path, value["columns"], value.get("data"))
    problems = Problems(peek.path)
    for name, row in value.items():
        if not isinstance(row, dict):
            problems.add(f"{name!r} is no JSON object")
    problems.check("give the file that timm's inference.py wrote")
    names = list(dict.fromkeys(key for row in value.values() for key in row))
    held: dict[str, list[Any]] = {key: [row.get(key) for row in value.values()] for key in names}
    return HeldTable(peek.path, "jsonl", (FILE, *names), held={FILE: list(value), **held})


def _lines(peek: Peek) -> Table:
    """JSON lines, of which values may be lists."""
    rows, problems = [], Problems(peek.path)
    for _, row, wrong in objects(peek.path):
        rows.append(row)
        if wrong:
            problems.add(wrong)
    problems.check("every line is one JSON object")
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    held = {name: [row.get(name) for row in rows] for name in names}
    return HeldTable(peek.path, "jsonl", names, held=held)


def read(peek: Peek, columns: Columns, _picks: Picks) -> Predictions:
    """The best class of each file, those after it, and how sure the first was."""
    table = _table(peek)
    file = columns.id or FILE
    table.require([file], "--id")
    answer, score = _answer_name(table, columns), _score_name(table)
    by = [name for name in columns.labels() if name in table.names]
    loaded = table.load([file, *by])
    best = [as_labels(column_of(table, answer), each) for each in _ranks(table, answer)]
    return Predictions(
        name=str(table.path),
        ids=as_ids(column_of(table, file), loaded[file]),
        confidence=_confidence(table, score),
        columns={name: as_labels(column_of(table, name), loaded[name]) for name in by},
        source=str(table.path),
        available=table.names,
        facts={
            "kind": "predictions",
            "sha256": sha256(table.path),
            "format": "timm",
            "columns": {"id": file, "prediction": answer},
        },
        **_several(best),
    )


def _several(best: Sequence[Labels]) -> dict[str, Any]:
    """The best classes, and all in their order where there is more than one for each file."""
    import numpy as np

    if len(best) == 1:
        return {"answers": best[0]}
    names = shared_names(*best)
    codes = [each.recoded(names) for each in best]
    return {"answers": Labels(codes[0], names), "ranked": np.stack(codes, axis=1)}


def _ranks(table: Table, name: str) -> list[Any]:
    """A column of each rank, best first: numbered columns, or one column of lists."""
    names = _numbered(table.names, name.removesuffix("_0")) if name.endswith("_0") else [name]
    cells = [_cells(table, each) for each in names]
    _check_cells(table, name, [each for column in cells for each in column])
    if len(cells) > 1 or not any(isinstance(cell, list) for cell in cells[0]):
        return [typed(each) for each in cells]
    width = next(len(cell) for cell in cells[0] if isinstance(cell, list))
    problems = Problems(table.path)
    for row, cell in zip(table.lines(range(len(cells[0]))), cells[0], strict=True):
        if not isinstance(cell, list) or len(cell) != width or not width:
            problems.add(f"row {row:,}: {name!r} is no list of {width}, as it is in other rows")
    problems.check(HINT)
    return [typed([cell[rank] for cell in cells[0]]) for rank in range(width)]


def _check_cells(table: Table, name: str, cells: Sequence[Any]) -> None:
    """Raise InputError for values that are no text and no number, nor a list of these."""
    parts = (part for cell in cells for part in (cell if isinstance(cell, list) else [cell]))
    odd = next((found for part in parts if (found := strange(part))), "")
    if odd:
        raise InputError(f"{column_of(table, name)}: a value is {odd}", hint=HINT)


def _cells(table: Table, name: str) -> list[Any]:
    """The values of a column; text that numpy wrote of a list is that list again."""
    if isinstance(table, HeldTable):
        return list(table.held[name])
    cells = table.load([name])[name].to_pylist()
    return [_listed(cell) if isinstance(cell, str) else cell for cell in cells]


def _listed(text: str) -> Any:
    """The values of "[281 282]" or "['cat' 'dog']"; any other text as it is."""
    if not (text.startswith("[") and text.endswith("]")):
        return text
    inner = text[1:-1]
    if NUMBERS.fullmatch(inner):
        return inner.split()
    if QUOTED.sub("", inner).strip(" \n,"):
        return text
    return [one or other for one, other in QUOTED.findall(inner)]


def _confidence(table: Table, name: str | None) -> NDArray[np.float32] | None:
    """The probability of the best class; None where there are logits, or nothing."""
    import numpy as np

    if name is None or not name.startswith(SCORES[0]):
        return None
    what = column_of(table, name)
    found = as_numbers(what, _ranks(table, name)[0], table.lines)
    bad = np.flatnonzero(~((found >= 0) & (found <= 1 + 1e-6)))
    if len(bad):
        rows = ", ".join(f"{row:,}" for row in table.lines(bad[:SHOWN].tolist()))
        raise InputError(
            f"{what}: {plural(len(bad), 'row')} without a probability from 0 to 1: row {rows}",
            hint="a broken model answers NaN; find out why before comparing",
        )
    return found.astype(np.float32)


def _answer_name(table: Table, columns: Columns) -> str:
    if columns.prediction is not None:
        table.require([columns.prediction], "--prediction")
        return columns.prediction
    for name in ANSWERS:
        for each in (name, f"{name}_0"):
            if each in table.names:
                return each
    raise InputError(
        f"{table.path}: scores of the best classes, and nothing says which classes these are",
        hint="run inference.py with --include-index, or with --topk 0 for a score of every class",
    )


def _score_name(table: Table) -> str | None:
    return next(
        (each for name in SCORES for each in (name, f"{name}_0") if each in table.names), None
    )


def _numbered(names: Iterable[str], stem: str) -> list[str]:
    """The columns `stem_0`, `stem_1` … in the order of their numbers."""
    found = [
        (int(name[len(stem) + 1 :]), name)
        for name in names
        if re.fullmatch(rf"{stem}_\d{{1,5}}", name)
    ]
    return [name for _, name in sorted(found)]
