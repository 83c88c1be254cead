"""Tables for people: nothing in a CSV file runs in the spreadsheet that opens it."""

from __future__ import annotations

from typing import Any

FORMULA = r"^[\s\p{C}\p{Z}]*[=+\-@＝＋－＠]|^[\t\r\n]"
"""What a spreadsheet takes for the beginning of a formula, whatever blanks come first."""
NUMBER = r"^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$"
"""A plain number, which is what it says."""


def without_formulas(table: Any) -> Any:
    """The same pyarrow table, its formulas as text: these begin with an apostrophe.

    Names of columns are text as well. Ids are no exception: they come from files, and a file that
    is joined by ids can be Parquet, in which nothing is changed. Plain numbers stay numbers.
    """
    import pyarrow as pa

    names = disarmed(pa.array(table.column_names, pa.string())).to_pylist()
    columns = [
        disarmed(column) if _is_text(column.type) else column for column in table.itercolumns()
    ]
    return pa.Table.from_arrays(columns, names)


def disarmed(texts: Any) -> Any:
    """Texts, formulas among them with an apostrophe before them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    odd = pc.match_substring_regex(texts, FORMULA)
    if not pc.any(odd).as_py():
        return texts
    armed = pc.and_not(odd, pc.match_substring_regex(texts, NUMBER))
    quoted = pc.binary_join_element_wise(
        pa.scalar("'", texts.type), texts, pa.scalar("", texts.type)
    )
    return pc.if_else(armed, quoted, texts)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
