"""A test set in a table: features by column, a label column and ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError
from flipcheck.labels import to_arrow
from flipcheck.sources.datasets.base import Dataset, Reader
from flipcheck.sources.saved.judged.sets import truth_sets
from flipcheck.sources.saved.tables import column_of, groups_of, label_roles, weights_of
from flipcheck.sources.saved.values import as_ids, as_labels
from flipcheck.sources.stamps import stamps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from flipcheck.sources.datasets.base import Needs
    from flipcheck.sources.spec import Columns
    from flipcheck.sources.stamps import Stamps
    from flipcheck.sources.tables import Table


@dataclass(frozen=True, slots=True)
class TableReader(Reader):
    """Columns, read a batch of rows at a time."""

    table: Table

    def batches(self, needs: Needs, size: int) -> Iterator[Any]:
        """Batches of the columns' rows, of one size whatever the file's own batches are."""
        import pyarrow as pa

        kept: list[Any] = []
        for batch in self.table.stream(needs):
            whole = pa.Table.from_batches([*kept, batch])
            while whole.num_rows >= size:
                yield _features(self.table, whole.slice(0, size))
                whole = whole.slice(size)
            kept = whole.to_batches() if whole.num_rows else []
        if kept:
            yield _features(self.table, pa.Table.from_batches(kept))

    def picker(self, needs: Needs, folder: Path) -> Callable[[NDArray[np.int64]], Any]:
        """Any rows of the columns, which are held in memory."""
        import pyarrow as pa

        del folder
        whole = pa.Table.from_batches(list(self.table.stream(needs)))
        return lambda rows: _features(self.table, whole.take(rows))


def open_features(table: Table, columns: Columns) -> Dataset:
    """The test set of a table; what is no label and no id can be a feature."""
    import numpy as np
    import pyarrow as pa

    seen = stamps([part.path for part in table.parts or (table,)])
    if columns.task.multilabel:
        return _of_sets(table, columns, seen)
    roles = label_roles(table, columns)
    loaded = table.load(roles.names() or [_any_column(table)])
    ids = pa.array(np.arange(1, len(next(iter(loaded.values()))) + 1))
    if roles.id is not None:
        ids = as_ids(column_of(table, roles.id), loaded[roles.id])
    truth = None
    if roles.label is not None:
        truth = as_labels(column_of(table, roles.label), loaded[roles.label])
    return Dataset(
        kind="table",
        source=str(table.path),
        ids=ids,
        truth=truth,
        reader=TableReader(table),
        columns={name: as_labels(column_of(table, name), loaded[name]) for name in roles.by},
        weights=weights_of(table, loaded, roles),
        groups=groups_of(table, loaded, roles),
        rows=roles.id is None,
        columns_there=table.names,
        reserved=_reserved(table, roles.id, roles.label, roles.weight, columns.cluster),
        sha256=table.sha256,
        stamps=seen,
    )


def _of_sets(table: Table, columns: Columns, seen: Stamps) -> Dataset:
    """The test set of a table whose examples have several labels, or none that are known."""
    truth, taken = truth_sets(table, columns)
    no_features = (*taken, columns.cluster, truth.facts["columns"].get("id"), columns.weight)
    return Dataset(
        kind="table",
        source=str(table.path),
        ids=truth.ids,
        truth=truth.truth,
        reader=TableReader(table),
        columns=truth.columns,
        weights=truth.weights,
        groups=truth.groups,
        rows=truth.rows,
        columns_there=table.names,
        reserved=_reserved(table, *no_features),
        sha256=table.sha256,
        stamps=seen,
    )


def _reserved(table: Table, *names: str | None) -> tuple[str, ...]:
    """The columns that are no features: these, and those that folders name."""
    folders = (name for name, _ in (table.parts or (table,))[0].constants)
    return tuple(name for name in (*names, *folders) if name is not None)


def _any_column(table: Table) -> str:
    """A column to count the rows by."""
    return next((name for name in table.names if table.names.count(name) == 1), table.names[0])


def _features(table: Table, rows: Any) -> dict[str, Any]:
    """The columns of some rows as numpy arrays: numbers where they are, else text."""
    return {name: _feature(table, name, to_arrow(rows[name])) for name in rows.column_names}


def _feature(table: Table, name: str, column: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int64())
    elif pa.types.is_decimal(kind) or pa.types.is_null(kind):
        column = column.cast(pa.float64())
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        if column.null_count:
            raise InputError(
                f"{column_of(table, name)}: text is missing in {column.null_count:,} or more rows",
                hint="fill the gaps as the model was trained on them",
            )
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise InputError(
            f"{column_of(table, name)} of type {kind} cannot be a feature",
            hint="name the features with --features",
        )
    return column.to_numpy(zero_copy_only=False)
