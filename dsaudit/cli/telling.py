"""Tells how a run ended, in a few lines of a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


def tell(result: dict[str, Any], folder: Path) -> None:
    """Print the decision, its reasons, where the report is, and the run's seal, which a CI's output anchors."""
    from datetime import datetime

    from dsaudit.evidence.chain import seal_of
    from dsaudit.report.telling import headline, left_out_in_words
    from dsaudit.verdict import Status
    from dsaudit.wording import span

    run = result["run"]
    took = datetime.fromisoformat(run["ended"]) - datetime.fromisoformat(run["started"])
    counts = {status: sum(verdict["status"] == status for verdict in result["verdicts"]) for status in Status}
    words = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    words += f", in {span(took.total_seconds())}"
    colour = {"GO": "green", "NO-GO": "red"}.get(result["decision"], "yellow")
    lines = [f"{click.style(headline(result), fg=colour, bold=True)}  {words}"]
    for number, reason in enumerate(result["reasons"], 1):
        place = f" ({reason['phase']}: {reason['check']})" if reason["check"] else ""
        lines.append(f"  {number}. {reason['text']}{place}")
    for reason in result["instant"]["may_write"][:1]:
        lines.append(click.style(f"The role {result['instant']['role']} can write here: {reason}", fg="yellow"))
    lines += filter(None, [left_out_in_words(result)])
    # In one piece: a reader that wants the first line only does not keep the run from its exit status.
    click.echo("\n".join([*lines, f"report: {folder / 'report.html'}", f"seal: {seal_of(folder)}"]))
