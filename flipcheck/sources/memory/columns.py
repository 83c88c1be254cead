"""What is given as a column, as an array that the rest can read; what is none is refused."""

from __future__ import annotations

from typing import Any

from flipcheck.errors import InputError

ONE_EACH = "give one value for each example"


def is_pandas(values: Any) -> bool:
    """Whether values are a pandas Series or DataFrame, which have an index."""
    return hasattr(values, "iloc") and hasattr(values, "index")


def is_table(values: Any) -> bool:
    """Whether there are several values for each example."""
    return getattr(values, "ndim", 1) > 1


def column(what: str, values: Any) -> Any:
    """A Series, pyarrow or numpy array, of one dimension or, for scores of classes, of two.

    Raises InputError for sparse, masked and scalar ones, and for lists of lists that are no table.
    """
    import numpy as np

    if hasattr(values, "toarray") or "Sparse" in str(getattr(values, "dtype", "")):
        raise InputError(f"{what}: a sparse array", hint="make it dense, as with .toarray()")
    if isinstance(values, np.ma.MaskedArray):
        raise InputError(
            f"{what}: a masked array",
            hint="give .filled(value), or .tolist(), which makes masked values missing",
        )
    values = _told(_plain(what, values))
    depth = getattr(values, "ndim", 1)
    if depth == 2 and values.shape[1] == 1:
        return values.iloc[:, 0] if is_pandas(values) else values[:, 0]
    if depth not in {1, 2}:
        raise InputError(f"{what}: an array of {depth} dimensions", hint=ONE_EACH)
    return values


def _told(values: Any) -> Any:
    """Intervals, which pandas.cut makes, as their texts; all else as it is."""
    import pandas as pd

    kind = getattr(values, "dtype", None)
    if isinstance(kind, pd.IntervalDtype):
        texts = [
            None if gone else str(each) for each, gone in zip(values, values.isna(), strict=True)
        ]
        return pd.Series(texts, index=values.index) if is_pandas(values) else texts
    if not isinstance(kind, pd.CategoricalDtype) or not isinstance(
        kind.categories.dtype, pd.IntervalDtype
    ):
        return values
    names = [str(each) for each in kind.categories]
    return (values.cat if is_pandas(values) else values).rename_categories(names)


def _plain(what: str, values: Any) -> Any:
    """Lists of rows and arrays of other libraries as numpy arrays; all else as it is."""
    import numpy as np
    import pyarrow as pa

    if is_pandas(values) or isinstance(values, (pa.Array, pa.ChunkedArray, np.ndarray)):
        return values
    if not isinstance(values, (list, tuple)):
        if hasattr(values, "categories") or hasattr(values, "__arrow_array__"):
            return values  # a pandas Categorical or another column of its own
        if hasattr(values, "__arrow_c_stream__") and not hasattr(values, "__array__"):
            return pa.chunked_array(values)
        return np.asarray(values)
    if not any(isinstance(each, (list, tuple)) or np.ndim(each) for each in values[:1]):
        return list(values)
    try:
        table = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{what}: a list of lists that is no table of scores",
            hint=f"{ONE_EACH}, or one score for each class; sets of labels go into files, with "
            "--multilabel",
        ) from error
    return table
