"""What differs between the contracts of two models, and what each difference can do by itself.

Where figures are given they were measured (ENGINEERING.md §1.4 and §1.5) on one small network of
digits, to show how much such a difference can do.
"""

from __future__ import annotations

from functools import partial
from math import isclose
from typing import TYPE_CHECKING, Any

from flipcheck.contract import EFFECTS, Difference, Effect
from flipcheck.errors import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flipcheck.sources.onnx.contract import Contract

NOTHING = {"scale": 1.0, "mean": 0.0, "std": 1.0}
"""What steps that are left out are."""
ROUNDING = 1e-6
"""Numbers of preprocessing this near are one number, written with fewer digits."""
LONGEST = 160
"""Characters of a value that a difference shows."""

ABOUT = "of the answers of one small network, measured"
ANSWERS: Effect = "answers"
UPDATE: Effect = "update"
EXPORT: Effect = "export"
COST: Effect = "cost"
ORDER: Effect = "order"
STEPS: dict[str, tuple[str, Effect, str]] = {
    "scale": ("pixel scale", "answers", f"a missing 1/255 flipped 8.7% {ABOUT}"),
    "mean": ("mean", "answers", ""),
    "std": ("standard deviation", "answers", ""),
    "resize": ("resize", "answers", "one pixel more or less is another image"),
    "crop": ("crop", "answers", "one pixel of offset is another image"),
    "crop_rounding": ("rounding of the crop", "answers", "one pixel of offset is another image"),
    "channels": ("channels", "answers", "RGB and BGR are different images"),
    "resample": (
        "resize kernel",
        "answers",
        f"another kernel flipped 0.1 to 3.6% {ABOUT}",
    ),
    "layout": ("layout", "order", ""),
}
"""Each step of preprocessing: its name in words, its effect, and what is known of that."""


def differences(old: Contract, new: Contract) -> tuple[Difference, ...]:
    """What differs between two contracts, that which can flip answers by itself first."""
    found = [each for part in PARTS for each in part(old, new)]
    return tuple(sorted(found, key=lambda each: list(EFFECTS).index(each.effect)))


def _ports(old: Contract, new: Contract) -> Iterator[Difference]:
    for kind in ("inputs", "outputs"):
        ours, theirs = old[kind], _aligned(old[kind], new[kind])
        noun = kind.removesuffix("s")
        if theirs != new[kind]:
            yield _difference(f"{noun} order", _names(ours), _names(new[kind]), ORDER)
        if len(ours) != len(theirs):
            yield _difference(f"{noun}s", _names(ours), _names(theirs), UPDATE)
            continue
        for (name, kind_of, shape), (other, other_kind, other_shape) in zip(
            ours, theirs, strict=True
        ):
            label = f"{noun} {name}" if len(ours) > 1 else noun
            if name != other:
                yield _difference(f"{label}: name", name, other, EXPORT, "a name changes nothing")
            if kind_of != other_kind:
                note = "numbers are rounded to another type" if noun == "input" else ""
                yield _difference(f"{label}: type", kind_of, other_kind, ANSWERS, note)
            if list(shape[1:]) != list(other_shape[1:]):
                yield _difference(f"{label}: shape", _axes(shape), _axes(other_shape), UPDATE)
            elif shape[:1] != other_shape[:1]:
                note = "the first axis is the batch"
                yield _difference(f"{label}: shape", _axes(shape), _axes(other_shape), COST, note)


def _aligned(ours: list[Any], theirs: list[Any]) -> list[Any]:
    """The ports of the new model in the order of the old one's, where both have the same names."""
    places = {name: place for place, (name, *_) in enumerate(ours)}
    if len(ours) != len(theirs) or set(places) != {name for name, *_ in theirs}:
        return theirs
    return sorted(theirs, key=lambda each: places[each[0]])


def _classes(old: Contract, new: Contract) -> Iterator[Difference]:
    ours, theirs = old["classes"], new["classes"]
    if ours is None or theirs is None or list(ours) == list(theirs):
        return
    if set(ours) == set(theirs):
        yield _difference("class order", listed(ours), listed(theirs), ORDER)
        return
    gone = [name for name in ours if name not in set(theirs)]
    come = [name for name in theirs if name not in set(ours)]
    if gone:
        note = "the new model cannot answer these"
        yield _difference("classes missing", listed(gone), "", ANSWERS, note)
    if come:
        note = "the old model could not answer these"
        yield _difference("classes added", "", listed(come), ANSWERS, note)


def _steps(old: Contract, new: Contract) -> Iterator[Difference]:
    ours, theirs = old["preprocess"], new["preprocess"]
    same_resize = ours.get("resize") == theirs.get("resize") is None
    for name, (what, effect, note) in STEPS.items():
        one, two = ours.get(name), theirs.get(name)
        if _alike(name, one, two) or (name == "resample" and same_resize):
            continue
        if name == "crop_rounding" and not (ours.get("crop") and theirs.get("crop")):
            continue
        yield _difference(f"preprocessing: {what}", _shown(one), _shown(two), effect, note)


def _alike(name: str, one: Any, two: Any) -> bool:
    """Whether two values of a step do the same: 0.5 is what three channels of 0.5 are."""
    if name not in NOTHING:
        return bool(_listed(one) == _listed(two))
    ours, theirs = (_listed(NOTHING[name] if value is None else value) for value in (one, two))
    channels = max(len(ours), len(theirs))
    wide = (value * channels if len(value) == 1 else value for value in (ours, theirs))
    return all(map(partial(isclose, rel_tol=ROUNDING), *wide))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _features(old: Contract, new: Contract) -> Iterator[Difference]:
    ours, theirs = old["features"], new["features"]
    if ours is not None and theirs is not None and list(ours) != list(theirs):
        note = "it sees other columns, or in another order"
        yield _difference("features", listed(ours), listed(theirs), ANSWERS, note)


def _fed(old: Contract, new: Contract) -> Iterator[Difference]:
    """Whatever else a feeder tells of how examples become inputs."""
    for name in sorted({*old["fed"], *new["fed"]}):
        ours, theirs = old["fed"].get(name), new["fed"].get(name)
        if ours != theirs:
            what = name.replace("_", " ")
            yield _difference(what, _shown(ours), _shown(theirs), ANSWERS, "it sees other inputs")


def _operators(old: Contract, new: Contract) -> Iterator[Difference]:
    for name, what, note in (
        (
            "batch_operators",
            "operators that look at the whole batch",
            f"the batch alone flipped 0.2% {ABOUT}; run one example at a time, it does not",
        ),
        ("random_operators", "operators that draw random numbers", "by chance, at every run"),
    ):
        if old[name] != new[name]:
            ours, theirs = (", ".join(each[name]) or "none" for each in (old, new))
            yield _difference(what, ours, theirs, ANSWERS, note)


PLAIN: tuple[tuple[str, str, Effect, str], ...] = (
    ("precision", "precision", ANSWERS, "rounding decides near ties"),
    ("provider", "provider", ANSWERS, "another device rounds otherwise"),
    ("parameters", "parameters", UPDATE, ""),
    ("opset", "opset", EXPORT, ""),
    ("ir_version", "IR version", EXPORT, ""),
    ("producer", "producer", EXPORT, ""),
    ("bytes", "file size", COST, ""),
    ("batch", "batch size", COST, ""),
)
"""What is compared as it stands: where in the contract, in words, its effect and a note."""


def _others(old: Contract, new: Contract) -> Iterator[Difference]:
    for name, what, effect, note in PLAIN:
        one, two = old[name], new[name]
        if name == "precision" and not (one and two):
            continue  # what a forest calculates in, its attributes do not say
        if one != two:
            unit = " bytes" if name == "bytes" else ""
            ours, theirs = (_shown(each, unit) for each in (one, two))
            yield _difference(what, ours, theirs, effect, note)


def _reading(old: Contract, new: Contract) -> Iterator[Difference]:
    """How the answers are read, whatever the outputs are called."""
    ours, theirs = old["answer"], new["answer"]
    if _unnamed(ours, old["outputs"]) != _unnamed(theirs, new["outputs"]):
        note = "another output or threshold answers otherwise"
        yield _difference("how the answer is read", ours, theirs, ANSWERS, note)


def _unnamed(answer: str, outputs: list[Any]) -> str:
    """A reading with its outputs by their number."""
    for place, (name, *_) in enumerate(outputs):
        answer = answer.replace(repr(name), f"output {place}")
    return answer


PARTS: tuple[Callable[[Contract, Contract], Iterator[Difference]], ...] = (
    *(_steps, _features, _fed, _classes, _reading, _ports, _operators, _others),
)


def _difference(what: str, old: str, new: str, effect: Any, note: str = "") -> Difference:
    return Difference(_cut(what), _cut(old), _cut(new), effect, note)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _shown(value: Any, unit: str = "") -> str:
    """A value in words: sizes as 224 x 224, a mean as 0.485, 0.456, 0.406."""
    if value is None or value in ("", [], ()):
        return "none"
    if isinstance(value, (list, tuple)):
        between = " x " if all(isinstance(each, int) for each in value) else ", "
        return between.join(map(_shown, value))
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}{unit}"
    return str(value)


def _names(ports: list[Any]) -> str:
    return listed([name for name, *_ in ports])


def _axes(shape: list[Any]) -> str:
    return f"[{', '.join('?' if axis is None else str(axis) for axis in shape)}]"
