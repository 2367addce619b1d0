"""The cards of a report: those of a notebook, with what changed since the last run and how to run the check again."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable

from dsaudit.parameters import Part
from dsaudit.parameters.part import since_text
from dsaudit.report.telling import Record
from dsaudit.verdict import card

CHANGES = ("new", "known", "fixed")


def cards(verdicts: Iterable[Record], result: Record, level: int) -> str:
    """Return the cards of verdicts, their claims as headings of a level."""
    show = shown_by(result)
    return "\n".join(show(verdict, level) for verdict in verdicts)


def shown_by(result: Record) -> Callable[[Record, int], str]:
    """Return what makes a verdict of this run a card."""
    told = result.get("changes", {})
    changes = told.get("checks") or {} if told.get("against") else {}

    def show(verdict: Record, level: int) -> str:
        changed = changes.get(verdict["check"], {})
        since = ", ".join(f"{changed[name]} {name}" for name in CHANGES if changed.get(name))
        return card.html(verdict, level, again(result, verdict["check"]), since)

    return show


def again(result: Record, check: str = "") -> str:
    """Return the command that runs a check again, or the whole audit; empty where the parameter file is not known."""
    parameters = result["parameters"]
    if not parameters.get("path"):
        return ""
    words = ["dsaudit", "run", parameters["path"]]
    if len(parameters.get("values", {}).get("blueprints", [])) > 1:
        words += ["--blueprint", result["run"]["blueprint"]]
    words += ["--check", check] if check else []
    part = Part.from_json(result["run"]["part"]) if "part" in result["run"] else Part()
    words += [word for name in part.resources for word in ("--resource", name)]
    words += [word for name in part.tenants for word in ("--tenant", name)]
    words += ["--since", since_text(part.since)] if part.since else []
    words += ["--sample", str(part.sample), "--seed", str(part.seed)] if part.sample else []
    words += [word for key, value in parameters.get("overrides", {}).items() for word in ("--set", f"{key}={value}")]
    acts = any(one.get("acts") for one in result["plan"] if check in ("", one["check"]))
    is_asked = parameters.get("values", {}).get("allow_actions")
    return shlex.join([*words, "--live"] if acts and not is_asked else words)
