"""What the report says of the task of two sides that are paired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flipcheck.sources.judging import abstained
from flipcheck.tasks.abstaining import abstentions, unused
from flipcheck.tasks.told import judged

if TYPE_CHECKING:
    from flipcheck.sources.sides import Gathered
    from flipcheck.sources.spec import Given
    from flipcheck.tasks.told import Judged


def judged_task(given: Given, found: Gathered) -> Judged | None:
    """What the report says of the task. Raises FlipcheckError for abstentions that are none."""
    paired, sides = found.paired, (found.old, found.new)
    tasks = (given.old_spec.task, given.new_spec.task)
    values = abstained(tasks[1])
    declined = None
    if values:
        declined = abstentions(
            values,
            (found.old.name, found.new.name),
            _right_names(found),
            (paired.old, paired.new),
            (paired.old_right, paired.new_right),
        )
    return judged(tasks, sides, several_accepted=bool(found.accepted), abstentions=declined)


def _right_names(found: Gathered) -> set[str]:
    """Every answer that is right for some example."""
    names = () if found.paired.truth is None else found.paired.truth.used()
    return {each for name in names for each in found.accepted.get(name, (name,))}


def unused_abstentions(given: Given, found: Gathered) -> list[str]:
    """A warning for values of --abstain that no answer has."""
    return unused(abstained(given.new_spec.task), (found.paired.old, found.paired.new))
