"""Tells how a run ended, in a few lines of a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

MOST_SUMMARY = 1 << 20  # bytes; of a longer one GitHub shows nothing


def tell_github(result: dict[str, Any], folder: Path) -> None:
    """In a job of GitHub Actions, annotate what is not green, and show the summary on the job's page."""
    import os

    from dsaudit.exports.annotations import workflow_commands

    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    for line in workflow_commands(result):
        click.echo(line)
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if not page:
        return
    try:
        text = (folder / "summary.md").read_text(encoding="utf-8")
        with Path(page).open("a", encoding="utf-8") as file:
            if file.tell() + len(text.encode()) < MOST_SUMMARY:
                file.write(f"{text}\n")
            else:
                click.echo(f"the job's summary is full; see {folder / 'summary.md'}")
    except OSError as error:
        click.echo(f"the job's summary was not written: {error.strerror}")


def tell(result: dict[str, Any], folder: Path) -> None:
    """Print the decision, its reasons, where the report is, and the run's seal, which a CI's output anchors."""
    from datetime import datetime

    from dsaudit.evidence.chain import seal_of
    from dsaudit.exports.words import plain
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
        lines.append(f"  {number}. {plain(reason['text'])}{place}")
    for reason in result["instant"]["may_write"][:1]:
        lines.append(click.style(f"The role {result['instant']['role']} can write here: {reason}", fg="yellow"))
    lines += filter(None, [left_out_in_words(result)])
    # In one piece: a reader that wants the first line only does not keep the run from its exit status.
    click.echo("\n".join([*lines, f"report: {folder / 'report.html'}", f"seal: {seal_of(folder)}"]))


def tell_several(index: dict[str, Any], page: Path) -> None:
    """Print how several audits ended, one a line, and where their index is."""
    from dsaudit.verdict.card import plural

    colours = {"GO": "green", "NO-GO": "red"}
    audits = index["audits"]
    decision = index["decision"] or "none could start"
    lines = [f"{click.style(decision, fg=colours.get(decision, 'yellow'), bold=True)}  {plural(len(audits), 'audit')}"]
    for one in audits:
        name = ", ".join(filter(None, [one["file"], one["tenant"]]))
        lines.append(f"  {click.style(one['headline'], fg=colours.get(one['decision'], 'yellow'))}  {name}")
    click.echo("\n".join([*lines, f"index: {page}"]))
