"""Threads that look ahead, in order."""

from __future__ import annotations

import threading
import time

import pytest

from flipcheck.engines.embedded import cores, ordered_map


@pytest.mark.parametrize("workers", [0, 1, 3, 50])
def test_results_come_in_the_order_of_the_items(workers):
    """A late result does not let later ones pass."""

    def slow_first(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0)
        return item * item

    assert list(ordered_map(slow_first, range(20), workers)) == [item * item for item in range(20)]


def test_nothing_to_do():
    """No items, no results."""
    assert list(ordered_map(abs, [], 2)) == []


def test_looking_ahead_is_bounded():
    """No more than two items a worker are taken before their results are asked for."""
    taken: list[int] = []

    def items():
        for item in range(1000):
            taken.append(item)
            yield item

    results = ordered_map(abs, items(), 3)
    for done in range(1, 10):
        next(results)
        assert len(taken) <= done + 6


def test_an_error_ends_the_work():
    """The first error comes out where its result would, and what has not begun is not done."""
    done: list[int] = []
    gate = threading.Event()

    def work(item: int) -> int:
        if item == 1:
            gate.wait(5)
            raise ValueError("one")
        done.append(item)
        return item

    results = ordered_map(work, range(1000), 2)
    assert next(results) == 0
    gate.set()
    with pytest.raises(ValueError, match="one"):
        list(results)
    assert len(done) < 10


def test_stopping_early_ends_the_work():
    """Closing the results waits for what runs and cancels the rest."""
    done: list[int] = []
    results = ordered_map(done.append, range(1000), 2)
    next(results)
    results.close()
    assert len(done) <= 5


def test_cores():
    """There is at least one processor."""
    assert cores() >= 1
