"""The commands over earlier runs: what there is, what differs, what is removed, what is taken in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dsaudit.cli.evidence import KEY
from dsaudit.cli.options import FILE, FOLDER

if TYPE_CHECKING:
    from dsaudit.history.listing import History

OUT = click.option("--out", type=click.Path(path_type=Path), help="Where runs are written. [default: reports/]")
COLOURS = {"GO": "green", "NO-GO": "red", "INCONCLUSIVE": "yellow"}


@click.command()
@FILE
@OUT
@click.option("--key", "keys", multiple=True, type=KEY, help="A reviewer's public key; may be repeated.")
def history(file: Path, out: Path | None, keys: tuple[Path, ...]) -> None:
    """List the runs of FILE's system, the newest first, and what is wrong with their chain.

    A sign-off that is of none of the keys given is told as unproven.

    Exit status: 0 the chain is whole and no run was edited, 1 it is not, 3 there is no run.
    """
    from dsaudit.evidence import signing
    from dsaudit.history import reports_of
    from dsaudit.history.listing import history, plain_table
    from dsaudit.parameters import load

    public = [signing.public_key(path) for path in keys]
    told = history(reports_of(load(file, is_recorded=True), out), f"dsaudit run {file}", public)
    if sys.stdout.isatty():
        _show(told)
    else:
        click.echo(plain_table(told))
    for remark in told.remarks:
        click.echo(remark)
    for fault in told.faults:
        click.echo(f"{click.style('✗', fg='red')} {fault}")
    sys.exit(1 if told.faults else 0)


def _show(told: History) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from dsaudit.history.listing import HEAD

    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in HEAD:
        table.add_column(title, justify="right" if title in ("no.", "new", "known", "fixed") else "left")
    for line in told.lines:
        colours = {
            3: "dim" if "(part)" in line[3] else COLOURS.get(line[3], ""),
            8: "red" if "EDITED" in line[8] else "",
        }
        table.add_row(*(Text(text, style=colours.get(place, "")) for place, text in enumerate(line)))
    Console(highlight=False).print(table)


@click.command()
@click.argument("before", metavar="RUN", type=FOLDER)
@click.argument("now", metavar="RUN", type=FOLDER)
def diff(before: Path, now: Path) -> None:
    """Say what differs between two runs of a system, the earlier one first.

    Exit status: 0 nothing got worse, 1 something did, 3 they cannot be compared.
    """
    from dsaudit.history.difference import difference
    from dsaudit.history.runs import load

    lines = difference(load(before), load(now))
    section = ""
    for line in lines:
        if line.section != section:
            section = line.section
            click.echo(click.style(section, bold=True))
        click.echo(f"  {click.style('✗', fg='red') if line.worse else ' '} {line.words}")
    if not lines:
        click.echo("nothing differs")
    sys.exit(1 if any(line.worse for line in lines) else 0)


@click.command()
@FILE
@OUT
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def prune(file: Path, out: Path | None, dry_run: bool, yes: bool) -> None:
    """Remove what FILE's `evidence` keeps no longer: first the private folders of runs, later their reports.

    The manifests, signatures and sign-offs stay, and so does the newest run.
    """
    from datetime import UTC, datetime

    from dsaudit.history import pruning, reports_of
    from dsaudit.parameters import load
    from dsaudit.verdict.card import plural

    parameters = load(file, is_recorded=True)
    reports, now = reports_of(parameters, out), datetime.now(UTC)
    due = pruning.due(reports, parameters.evidence, now)
    if not due:
        click.echo("nothing is kept longer than it should be")
        return
    for one in due if dry_run or not yes else []:
        click.echo(f"{'would be removed' if dry_run else 'to be removed'}: {one.words}")
    if dry_run:
        return
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("prune asks before it removes, and there is nobody to ask: say --yes")
    if not yes:
        click.confirm(f"Remove this of {plural(len(due), 'run')}?", abort=True)
    removed = pruning.prune(reports, parameters.evidence, now, due)
    for one in removed:
        click.echo(f"removed: {one.words}")
    click.echo(f"{sum(one.bytes for one in removed) / 1e6:,.1f} MB of {plural(len(removed), 'run')} removed")


@click.command()
@click.argument("given", metavar="RUN", type=click.Path(path_type=Path, exists=True))
@FILE
@OUT
def add(given: Path, file: Path, out: Path | None) -> None:
    """Take RUN into the runs of FILE's system.

    RUN is a run's folder, or a folder or zip that holds runs, such as a CI's artefact. A private folder is left out.
    """
    from dsaudit.evidence import chain
    from dsaudit.history import adding, reports_of
    from dsaudit.parameters import load

    parameters = load(file, is_recorded=True)
    reports = reports_of(parameters, out)
    for line in adding.add(given, parameters, reports):
        click.echo(line)
    for fault in chain.faults(reports):
        click.echo(f"{click.style('✗', fg='red')} {fault.words}")
