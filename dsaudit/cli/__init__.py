"""The command line: thin. Every command imports what it needs when it is called, so that ``--help`` is quick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from dsaudit.cli.checks import explain, list_
from dsaudit.cli.evidence import sign_off, verify
from dsaudit.cli.group import COULD_NOT_START, Command
from dsaudit.cli.history import add, diff, history, prune
from dsaudit.cli.monitoring import monitor
from dsaudit.cli.options import ATTACH, EXAMPLE, FILE, FOLDER, loaded, part_given, part_options
from dsaudit.cli.running import run
from dsaudit.cli.telling import tell


@click.group(cls=Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dsaudit")
def main() -> None:
    """Prove that PostgreSQL holds what the source has.

    Start with `init`, which drafts the file that describes a system; then `check`, which tries every way in and audits
    nothing; then `run`.
    """


@main.command()
@click.option("--database-url", metavar="URL", help="The database; it is not written into the file.")
@click.option("--database-url-env", metavar="NAME", help="The environment variable that holds it instead.")
@click.option("--code", type=FOLDER, help="The integration's code; it is read and not run.")
@click.option("--provider", help="Whose API it is: shopify, stripe, quickbooks, or a file like theirs.")
@click.option("--documents", type=FOLDER, help="The integration's documents. [default: looked for beside the code]")
@click.option(
    "--blueprint",
    type=click.Choice(["datasource", "data_integrity", "partial_import"]),
    help="What the file is for. [default: by what is evident]",
)
@click.option("--integration", help="Its name in reports. [default: the file's]")
@click.option("--to", "target", type=click.Path(path_type=Path), help="The file. [default: parameters/INTEGRATION.yml]")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def init(
    database_url: str | None,
    database_url_env: str | None,
    code: Path | None,
    provider: str | None,
    documents: Path | None,
    blueprint: str | None,
    integration: str | None,
    target: Path | None,
    force: bool,
) -> None:
    """Draft the parameter file of a system, with every guess marked.

    Tables are sampled, not read whole, in read-only transactions with time limits.
    """
    from dsaudit.drafting.command import Given, init

    if bool(database_url) == bool(database_url_env):
        raise click.UsageError("give the database with --database-url or --database-url-env")
    given = Given(database_url, database_url_env, code, provider, documents, integration, target, force, blueprint)
    for line in init(given):
        click.echo(line)


@main.command()
@click.option("--seed", default=1, show_default=True, help="Chooses the rows that are damaged.")
@click.option("--out", type=click.Path(path_type=Path), help="Where the run is written. [default: reports/tour/]")
@EXAMPLE
def tour(seed: int, out: Path | None, example: str) -> None:
    """Plant faults in a sample and show that the audit finds each, with its rows.

    Exit status: 0 if the audit ends NO-GO with every fault found and no false alarm, else 1.
    """
    from dsaudit import sample, source
    from dsaudit.parameters import load, project_root
    from dsaudit.progress import shown
    from dsaudit.run import Options, run, tour
    from dsaudit.run.execute import prepare_imports
    from dsaudit.verdict.card import plural

    prepare_imports()
    options = Options(out=out or project_root() / "reports" / "tour")
    with shown() as progress:
        progress(f"starting the sample {example}")
        with sample.damageable(example) as state:
            keys = tour.plant(example, state.path, tour.faults_of_the_tour(example), seed, progress)
            outcome = run(load(state.parameters), options, source.record, progress)
    stops, alarms = tour.compare(keys, outcome.result, outcome.folder)
    for stop in stops:
        sign = click.style("✓", fg="green") if stop.found else click.style("✗", fg="red")
        where = f"{stop.check} ({stop.phase}: {stop.scope})"
        click.echo(f"{sign} {stop.fault}: {where}, {plural(stop.rows, 'row')}, place {stop.rank}")
        if stop.missed:
            click.echo(f"    not named: {', '.join(stop.missed[:5])}")
    for check in alarms:
        click.echo(f"{click.style('✗', fg='red')} {check} changed, although no fault explains it")
    tell(outcome.result, outcome.folder)
    as_planned = all(stop.found for stop in stops) and not alarms and outcome.result["decision"] == "NO-GO"
    sys.exit(0 if as_planned else 1)


@main.command()
@FILE
@part_options
@ATTACH
def check(file: Path, attach: bool, **part: Any) -> None:
    """Try every way into the system of FILE; audit nothing."""
    from itertools import chain

    from dsaudit import background, sample, source
    from dsaudit.facts import served
    from dsaudit.parameters import Part, narrowed
    from dsaudit.run.preflight import preflight

    parameters = narrowed(loaded(file, attach, {}), Part.given(**part_given(part)))
    with (sample.reached if attach else sample.started)(parameters):
        ready, ways = True, lambda given: chain(background.ways(given), served.ways(given))
        for line in preflight(parameters, source.reachable, source.tried, source.estimated, ways):
            ready = ready and line.ok is not False
            sign = {True: "✓", False: "✗", None: "–"}[line.ok]
            click.echo(f"{sign} {line.way}: {line.words}")
    sys.exit(0 if ready else COULD_NOT_START)


@main.command()
@FILE
@click.argument("resource")
@click.argument("source_id", metavar="ID")
@click.option("--tenant", default="", help="Whose record, where several tenants have the id.")
@click.option("--replay", type=FOLDER, help="Use the source as this run read it, and do not ask it.")
@click.option("--whole", is_flag=True, help="Read the source's whole list, not this record alone.")
@click.option("--reveal", is_flag=True, help="Show values unmasked; on a terminal only.")
def why(file: Path, resource: str, source_id: str, tenant: str, replay: Path | None, whole: bool, reveal: bool) -> None:
    """Tell one record's story, from its change at the source to its refined row, and what is wrong with it now.

    Exit status: 0 nothing is wrong, 1 something is, 2 it cannot be told, 3 could not start.
    """
    from rich.console import Console

    from dsaudit import audit, sample, timeline
    from dsaudit.parameters import load
    from dsaudit.timeline.printing import plain, show
    from dsaudit.verdict import Status, worst

    if reveal and not sys.stdout.isatty():
        raise click.UsageError("--reveal shows values on a terminal, and this output goes elsewhere")
    with sample.reached(load(file, is_recorded=replay is not None)):
        one = audit.open(str(file), "why", str(replay or ""))
        if reveal:
            one.reveal()
        found = timeline.stories(one, resource, source_id, tenant, whole)
        one.close()
    for story in found:
        if sys.stdout.isatty():
            show(story, Console(highlight=False))
        else:
            click.echo(plain(story))
    sys.exit({Status.PASS: 0, Status.FAIL: 1}.get(worst(story.status for story in found), 2))


@main.command()
@click.argument("run_folder", metavar="RUN", type=FOLDER)
@click.argument("name", metavar="CHECK")
@click.option("--to", "target", required=True, type=click.Path(path_type=Path), help="A .csv or .jsonl file.")
def rows(run_folder: Path, name: str, target: Path) -> None:
    """Write all rows that CHECK found in RUN to a private file, unmasked.

    In .csv a text that a spreadsheet could take for a formula, or that begins with an apostrophe, has an apostrophe
    before it; .jsonl has every text as it is.
    """
    from dsaudit.run.rows import write_rows
    from dsaudit.verdict.card import plural

    count = write_rows(run_folder, name, target)
    click.echo(f"{plural(count, 'row')}, unmasked, written to {target}")


@main.command()
@click.argument("run_folder", metavar="RUN", type=FOLDER)
@click.option("--owner", required=True, help="Who answers for it.")
@click.option("--expires", required=True, metavar="YYYY-MM-DD", help="The last day; at most 366 days ahead.")
@click.option("--check", "checks", multiple=True, help="Only this check, beside what was accepted; may be repeated.")
@click.option("--reason", default="", help="Why they may stay.")
@click.option("--partial", is_flag=True, help="RUN looked at a part only; accept what it saw.")
@click.option("--file", type=click.Path(path_type=Path), help="The parameter file. [default: RUN's]")
def baseline(run_folder: Path, file: Path | None, **terms: Any) -> None:
    """Accept the rows that RUN found until a day; any other row fails.

    They are written, as hashes, to baseline.json in the folder called like the parameter file.
    """
    from datetime import UTC, datetime

    from dsaudit.parameters import load
    from dsaudit.run.baseline import Terms, make, parameter_file
    from dsaudit.verdict.card import plural

    parameters = load(file or parameter_file(run_folder), is_recorded=True)
    path, made = make(run_folder, parameters, Terms(**terms), datetime.now(UTC).date())
    for name, accepted in made.checks.items():
        click.echo(f"{name}: {plural(len(accepted.findings), 'row')}, by {accepted.owner} until {accepted.expires}")
    click.echo(f"written to {path}; a row that is not among these fails")


@main.command()
@click.option("--name", default="dsaudit_reader", show_default=True, help="The role's name.")
@click.option("--schema", "schemas", multiple=True, default=("public",), show_default=True)
def role(name: str, schemas: tuple[str, ...]) -> None:
    """Print the SQL of a role that can read and nothing else."""
    from dsaudit.run.role import reader_role

    click.echo(reader_role(name, schemas))


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("action", type=click.Choice(["up", "down", "status", "plant", "heal", "faults", "change", "settle"]))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@EXAMPLE
def sample(action: str, arguments: tuple[str, ...], example: str) -> NoReturn:
    """Start, stop or damage a sample system: `up` keeps it up until Ctrl-C, `down` or an hour without use.

    While it is up, notebooks opened by hand use it. `faults` lists what `plant` can damage; `heal` switches the
    faults off and reads everything again; `change` lets live changes happen, `settle` waits until none is under way.
    """
    import os

    from dsaudit.parameters import project_root

    os.chdir(project_root())
    os.environ["SAMPLE_COMMAND"] = f"dsaudit sample --example {example}"
    # In place of this process, so that what is sent to stop it reaches the sample.
    os.execv(sys.executable, [sys.executable, "-m", f"examples.{example}", action, *arguments])


for command in (run, explain, list_, verify, sign_off, history, diff, prune, add, monitor):
    main.add_command(command)
