"""The best answers of each example: by scores, in one column a rank, or as lists."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flipcheck.errors import InputError
from flipcheck.sources.saved.judged.common import class_of, with_answers
from flipcheck.sources.saved.tables import Roles, built, column_of, label_roles, score_columns
from flipcheck.sources.saved.values import as_labels, as_numbers, largest
from flipcheck.sources.spec import PREDICTION_NAMES
from flipcheck.tasks import ranking
from flipcheck.tasks.accepting import is_list, lists_of

if TYPE_CHECKING:
    from flipcheck.predictions import Predictions
    from flipcheck.sources.spec import Columns
    from flipcheck.sources.tables import Table

RANK_PREFIX = "label_"


def ranked_answers(table: Table, columns: Columns, k: int) -> Predictions:
    """The first k answers: of scores, of one column a rank, or of lists."""
    if columns.prediction is None and (numbered := _rank_columns(table)):
        ranking.check_enough(f"{table.path}: columns label_0, …", k, len(numbered), "answer")
        roles = _without_label(label_roles(table, columns), numbered)
        loaded = table.listing(roles.label).load([*roles.names(), *numbered[:k]])
        parts = [as_labels(column_of(table, each), loaded[each]) for each in numbered[:k]]
        answers, ranked = ranking.ranked_columns(parts)
        return with_answers(built(table, loaded, roles), answers, ranked=ranked, top_k=k)
    roles = label_roles(table, columns)
    name = columns.prediction or table.only(PREDICTION_NAMES, "prediction", "--prediction")
    if columns.prediction is None and (scores := score_columns(table)):
        return _by_scores(table, roles, scores, k)
    if name is None:
        raise InputError(
            f"{table.path}: --top-k {k} needs scores of every class, or ranked answers",
            hint="save a column prob_<class> for each class, columns label_0, label_1, … of "
            "answers, or a list of answers as 'prediction' in Parquet or JSONL",
        )
    table.require([name], "--prediction")
    loaded = table.listing(roles.label, name).load([*roles.names(), name])
    what = column_of(table, name)
    if not is_list(loaded[name]):
        raise InputError(
            f"{what}: one answer for each example, and --top-k {k} needs {k}",
            hint="save the scores of every class, or a list of answers, the best first",
        )
    lists = lists_of(what, loaded[name])
    ranking.check_enough(what, k, max((len(each or ()) for each in lists), default=0), "answer")
    answers, ranked = ranking.ranked_lists(lists, k)
    return with_answers(built(table, loaded, roles), answers, ranked=ranked, top_k=k)


def _by_scores(table: Table, roles: Roles, scores: tuple[str, ...], k: int) -> Predictions:
    import numpy as np

    loaded = table.listing(roles.label).load([*roles.names(), *scores])
    matrix = np.stack(
        [as_numbers(column_of(table, name), loaded[name], table.lines) for name in scores], axis=1
    )
    names = tuple(map(class_of, scores))
    answers, confidence = largest(str(table.path), matrix, names, table.lines)
    ranked = ranking.best(str(table.path), matrix, k)
    return with_answers(built(table, loaded, roles), answers, confidence, ranked, top_k=k)


def _rank_columns(table: Table) -> list[str]:
    """The columns label_0, label_1, … as far as they go."""
    found: list[str] = []
    while f"{RANK_PREFIX}{len(found)}" in table.names:
        found.append(f"{RANK_PREFIX}{len(found)}")
    return found


def _without_label(roles: Roles, taken: list[str]) -> Roles:
    return replace(roles, label=None) if roles.label in taken else roles
