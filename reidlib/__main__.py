"""The command line: `reid`, or `python -m reidlib`."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import typer

from reidlib.cli import (
    course,
    data,
    embeddings,
    experiments,
    figures,
    lists,
    project,
    promenade,
    runs,
    show,
    tables,
    truth,
)
from reidlib.errors import ReidError, ReidWarning

STOPPED = 130  # what shells say of Ctrl-C; typer turns the interrupt into it, without a word

app = typer.Typer(
    name="reid",
    help="Video person re-identification: see the data, train, score, look, check.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for room in (
    data,
    runs,
    experiments,
    figures,
    tables,
    truth,
    embeddings,
    promenade,
    lists,
    show,
    project,
    course,
):
    room.register(app)


def main() -> None:
    """Run the command line. Bad input ends in one sentence and exit code 2, never a traceback."""
    try:
        with warnings.catch_warnings():
            _tell_in_a_sentence()
            app()
    except ReidError as error:
        print(f"reid: {error}", file=sys.stderr)
        sys.exit(2)
    except (KeyboardInterrupt, SystemExit) as left:
        if isinstance(left, SystemExit) and left.code != STOPPED:
            raise
        print("\nreid: stopped; what was finished is kept", file=sys.stderr)
        sys.exit(STOPPED)


def _tell_in_a_sentence() -> None:
    """Warnings of this package without Python's file and line; others as ever."""
    as_ever = warnings.showwarning

    def show(message: Any, category: type[Warning], *more: Any, **also: Any) -> None:
        if issubclass(category, ReidWarning):
            print(f"reid: {message}", file=sys.stderr)
        else:
            as_ever(message, category, *more, **also)

    warnings.showwarning = show


if __name__ == "__main__":
    main()
