"""From errors to exit codes: the one table, and the one place where errors become text.

| code | meaning |
|---|---|
| 0 | done; finding campaigns is not an error |
| 1 | the input, the settings or the machine are at fault: one line says what and the mend |
| 2 | the command was not used as its help says |
| 3 | a campaign of a kind named by `--fail-on` was found |
| 130 | stopped by Ctrl-C; nothing half-written stays under a final name |
"""

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn

import click

from stillwatch.errors import StillwatchError

DONE: Final = 0
FAULT: Final = 1
FAIL_ON: Final = 3
STOPPED: Final = 130

EXIT_CODES: Final[tuple[tuple[type[BaseException], int], ...]] = (
    (StillwatchError, FAULT),
    (click.UsageError, 2),
    (click.ClickException, FAULT),
    (click.Abort, STOPPED),
    (KeyboardInterrupt, STOPPED),
    (MemoryError, FAULT),
    (OSError, FAULT),
)
"""First match wins; anything that is not here is a defect of Stillwatch and exits 1."""


def exit_code(error: BaseException) -> int:
    """Look up the exit code of an error."""
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), FAULT)


def describe(error: BaseException) -> str:
    """Say in one line what happened and what to do about it."""
    match error:
        case click.ClickException():
            return error.format_message()
        case click.Abort() | KeyboardInterrupt():
            return "stopped; no output was completed"
        case MemoryError():
            return "out of memory: scan a shorter period, or fingerprints instead of events"
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return f"{where}{error.strerror or error}"
        case StillwatchError():
            return " ".join(str(error).split())
        case _:
            return (
                f"unexpected {type(error).__name__}: {' '.join(str(error).split())} "
                "(a defect of Stillwatch; set STILLWATCH_DEBUG=1 to see where)"
            )


def guarded(job: Callable[[], int], *, debug: bool) -> int:
    """Run a job and turn whatever it raises into one line on stderr and an exit code.

    Args:
        job: The work; returns an exit code.
        debug: Also print the traceback.
    """
    try:
        return job()
    except BrokenPipeError:
        # The reader of stdout went away (`| head`): no message, and none at interpreter shutdown.
        sys.stdout = None
        return FAULT
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - no traceback reaches a user
        if debug:
            traceback.print_exc()
        if isinstance(error, click.UsageError) and error.ctx is not None:
            click.echo(error.ctx.get_usage(), err=True)
        click.echo(f"stillwatch: {describe(error)}", err=True)
        return exit_code(error)


def leave(code: int) -> NoReturn:
    """End the process with an exit code, on the spot unless all went well.

    A job that was cut short can leave a native thread that reads ahead from a Python file. Were
    the interpreter finalised under it, that thread would abort the process on its next read; and
    Python kills itself with the signal, not with the code, where a Ctrl-C fell into its `exec`.
    Every `with` block has ended by now, so nothing is left for finalisation to do.
    """
    if code == DONE:
        sys.exit(DONE)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()
    os._exit(code)
