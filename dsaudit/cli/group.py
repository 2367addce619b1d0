"""The group of commands: how a mistake of the user, a stop and a fault of ours end."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any

import click

COULD_NOT_START = 3
READER_GONE = 141  # what a shell says of any program whose output is read no further; 128 and the signal of it


SECTIONS = {
    "Audit a system": ("init", "check", "run", "why"),
    "Look at its runs": ("history", "diff", "rows", "baseline", "add", "prune"),
    "Sign off": ("verify", "sign-off"),
    "Prepare": ("role", "monitor", "list", "explain"),
    "Try it out": ("sample", "tour"),
}


class Command(click.Group):
    """A group whose usage errors exit with 3: 2 already means INCONCLUSIVE."""

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by what they are for."""
        told = {name for names in SECTIONS.values() for name in names}
        others = [name for name in self.list_commands(context) if name not in told]
        for title, names in {**SECTIONS, "Others": others}.items():
            lines = [(name, self.commands[name].get_short_help_str(limit=200)) for name in names]
            with formatter.section(title) if lines else contextlib.nullcontext():
                formatter.write_dl(lines) if lines else None

    def invoke(self, context: click.Context) -> Any:
        """Invoke; where the reader has gone, as of ``| head``, end in silence, and not with 1: that means NO-GO."""
        try:
            return super().invoke(context)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python would flush it once more
            sys.exit(READER_GONE)

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run, and give every mistake of the user one readable line."""
        try:
            return super().main(*arguments, **{**options, "standalone_mode": False})
        except click.ClickException as error:
            told = io.StringIO()
            error.show(told)
            click.echo(_hidden(told.getvalue()), err=True, nl=False)
            sys.exit(COULD_NOT_START)
        except click.Abort:
            _tell("stopped")
            sys.exit(COULD_NOT_START)
        except Exception as error:
            if isinstance(error, OSError) and error.strerror:  # of the disk: full, broken, not ours to read
                _tell(_hidden(": ".join(filter(None, [str(error.filename or ""), error.strerror]))))
                sys.exit(COULD_NOT_START)
            if not is_ours(error):
                import traceback

                # A fault of dsaudit's own; Python's exit status would mean NO-GO.
                click.echo(_hidden(traceback.format_exc()), err=True, nl=False)
                sys.exit(COULD_NOT_START)
            for line in _hidden("\n".join([str(error), *getattr(error, "__notes__", [])])).splitlines():
                _tell(line)
            sys.exit(COULD_NOT_START)


def _tell(line: str) -> None:
    """Print a line to the terminal, or to nobody where it is gone: Python's exit status would mean NO-GO."""
    with contextlib.suppress(OSError):
        click.echo(line, err=True)


def is_ours(error: Exception) -> bool:
    """Return whether an exception is one of dsaudit's own, whose message is written for the user."""
    kind = type(error)
    return kind.__module__.partition(".")[0] == "dsaudit" and kind.__name__.endswith(("Error", "Missing", "Lost"))


def _hidden(text: str) -> str:
    """Return a message without secrets: an exception may quote an address, or what stood in a variable."""
    from dsaudit.parameters.secret import hidden

    return hidden(text)
