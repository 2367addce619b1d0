"""What several commands are given: a parameter file, a run, the part of a system, overridden keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

FILE = click.argument("file", type=click.Path(path_type=Path))
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
