"""The hook for pre-commit: its entry is run, and its definition has what pre-commit asks for."""

from __future__ import annotations

import pytest
from servers import HOOKS, loaded, run_hook

ARGS = ["old.csv", "new.csv", "--max-nfr", "2%"]


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        ({"right": 995, "broken": 5}, 0),
        ({"right": 900, "broken": 100}, 1),
        ({"right": 97, "broken": 3}, 3),  # a push waits for more examples
    ],
)
def test_the_hook_ends_as_the_audit_does(checkout, counts, status):
    """Anything but 0 stops the push."""
    done = run_hook(checkout(**counts), {"id": "flipcheck", "args": ARGS})
    assert done.status == status, done.log


def test_a_hook_without_sources_stops_the_push(checkout):
    """Without arguments or a config file nothing is compared, and nothing passes."""
    assert run_hook(checkout(right=9), {"id": "flipcheck"}).status == 2


def test_a_hook_without_gates_stops_the_push(checkout):
    """Two sides that nothing is asked of are not let through."""
    done = run_hook(checkout(right=9), {"id": "flipcheck", "args": ["old.csv", "new.csv"]})
    assert done.status == 2
    assert "no gate" in done.log


def test_the_definition_is_whole():
    """What pre-commit needs of a hook; file names are none of its arguments."""
    (hook,) = loaded(HOOKS)
    assert {"id", "name", "entry", "language"} <= set(hook)
    assert hook["language"] == "python"
    assert hook["pass_filenames"] is False
    assert hook["stages"] == ["pre-push", "manual"]
    assert hook["entry"].split()[0] == "flipcheck"
