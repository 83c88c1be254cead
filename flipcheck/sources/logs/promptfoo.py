"""promptfoo: `results.json`, one document with a result for each test, prompt and provider.

`promptIdx` counts the columns of the table, a provider and a prompt each, so that it tells
providers apart: once one of both is chosen, a result is known by its test. A test is known by its
place and by its variables, description and metadata, so that tests that moved or changed do not
pass for one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flipcheck.errors import InputError, listed, plural
from flipcheck.sources.logs.picks import choose
from flipcheck.sources.logs.problems import Problems
from flipcheck.sources.logs.rows import Rows, predictions
from flipcheck.sources.logs.values import canonical, digest, short
from flipcheck.sources.logs.wanted import end_of, plain_text, question_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flipcheck.predictions import Predictions
    from flipcheck.sources.logs.peek import Peek
    from flipcheck.sources.logs.picks import Picks
    from flipcheck.sources.spec import Columns

PICKS = ("provider", "prompt", "metric")
ERROR = 2
"""The failureReason of a result that came of an error, and not of a wrong answer."""
HINT = "give the file that `promptfoo eval -o results.json` wrote"


def fits(peek: Peek) -> bool:
    """Whether a file is a promptfoo results file."""
    results = peek.value.get("results") if isinstance(peek.value, dict) else None
    return isinstance(results, dict) and {"version", "results"} <= set(results)


def read(peek: Peek, columns: Columns, picks: Picks) -> Predictions:
    """The results of one provider and prompt: `success`, or the metric that was picked."""
    path, problems = peek.path, Problems(peek.path)
    results = peek.document().get("results")
    found = results.get("results") if isinstance(results, dict) else None
    if not isinstance(found, list):
        raise InputError(f"{path}: 'results.results' is not a list", hint=HINT)
    if not found:
        raise InputError(f"{path}: no results in it", hint="the evaluation had no test: run it")
    rows = [(number, each) for number, each in enumerate(found, start=1)]
    for number, each in rows:
        wrong = _wrong(each)
        if wrong:
            problems.add(f"result {number:,}: {wrong}")
    problems.check(HINT)
    rows = _chosen(peek, "provider", rows, _provider_names, picks)
    rows = _chosen(peek, "prompt", rows, _prompt_names, picks)
    collected = Rows(path, columns)
    for number, each in rows:
        _add(collected, number, each)
    told = {"format": "promptfoo"}
    return predictions(collected, picks, told, default="success")


def _wrong(result: Any) -> str:
    if not isinstance(result, dict):
        return "no JSON object"
    if not isinstance(result.get("success"), bool):
        return "'success' is neither true nor false"
    if not _provider_names(result):
        return "no provider"
    return ""


def _provider_names(result: Mapping[str, Any]) -> list[str]:
    """What a provider is called: its label, which may tell apart two of one id, and its id."""
    given = result.get("provider")
    if isinstance(given, str):
        return [given]
    known = given if isinstance(given, dict) else {}
    return [
        name for name in (known.get("label"), known.get("id")) if isinstance(name, str) and name
    ]


def _prompt_names(result: Mapping[str, Any]) -> list[str]:
    """What a prompt is called: its label, its text, its digest."""
    given = result.get("prompt")
    known = given if isinstance(given, dict) else {"raw": given}
    column = result.get("promptId")
    names = [known.get("label"), known.get("display"), column]
    found = [name for name in names if isinstance(name, str) and name]
    return found or [digest(canonical(known.get("raw")))]


Numbered = tuple[int, dict[str, Any]]


def _chosen(
    peek: Peek,
    kind: str,
    rows: list[Numbered],
    names_of: Callable[[Mapping[str, Any]], list[str]],
    picks: Picks,
) -> list[Numbered]:
    """The results of the one that was picked by any of its names, or of the only one."""
    counts: dict[str, int] = {}
    called: dict[str, dict[str, None]] = {}
    for _, each in rows:
        first, *others = names_of(each)
        counts[first] = counts.get(first, 0) + 1
        for name in (first, *others):
            called.setdefault(name, {})[first] = None
    there = {name: plural(count, "result") for name, count in counts.items()}
    asked = picks.get(kind)
    meant = [asked] if asked in counts else list(called.get(asked or "", ()))
    if len(meant) > 1:
        raise InputError(
            f"{peek.path}: --pick {kind}={asked} is {len(meant)} {kind}s: {listed(meant)}",
            hint=f"name one of them, as in --pick '{kind}={meant[0]}'",
        )
    if meant:
        name = str(meant[0])
        picks.used[kind] = short(name)
    else:
        name = choose(peek.path, kind, there, picks)
    return [(number, each) for number, each in rows if names_of(each)[0] == name]


def _add(rows: Rows, number: int, result: Mapping[str, Any]) -> None:
    """One more result; one that came of an error was not scored."""
    case = result.get("testCase")
    case = case if isinstance(case, dict) else {}
    given = case["vars"] if isinstance(case.get("vars"), dict) else result.get("vars")
    variables = given if isinstance(given, dict) else {}
    asked = digest(canonical([variables, case.get("description"), case.get("metadata")]))
    place = result.get("testIdx")
    metrics = {"success": result["success"], "score": result.get("score")}
    named = result.get("namedScores")
    metrics |= (
        {}
        if not isinstance(named, dict)
        else {name: value for name, value in named.items() if name not in metrics}
    )
    response = result.get("response")
    answer = response.get("output") if isinstance(response, dict) else None
    if not _judged(result, case, answered=answer is not None):
        metrics = dict.fromkeys(metrics)
    metadata = case.get("metadata")
    rows.add(
        number,
        f"{place} {asked}" if isinstance(place, int) else asked,
        metrics,
        question=asked,
        answer=answer,
        fields={**(metadata if isinstance(metadata, dict) else {}), **variables},
        asks=lambda: _asks(result, variables),
    )


def _asks(result: Mapping[str, Any], variables: Mapping[str, Any]) -> str | None:
    """What a test asks: the variable of a usual name, the only one, or the end of the prompt."""
    found = question_in(variables)
    if found is None and len(variables) == 1:
        found = plain_text(next(iter(variables.values())))
    prompt = result.get("prompt")
    return found or end_of(plain_text(prompt.get("raw") if isinstance(prompt, dict) else prompt))


def _judged(result: Mapping[str, Any], case: Mapping[str, Any], *, answered: bool) -> bool:
    """Whether a result says something of the answer.

    It does not where an error came instead of an answer, where the grader failed, or where the
    test asserts nothing, so that promptfoo passes whatever comes.
    """
    failed = ERROR if not answered and result.get("error") else None
    if result.get("failureReason", failed) == ERROR:
        return False
    grading = result.get("gradingResult")
    if not isinstance(grading, dict):
        told = "gradingResult" in result or "assert" in case
        return not told or bool(case.get("assert")) or not result["success"]
    parts = grading.get("componentResults")
    parts = [each for each in parts if isinstance(each, dict)] if isinstance(parts, list) else []
    if any(_grader_failed(each) for each in (grading, *parts)):
        return False
    return bool(parts or case.get("assert") or not result["success"])


def _grader_failed(grading: Mapping[str, Any]) -> bool:
    metadata = grading.get("metadata")
    return isinstance(metadata, dict) and metadata.get("graderError") is True
