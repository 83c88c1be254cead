"""The command line's entry: every way to end, in one place.

Exit status: 0 passed, or no gate · 1 a gate failed · 2 could not run · 3 inconclusive ·
70 an internal error · 130 interrupted. A crash never looks like a failed gate.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import traceback
from typing import Any, NoReturn

from flipcheck.errors import FlipcheckError, safe_lines, say

COULD_NOT_RUN, INTERNAL, INTERRUPTED = 2, 70, 130
TRACEBACK = "--traceback"
LOADED_WITH = {"OPENBLAS_NUM_THREADS": "1", "NUMPY_MADVISE_HUGEPAGE": "0"}
"""What numpy and scipy read when they are loaded, unless the user has set it. Each would start
threads that wait busily for products of matrices, and how many there are would show in a product's
last digit; and pages of two megabytes take longer to find than small ones take to fill."""
FRESH = 100_000
"""How many objects are made before cycles are looked for: imports alone make so many."""


class _InterruptedError(KeyboardInterrupt):
    """An interruption that ends in our exit status: Python kills itself for a bare one.

    It does so where the bare one went through code that was made of text, as dataclasses are.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its status."""
    given = sys.argv[1:] if arguments is None else arguments
    asked = _clean_up_when_ended()
    for name, value in LOADED_WITH.items():
        os.environ.setdefault(name, value)
    gc.set_threshold(FRESH)
    try:
        _check_time()
        from flipcheck.cli import app

        app([each for each in given if each != TRACEBACK], prog_name="flipcheck")
    except SystemExit as ended:
        _exit_if(asked)
        _tell_refusal(ended, given)
        if isinstance(ended.__context__, OSError):  # typer's own 1, which is a failed gate's
            sys.exit(COULD_NOT_RUN)
        raise
    except FlipcheckError as error:
        _exit_if(asked)
        if TRACEBACK in given:
            traceback.print_exc()
        told = "\n  ".join([f"error: {error}", *_origins(str(error))])
        _end(told, COULD_NOT_RUN, given)
    except KeyboardInterrupt:
        _exit_if([signal.SIGINT])
    except MemoryError:
        _end("error: out of memory", COULD_NOT_RUN, given)
    except Exception as error:  # noqa: BLE001  (the last line of defence)
        _exit_if(asked)
        if TRACEBACK in given:
            traceback.print_exc()
        _end(
            f"internal error: {type(error).__name__}: {error}\n"
            f"  hint: please report it with the output of the same command and {TRACEBACK}",
            INTERNAL,
            given,
        )


def _check_time() -> None:
    """Raise UsageError for a SOURCE_DATE_EPOCH that is no time, on which numpy's import breaks."""
    if os.environ.get("SOURCE_DATE_EPOCH"):
        from flipcheck.sources.clock import told_time

        told_time()


def _origins(message: str) -> list[str]:
    """Where the options that a message names come from, where they were not typed."""
    from flipcheck.config import origins_in

    return origins_in(message)


def _clean_up_when_ended() -> list[int]:
    """Let a request to end the process unwind it, so that no half-written file stays.

    What comes back fills with the signals that asked: an extension module that is being loaded
    turns what a handler raises into an error of its own, which is then none.
    """
    asked: list[int] = []

    def end(number: int, _frame: object) -> None:
        asked.append(number)
        if number == signal.SIGINT:
            raise _InterruptedError
        sys.exit(128 + number)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), end)
    return asked


def _exit_if(asked: list[int]) -> None:
    """Exit with the status of the signal that asked for it, where one did."""
    if asked:
        _say("interrupted")
        sys.exit(INTERRUPTED if asked[0] == signal.SIGINT else 128 + asked[0])


def _end(text: str, status: int, arguments: list[str]) -> NoReturn:
    """Exit with a status, and a message that a CI server is told of too."""
    from flipcheck.cli.github import tell_error

    _say(text)
    tell_error(text, arguments)
    sys.exit(status)


def _tell_refusal(ended: SystemExit, arguments: list[str]) -> None:
    """Tell a CI server of a command line that typer refused, and said so to the user by itself."""
    refused: Any = ended.__context__
    if ended.code != COULD_NOT_RUN or not hasattr(refused, "format_message"):
        return
    from flipcheck.cli.github import tell_error

    without = type(refused).__name__ == "NoArgsIsHelpError"  # whose message is the help page
    told = "nothing was asked for" if without else refused.format_message()
    tell_error(f"error: {told}", arguments)


def _say(text: str) -> None:
    """A message on standard error, where no terminal code of a file name or id can act."""
    say(safe_lines(text))


if __name__ == "__main__":
    main()
