"""Tells how a run ended, in a few lines of a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


def tell(result: dict[str, Any], folder: Path) -> None:
    """Print the decision, its reasons and where the report is."""
    from datetime import datetime

    from dsaudit.report.telling import headline
    from dsaudit.verdict import Status, seconds_text

    run = result["run"]
    took = datetime.fromisoformat(run["ended"]) - datetime.fromisoformat(run["started"])
    counts = {status: sum(verdict["status"] == status for verdict in result["verdicts"]) for status in Status}
    words = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    words += f", in {seconds_text(took.total_seconds())}"
    colour = {"GO": "green", "NO-GO": "red"}.get(result["decision"], "yellow")
    click.echo(f"{click.style(headline(result), fg=colour, bold=True)}  {words}")
    for number, reason in enumerate(result["reasons"], 1):
        place = f" ({reason['phase']}: {reason['check']})" if reason["check"] else ""
        click.echo(f"  {number}. {reason['text']}{place}")
    for reason in result["instant"]["may_write"][:1]:
        click.echo(click.style(f"The role {result['instant']['role']} can write here: {reason}", fg="yellow"))
    click.echo(f"report: {folder / 'index.html'}")
