"""What several commands are given: a parameter file, a run, the part of a system, overridden keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from dsaudit.parameters import Parameters

FILE = click.argument("file", type=click.Path(path_type=Path))
ATTACH = click.option("--attach", is_flag=True, help="Look at the sample that is up, not at a fresh one.")
EXAMPLE = click.option(
    "--example",
    type=click.Choice(["storefront", "referrals", "discovery", "listings"]),
    default="storefront",
    show_default=True,
    help="Which sample: a source with webhooks, a scheduled sync, imports for several tenants, or partial imports.",
)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


def part_options(command: Any) -> Any:
    """Give a command the options that narrow an audit."""
    options = (
        click.option("--resource", "resources", multiple=True, help="Only this resource; may be repeated."),
        click.option("--tenant", "tenants", multiple=True, help="Only this tenant; may be repeated."),
        click.option("--since", default="", metavar="TIME", help="Only what changed since: 2026-11-01, 7d, 36h."),
        click.option("--sample", type=click.IntRange(1), metavar="N", help="Only N records of each resource."),
        click.option("--seed", default=1, show_default=True, help="Chooses the records of a sample."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def part_given(part: dict[str, Any]) -> dict[str, Any]:
    """Return what was given for `part_options`, as `Part.given` takes it."""
    return {**part, "sample": part["sample"] or 0}


def overrides_of(given: tuple[str, ...]) -> dict[str, str]:
    """Return the keys that ``--set key=value`` overrides."""
    overrides = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--set {text}: written as key=value, such as policy.latency_seconds=10")
        overrides[key] = value
    return overrides


def loaded(file: Path, attach: bool, given: dict[str, str], is_recorded: bool = False) -> Parameters:
    """Return what a file says; with `attach`, what that of the sample that is up does."""
    from dsaudit import sample
    from dsaudit.parameters import load

    whole = load(file, given, is_recorded)
    if attach and not whole.example:
        raise click.ClickException(f"--attach is for a sample that is up, and {file} describes none (`example`)")
    if attach and not sample.is_up(whole):
        how = f"`dsaudit sample up --example {whole.example}` starts one"
        raise click.ClickException(f"--attach: no sample {whole.example} is up; {how}")
    own = sample.own_file(whole) if attach else whole.path
    return whole if own == whole.path else load(own, given, is_recorded)
