"""What the report says of a task: what was asked, and when an answer was right."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from flipcheck.tasks.abstaining import Abstentions, Declined
from flipcheck.tasks.normalising import PRESETS, STEPS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flipcheck.predictions import Predictions
    from flipcheck.tasks.task import Per, Task

Kind = Literal["classes", "binary", "multilabel", "ranked", "text"]


@dataclass(frozen=True, slots=True)
class Judged:
    """The task of an audit, where it is another than one class an example.

    `threshold` is that of the old and of the new side; a side that was not cut has None.
    """

    kind: Kind
    per: Per | None = None
    top_k: int | None = None
    normalise: tuple[str, ...] = ()
    several_accepted: bool = False
    threshold: tuple[float | None, float | None] | None = None
    abstentions: Abstentions | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"no task {self.kind!r}")
        for cut in self.threshold or ():
            if cut is not None and (isinstance(cut, bool) or not isinstance(cut, (int, float))):
                raise ValueError(f"a threshold is a number, not {cut!r}")
        if self.top_k is not None and type(self.top_k) is not int:
            raise ValueError(f"the top {self.top_k!r} is no whole number")
        if any(step not in {*STEPS, *PRESETS} for step in self.normalise):
            raise ValueError("a step of its normalisation is none")
        if (self.kind == "ranked") is not (self.top_k is not None):
            raise ValueError("a task is ranked where the truth may be among the first few")
        if (self.kind == "multilabel") is not (self.per is not None):
            raise ValueError("several labels are judged per example or per label")

    @property
    def right(self) -> str:
        """When an answer is right, in few words."""
        if self.kind == "ranked":
            return (
                "the truth is the first answer"
                if self.top_k == 1
                else (f"the truth is among the top {self.top_k}")
            )
        if self.kind == "multilabel":
            return RIGHT_PER[self.per or "example"]
        if self.several_accepted:
            told = "the answer is one of those accepted"
        else:
            told = "the answer is the truth"
        return f"{told} after {', '.join(self.normalise)}" if self.normalise else told

    def to_dict(self) -> dict[str, Any]:
        """The task as the JSON report writes it."""
        written = asdict(self) | {"right": self.right}
        written["threshold"] = self.threshold and dict(
            zip(("old", "new"), self.threshold, strict=True)
        )
        if self.abstentions is not None:
            for side in ("old", "new"):
                declined = getattr(self.abstentions, side)
                written["abstentions"][side] |= {
                    "coverage": declined.coverage,
                    "error_among_answered": declined.error,
                }
        return written

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> Judged:
        """The task that `to_dict` wrote. Raises ValueError where its words are not its own."""
        read = {name: each for name, each in written.items() if name != "right"}
        read["normalise"] = tuple(written["normalise"])
        cuts = written["threshold"]
        read["threshold"] = None if cuts is None else (cuts["old"], cuts["new"])
        counted = written["abstentions"]
        read["abstentions"] = None if counted is None else _abstentions(counted)
        found = cls(**read)
        if found.right != written["right"]:
            raise ValueError("its task is not what it says is right")
        return found


RIGHT_PER = {
    "example": "the whole set of labels is right",
    "label": "each label of each example is judged by itself",
}


def _abstentions(written: Mapping[str, Any]) -> Abstentions:
    sides = {
        side: Declined(*(written[side][name] for name in ("abstained", "answered", "wrong")))
        for side in ("old", "new")
    }
    return Abstentions(**{**written, "values": tuple(written["values"]), **sides})


def judged(
    tasks: tuple[Task, Task],
    sides: tuple[Predictions, Predictions],
    *,
    several_accepted: bool,
    abstentions: Abstentions | None,
) -> Judged | None:
    """The task of an audit; None for the plain one, and for models cut as they always were."""
    task = tasks[1]
    cuts = tuple(_cut_of(side) for side in sides)
    threshold: Any = cuts if any(each is not None for each in cuts) else None
    told: dict[str, Any] = {"threshold": threshold, "abstentions": abstentions}
    if task.multilabel:
        return Judged("multilabel", per=task.per or "example", **told)
    if task.top_k is not None:
        return Judged("ranked", top_k=task.top_k, **told)
    if task.normalise or several_accepted:
        more: Any = {"normalise": task.normalise, "several_accepted": several_accepted}
        return Judged("text", **more, **told)
    if threshold is not None:
        return Judged("binary", **told)
    return Judged("classes", **told) if abstentions is not None else None


def _cut_of(side: Predictions) -> float | None:
    cut: float | None = side.facts.get("threshold")
    return cut
