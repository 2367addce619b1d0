"""`run --resume`: a run that was stopped is gone on with as it was begun, and every way of being stopped is told."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from dsaudit.parameters import Part
    from dsaudit.run import Options

STOPS = (signal.SIGTERM, signal.SIGHUP)  # beside Ctrl-C


def going_on(options: Options, folder: Path, part: dict[str, Any], live: bool) -> tuple[Options, Part, bool]:
    """Return options, part and whether checks may act as the run in `folder` was begun with.

    Raises
    ------
    UsageError
        Something of it is given again.
    """
    from dsaudit.parameters import Part
    from dsaudit.run import resuming

    given = {
        "--blueprint": options.blueprint,
        "--phase": options.phases,
        "--check": options.checks,
        "--set": options.overrides,
        "--out": options.out,
        "--replay": options.replay,
        **{f"--{name.rstrip('s')}": value for name, value in part.items() if name != "seed"},
    }
    if again := [name for name, value in given.items() if value]:
        raise click.UsageError(f"--resume goes on with a run as it was begun: leave out {', '.join(again)}")
    asked = resuming.asked(folder)
    begun = {name: asked[name] for name in ("blueprint", "phases", "checks", "overrides")}
    old = Path(asked["replay"]) if asked["replay"] else None
    options = replace(options, **begun, replay=old, out=Path(asked["out"]), resume=folder, acts_again=live)
    return options, Part.from_json(asked["part"]), bool(live or asked["acting"]) and not old


@contextlib.contextmanager
def stopped_alike() -> Iterator[None]:
    """Let what ends a program from outside stop the block as Ctrl-C does: it cleans up, and says how to go on."""
    before = {number: signal.getsignal(number) for number in STOPS}
    for number, handler in before.items():
        if handler is signal.SIG_DFL:  # `nohup` has it ignored
            signal.signal(number, _stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt
