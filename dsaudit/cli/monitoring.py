"""The command that watches a system between two audits: it writes what others watch it with, or watches itself."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from dsaudit.cli.options import ATTACH, FILE, loaded
from dsaudit.cli.resuming import stopped_alike
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.monitoring.reading import Reading
    from dsaudit.monitoring.series import Watched
    from dsaudit.monitoring.serving import Latest
    from dsaudit.parameters import Parameters

    Show = Callable[[Watched, Reading], None]

INTERVAL = 60.0  # seconds
BEYOND, UNKNOWN = 1, 2


@click.command()
@FILE
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write into this folder.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
@click.option("--interval", type=click.FloatRange(1), metavar="SECONDS", help="Watch, and read so often.")
@click.option("--once", is_flag=True, help="Read once, tell what is not as it should be, and end.")
@click.option("--listen", metavar="HOST:PORT", help="Watch, and serve the metrics here, such as 127.0.0.1:9108.")
@click.option("--textfile", type=click.Path(path_type=Path, dir_okay=False), help="Write the metrics there each time.")
@ATTACH
def monitor(
    file: Path,
    folder: Path | None,
    force: bool,
    interval: float | None,
    once: bool,
    listen: str | None,
    textfile: Path | None,
    attach: bool,
) -> None:
    """Watch the system of FILE between two audits, or write what others watch it with.

    With --to: INTEGRATION.collector.yml has one query a metric for sql_exporter, on the tables that FILE declares;
    INTEGRATION.rules.yml has the alerts for Prometheus, with the limits of FILE; INTEGRATION.dashboard.json is for
    Grafana. Nothing is connected to.

    Else the same metrics are read every --interval seconds (60) until Ctrl-C, and shown; where the output is no
    terminal, a value is told when it passes its limit and when it comes back. A database that goes away is waited for.

    Exit status of --once: 0 all is within its limit, 1 something is beyond, 2 something is not known, 3 could not
    start. A watch that is ended has 0.
    """
    from dsaudit import sample
    from dsaudit.monitoring import refuse_nothing, write

    watches = bool(interval or once or listen or textfile)
    for problem, words in (
        (folder and (watches or attach), "--to writes and does not watch: give it alone, or leave it out"),
        (not folder and not watches, "--to FOLDER writes, --interval SECONDS watches, --once looks once: give one"),
        (once and (interval or listen), "--once ends at once, so it has no --interval and nobody to --listen for"),
        (force and not folder, "--force is for the files of --to"),
    ):
        if problem:
            raise click.UsageError(words)
    parameters = loaded(file, attach, {})
    if folder:
        for line in write(parameters, folder, force):
            click.echo(line)
        return
    refuse_nothing(parameters)
    with (sample.reached if attach else sample.started)(parameters):
        _watch(parameters, None if once else interval or INTERVAL, listen, textfile)


def _watch(parameters: Parameters, interval: float | None, listen: str | None, textfile: Path | None) -> NoReturn:
    """Read once or again and again, and end with the exit status; to be stopped is the end of a watch."""
    from dsaudit.monitoring.serving import Latest, served

    latest = Latest(parameters.integration)
    if interval is None:
        sys.exit(_once(parameters, latest, textfile))
    with contextlib.suppress(KeyboardInterrupt), stopped_alike(), contextlib.ExitStack() as stack:
        if listen:
            _tell(f"metrics at {stack.enter_context(served(latest, listen))}")
        if textfile:  # an old one would pass for a new one
            stack.callback(textfile.unlink, missing_ok=True)
        _again_and_again(parameters, interval, latest, textfile, stack.enter_context(_shown(parameters, interval)))
    _tell("ended")
    sys.exit(0)


def _once(parameters: Parameters, latest: Latest, textfile: Path | None) -> int:
    from dsaudit.monitoring import reading, screen, series

    read = reading.read(parameters)
    _offer(read, latest, textfile)
    _refuse_absence(read)
    watched = series.advanced({}, read, parameters)
    if _is_watched():
        from rich.console import Console

        Console(highlight=False).print(screen.table(watched, read, parameters.integration))
    else:
        for line in series.Changes().lines(watched, read):
            click.echo(line)
    states = {one.state for one in watched.values()}
    return BEYOND if "beyond" in states else UNKNOWN if "unknown" in states else 0


def _again_and_again(
    parameters: Parameters, interval: float, latest: Latest, textfile: Path | None, show: Show
) -> None:
    from dsaudit.monitoring import reading, series

    watched: series.Watched = {}
    for read in reading.readings(parameters, interval):
        _offer(read, latest, textfile)
        if not watched:  # at the start it is more likely a wrong address than a database that comes back
            _refuse_absence(read)
        watched = series.advanced(watched, read, parameters)
        show(watched, read)


def _offer(read: Reading, latest: Latest, textfile: Path | None) -> None:
    from dsaudit.monitoring.serving import put

    latest.reading = read
    if textfile:
        put(latest, textfile)


def _refuse_absence(read: Reading) -> None:
    from dsaudit.database import DatabaseError

    if read.away:
        raise DatabaseError(read.away)


@contextlib.contextmanager
def _shown(parameters: Parameters, interval: float) -> Iterator[Show]:
    """Yield what shows a reading: as a table that is drawn anew, or what has changed in lines."""
    from dsaudit.monitoring import screen, series

    title = f"{parameters.integration}, every {span(interval)} until Ctrl-C"
    changes = series.Changes()
    if not _is_watched():
        _tell(f"watching {title}")
        yield lambda watched, read: _print(changes.lines(watched, read), read)
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(highlight=False), auto_refresh=False) as live:
        yield lambda watched, read: live.update(screen.table(watched, read, title), refresh=True)


def _print(lines: Iterable[str], read: Reading) -> None:
    for line in lines:
        click.echo(f"{read.time:%Y-%m-%dT%H:%M:%SZ} {line}")


def _is_watched() -> bool:
    return sys.stdout.isatty() and not os.environ.get("CI")


def _tell(line: str) -> None:
    click.echo(line, err=True)
