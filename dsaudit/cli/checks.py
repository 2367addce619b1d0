"""Commands that tell what there is to check: list, explain."""

from __future__ import annotations

from typing import Any

import click


@click.command(name="list")
def list_() -> None:
    """List the blueprints, their phases and their checks."""
    from dsaudit.checks import all_checks, notebooks
    from dsaudit.checks.planning import check_calls
    from dsaudit.parameters import project_root

    checks = all_checks()
    for blueprint in sorted((project_root() / "notebooks").glob("*/blueprint.yml")):
        click.echo(blueprint.parent.name)
        for notebook in notebooks(blueprint.parent):
            click.echo(f"  {notebook.stem}")
            for _, name in check_calls(notebook):
                if name:
                    click.echo(f"    {name}: {checks[name].headers['title']}")


@click.command()
@click.argument("name", metavar="CHECK")
def explain(name: str) -> None:
    """Say what CHECK proves, why it matters, and how it looks."""
    from dsaudit.checks import all_checks

    check = _known(name, all_checks())
    click.echo(f"{check.name}: {check.headers['title']}")
    shown = ["why", "acts", "requirement", "severity", "scope", "each", "expect", "minimum", "explains", "remedy"]
    for header in shown:
        if header in check.headers:
            click.echo(f"  {header}: {check.headers[header]}")
    if check.is_query:
        click.echo(f"\n-- what is examined\n{check.examined}\n\n-- what should not exist\n{check.query}")
    else:
        click.echo(f"  a function: {check.path.name}:{check.line}")


def _known(name: str, checks: dict[str, Any]) -> Any:
    from dsaudit.wording import did_you_mean

    if name in checks:
        return checks[name]
    hint = did_you_mean(name, checks, "`dsaudit list` names them all")
    raise click.UsageError(f"there is no check {name!r}; {hint}")
