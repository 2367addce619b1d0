"""`dsaudit run`: one audit, or several side by side with an index over all of them."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from dsaudit import forkserver
from dsaudit.cli.options import ATTACH, FOLDER, loaded, overrides_of, part_given, part_options
from dsaudit.cli.resuming import going_on, stopped_alike
from dsaudit.cli.telling import tell, tell_github, tell_several

if TYPE_CHECKING:
    from dsaudit.parameters import Parameters
    from dsaudit.run.several import Audit


def _scheduler(context: click.Context, option: click.Parameter, address: str | None) -> str:
    """Return the scheduler's address: given empty, as of a variable that is not set, it would mean to run here."""
    if address is not None and not address.strip():
        raise click.ClickException("--dask: the address is empty; write it as tcp://HOST:PORT, or leave out --dask")
    return address or ""


OF_ALL = ("files", "jobs", "out", "dask", "each_tenant")  # what is not handed on to each of several audits as it is


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--blueprint", default="", help="Which blueprint, if the file names several.")
@click.option("--phase", "phases", multiple=True, help="Only this phase, such as 4; may be repeated.")
@click.option("--check", "checks", multiple=True, help="Only this check; may be repeated.")
@part_options
@click.option("--each-tenant", is_flag=True, help="Audit each tenant by itself, with an index over all of them.")
@click.option("--jobs", type=click.IntRange(1), default=None, help="Phases at a time. [default: the cores]")
@click.option("--dask", metavar="ADDRESS", callback=_scheduler, help="Run on the Dask cluster of this scheduler.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key, such as policy.x=5.")
@click.option("--out", type=click.Path(path_type=Path), help="Where runs are written. [default: reports/]")
@click.option("--replay", type=FOLDER, help="Use the source as this earlier run read it, and do not ask it.")
@click.option("--resume", type=FOLDER, help="Go on with this run, which was stopped, as it was begun.")
@click.option("--live", is_flag=True, help="Let checks act as the file declares: change a record, start syncs.")
@ATTACH
@click.pass_context
def run(
    context: click.Context,
    /,
    files: tuple[Path, ...],
    blueprint: str,
    phases: tuple[str, ...],
    checks: tuple[str, ...],
    each_tenant: bool,
    jobs: int | None,
    dask: str,
    overrides: tuple[str, ...],
    out: Path | None,
    replay: Path | None,
    resume: Path | None,
    live: bool,
    attach: bool,
    **part: Any,
) -> None:
    """Audit the system that FILE describes and write its evidence; of several, each, and an index over them.

    A narrowed run skips each check that has no result of its own for each resource, tenant or record in question.

    Exit status: 0 GO, 1 NO-GO, 2 INCONCLUSIVE, 3 could not start. Of several audits that of the worst: 1 before 2, and
    one that could not start counts as 2, or 3 if none could.
    """
    if len(files) > 1 or each_tenant:
        sys.exit(_several(context, files, each_tenant, jobs, dask, out))
    (file,) = files
    if not dask:
        forkserver.prepare(file)  # it imports side by side with us
    from dsaudit import source
    from dsaudit.history.notifying import notify
    from dsaudit.parameters import Part, narrowed
    from dsaudit.run import Options

    words = [*(["--attach"] if attach else []), *(["--dask", dask] if dask else [])]
    words += ["--jobs", str(jobs)] if context.get_parameter_source("jobs") is ParameterSource.COMMANDLINE else []
    command = shlex.join(["dsaudit", "run", str(file), *words])
    options = Options(blueprint, phases, checks, jobs or 0, out, overrides_of(overrides), replay)
    options = replace(options, dask=dask, command=command)
    asked = Part.given(**part_given(part))
    if resume:
        options, asked, live = going_on(options, resume, part, live)
    whole = loaded(file, attach, options.overrides, is_recorded=options.replay is not None)
    parameters = allowed_to_act(narrowed(whole, asked), live, options.replay)
    read = source.replay(options.replay) if options.replay else source.resume if resume else source.record
    result, folder = _audit(parameters, options, read, attach)
    tell(result, folder)
    tell_github(result, folder)
    if line := notify(result, parameters):
        click.echo(line)
    sys.exit(result["exit"])


def allowed_to_act(parameters: Parameters, live: bool, replay: Path | None) -> Parameters:
    """Return the parameters with which checks act by `live` or the file, and of a replay if it has what they saw."""
    from dsaudit.parameters.background import acts
    from dsaudit.source import has_acted

    if live and replay:
        raise click.UsageError("--live acts at the source, and --replay asks nobody: give one of them")
    if live and parameters.environment == "production":
        raise click.ClickException(f"--live: nothing acts in production, and {parameters.path.name} describes it")
    if live and not parameters.acting and not acts(parameters):
        ways = "`live`, `syncs.run`, `api.sync`, `worker`, `flag`, `outage`, `bad_record`, `new_record`, `push`"
        ways += ", `flows`"
        raise click.ClickException(f"--live: {parameters.path.name} declares nothing to do ({ways})")
    return parameters.allowed_to_act(live or has_acted(replay or "")) if live or replay else parameters


def _audit(parameters: Parameters, options: Any, read: Any, attach: bool) -> tuple[dict[str, Any], Path]:
    from dsaudit import sample
    from dsaudit.progress import shown
    from dsaudit.run import run
    from dsaudit.run.execute import prepare_imports

    prepare_imports()
    with stopped_alike(), shown() as progress:
        if parameters.example and not attach:
            progress(f"starting the sample {parameters.example}")
        with (sample.reached if attach else sample.started)(parameters):
            outcome = run(parameters, options, read, progress)
    return outcome.result, outcome.folder


# Several audits ------------------------------------------------------------------------------------------------------


def _several(
    context: click.Context, files: tuple[Path, ...], each_tenant: bool, jobs: int | None, dask: str, out: Path | None
) -> int:
    from dsaudit.parameters import project_root
    from dsaudit.progress import shown
    from dsaudit.run import several

    for name in ("resume", "replay"):
        if context.params[name]:
            raise click.UsageError(f"--{name} is of one run: name one file, without --each-tenant")
    words = [*_words(context)]
    audits = [one for file in dict.fromkeys(files) for one in _audits(file, each_tenant, words, context.params)]
    with stopped_alike(), shown() as progress:
        folder = (out or project_root() / "reports").absolute()
        index, path = several.audited(audits, folder, jobs, dask, progress, click.echo)
    tell_several(index, path)
    return int(index["exit"])


def _words(context: click.Context) -> list[str]:
    """Return the options that were given and that each of the audits is given too, as they are typed."""
    words = []
    for option in context.command.params:
        value: Any = context.params[option.name or ""]
        if option.name in OF_ALL or context.get_parameter_source(option.name or "") is not ParameterSource.COMMANDLINE:
            continue
        if context.params["each_tenant"] and option.name == "tenants":
            continue
        values = value if isinstance(value, tuple) else [value]
        words += [option.opts[0] if value is True else f"{option.opts[0]}={one}" for one in values]
    return words


def _audits(file: Path, each_tenant: bool, words: list[str], params: dict[str, Any]) -> list[Audit]:
    """Return the audits of a file: one, or one a tenant; a file that cannot be read says so when it is audited."""
    from dsaudit.parameters import ParameterError, load
    from dsaudit.run.several import Audit

    try:
        parameters = load(file, overrides_of(params["overrides"]))
    except ParameterError:
        return [Audit(file, words)]
    acting = parameters.acting or params["live"]
    whole = Audit(file, words, parameters.integration, acts=acting, polite=bool(parameters.database.polite))
    if not each_tenant:
        return [whole]
    if acting:
        raise click.UsageError(f"--each-tenant: {file} lets checks act, and side by side they would see each other's")
    tenants = params["tenants"] or [one.name for one in parameters.tenants]
    return [replace(whole, words=[*words, f"--tenant={one}"], tenant=one) for one in tenants] or [whole]
