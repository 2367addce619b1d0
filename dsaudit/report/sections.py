"""The sections of the index that are tables and lists: criteria, phases, checklist, history, provenance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from dsaudit.report.telling import (
    DECISIONS,
    Link,
    Record,
    counts_html,
    having,
    instants,
    moment,
    phase_status,
    phase_title,
    scopes_of,
    skipped_because,
)
from dsaudit.verdict import Status
from dsaudit.verdict.card import SIGNS, anchor, plural, table, words
from dsaudit.wording import span

MOST_RUNS = 10


def section(name: str, title: str, content: str) -> str:
    """Return a section with its heading, or nothing where there is no content."""
    return f'<section id="ds-{name}"><h2>{title}</h2>\n{content}\n</section>' if content else ""


def status_cell(status: str) -> str:
    """Return a status as a cell of a table."""
    return f'<td class="ds-status ds-{Status(status).value}">{SIGNS[Status(status)]} {Status(status).value}</td>'


def strip(result: Record, phases: Iterable[str], pages: Mapping[str, str], here: str = "") -> str:
    """Return the strip of phases: each with its counts, and links to its page and to the documents it has drafted."""
    found, drafts = list(result["verdicts"]), result.get("drafts", [])
    items = []
    for name in phases:
        own = [verdict for verdict in found if verdict["phase"] == name]
        title = words(phase_title(name))
        current = ' aria-current="page"' if name == here else ""
        if name in pages:
            title = f'<a href="{pages[name]}"{current}>{title}</a>'
        told = counts_html(own) + "".join(_draft(one, bool(here)) for one in drafts if one["phase"] == name)
        items.append(f'<li class="ds-{phase_status(own).value}"><b>{title}</b> <span>{told}</span></li>')
    return f'<nav class="strip" aria-label="Phases"><ol>{"".join(items)}</ol></nav>' if items else ""


def _draft(draft: Record, is_below: bool) -> str:
    address = f"{'../' if is_below else ''}{quote(draft['path'])}"
    return f' <a class="draft" href="{address}">{words(draft["path"])}</a>'


def criteria(result: Record) -> str:
    """Return the success criteria: metric, target, actual, status, and the status in the last runs."""
    rows = []
    for one in result["criteria"]:
        rows.append(
            [
                f'<th scope="row">{words(one["metric"])}</th>',
                f"<td>{words(one['target'])}</td>",
                f'<td class="ds-number">{words(one["actual"])}</td>',
                status_cell(one["status"]),
                f"<td>{_trend(one, result['history'])}</td>",
            ]
        )
    if not rows:
        return ""
    caption = "Each criterion is as good as its worst check; the last runs stand oldest first, this one at the end"
    return f'<div class="ds-table">{table(("Metric", "Target", "Actual", "Status", "Last runs"), rows, caption)}</div>'


def _trend(criterion: Record, history: Iterable[Record]) -> str:
    earlier = [run["criteria"].get(criterion["id"]) for run in history][: MOST_RUNS - 1]
    statuses = [Status(status) for status in [*reversed(earlier), criterion["status"]] if status]
    signs = "".join(f'<span class="ds-status ds-{status.value}">{SIGNS[status]}</span>' for status in statuses)
    return f'<span class="trend" role="img" aria-label="{", ".join(statuses)}">{signs}</span>'


def checklist(result: Record) -> str:
    """Return the final checklist; what only a person can do stays open, with its owner."""
    items = []
    for item in result["checklist"]:
        if item["status"] == "open":
            mark = '<span class="ds-status"><span aria-hidden="true">☐</span> open</span>'
            items.append(f"<li>{mark} <span>{words(item['text'])} — owner: <b>{words(item['owner'])}</b></span></li>")
            continue
        status = Status(item["status"])
        mark = (
            f'<span class="ds-status ds-{status.value}"><span aria-hidden="true">{SIGNS[status]}</span> {status}</span>'
        )
        items.append(f"<li>{mark} <span>{words(item['text'])}</span></li>")
    return f'<ul class="checklist">{"".join(items)}</ul>' if items else ""


def passes(result: Record, phases: Iterable[str], link: Link) -> str:
    """Return the green checks, folded by phase."""
    folds = []
    for name in phases:
        own = [verdict for verdict in having(result["verdicts"], Status.PASS) if verdict["phase"] == name]
        if own:
            rows = [_pass_line(verdict, link) for verdict in own]
            title = f"{words(phase_title(name))}: {plural(len(own), 'check')} passed"
            lines = table(("Status", "Claim", "Observed", "Examined"), rows, title)
            folds.append(f'<details><summary>{title}</summary><div class="ds-table">{lines}</div></details>')
    return "\n".join(folds)


def _pass_line(verdict: Record, link: Link) -> list[str]:
    observed = list(dict.fromkeys(one["observed"] for one in verdict["results"]))
    name = anchor(verdict["check"])
    return [
        status_cell(verdict["status"]),
        f'<td id="{name}"><a href="{link(verdict)}">{words(verdict["claim"])}</a></td>',
        f"<td>{words(observed[0] if len(observed) == 1 else 'see its card')}</td>",
        f"<td>{words(scopes_of(verdict))}</td>",
    ]


def skipped(result: Record, link: Link) -> str:
    """Return the checks that were not run, by reason."""
    parts = []
    for reason, verdicts in skipped_because(result["verdicts"]).items():
        lines = "".join(
            f'<li id="{anchor(verdict["check"])}"><a href="{link(verdict)}">{words(verdict["claim"])}</a></li>'
            for verdict in verdicts
        )
        parts.append(f"<h3>{plural(len(verdicts), 'check')}: {words(reason)}</h3><ul>{lines}</ul>")
    return "".join(parts)


def last_runs(result: Record) -> str:
    """Return this run and the last ones before it, newest first."""
    this = {"id": result["run"]["id"], "ended": result["run"]["ended"], "decision": result["decision"]}
    rows = []
    for place, run in enumerate([this, *result["history"][:MOST_RUNS]]):
        status = DECISIONS[run["decision"]]
        rows.append(
            [
                f"<td>{moment(run['ended'])}{' (this run)' if place == 0 else ''}</td>",
                f'<td class="ds-status ds-{status.value}">{SIGNS[status]} {words(run["decision"])}</td>',
                f"<td><code>{words(run['id'])}</code></td>",
            ]
        )
    return f'<div class="ds-table">{table(("Ended", "Decision", "Run"), rows, "The newest first")}</div>'


def not_shown(result: Record, link: Link) -> str:
    """Return what this report does not show: what was cut, masked, sampled or left to a person."""
    cut = sum(len(verdict["rows"]) < sum(one["total"] for one in verdict["results"]) for verdict in result["verdicts"])
    lines = [words(limit[:1].upper() + limit[1:]) + "." for limit in result["limits"]]
    lines += [
        "What no check of the plan asks; a green check proves its own claim and nothing beside it.",
        f"What changed after the database instant, {moment(result['instant']['time'], seconds=True)}.",
        "Text of your records: it stands here as a keyed digest and its length. Numbers, instants, integer and uuid "
        "keys and the columns that the parameter file lists are shown.",
        f"The rest of the rows of {plural(cut, 'check')}: a table holds at most 20, the figure above it is the true "
        "one; <code>dsaudit rows RUN CHECK --to FILE</code> writes all of them, privately."
        if cut
        else "",
        *[_limits(verdict, link) for verdict in result["verdicts"] if verdict["limits"]],
    ]
    return f"<ul>{''.join(f'<li>{line}</li>' for line in lines if line)}</ul>"


def _limits(verdict: Record, link: Link) -> str:
    limits = words("; ".join(verdict["limits"]))
    return f'<a href="{link(verdict)}">{words(verdict["claim"])}</a>: {limits}.'


def provenance(result: Record) -> str:
    """Return what made this report, and from what."""
    run, instant, parameters = result["run"], result["instant"], result["parameters"]
    dirty = ", <b>with changes that are not committed</b>" if run.get("dirty") else ""
    facts = {
        "Run": f"<code>{words(run['id'])}</code>, {moment(run['started'], True)} to {moment(run['ended'], True)}",
        "Database": words(f"{instant['database']} on PostgreSQL {instant['server_version']}, ")
        + words(f"{'a replica, ' if instant.get('replica') else ''}identity ")
        + f"<code>{words(instant['system_identifier'])}/{words(instant['database'])}</code>",
        "Role": words(instant.get("role", "not known")),
        "Database instant": instants(instant),
        "Parameter file": f"{words(parameters.get('file', ''))}, sha256 <code>{words(parameters['sha256'])}</code>",
        "Baseline": f"<code>{words(parameters['baseline'])}</code>" if parameters.get("baseline") else "none",
        "Set by the command line": words(_pairs(parameters.get("overrides", {}))) or "nothing",
        "Inferred, as the file leaves it out": words("; ".join(map(_inferred, parameters.get("inferred", []))))
        or "nothing",
        "Code": (f"commit <code>{words(run['commit'])}</code>{dirty}" if run.get("commit") else "no commit is known"),
        "Versions": words(_pairs(run.get("versions", {}), " ")),
        "Digest of the verdicts": f"<code>{words(result.get('digest', ''))}</code>",
    }
    rows = "".join(f"<div><dt>{name}</dt><dd>{fact}</dd></div>" for name, fact in facts.items())
    return f'<dl class="provenance">{rows}</dl>{_phases(result)}'


def _inferred(one: Record) -> str:
    value = ", ".join(one["value"]) if isinstance(one["value"], list) else one["value"]
    return f"{one['resource']}.{one['key']} = {value} ({one['why']})"


def _phases(result: Record) -> str:
    rows = [
        [
            f'<th scope="row">{words(phase_title(phase["name"]))}</th>',
            f'<td class="ds-number">{span(phase["seconds"])}</td>',
            f"<td>{words(phase['ended_by'])}</td>",
            f"<td><code>{words(phase['sha256'][:16])}</code></td>",
        ]
        for phase in result["phases"]
    ]
    head = ("Phase", "Time", "Ended by", "Notebook, sha256")
    return f'<div class="ds-table">{table(head, rows, "The executed notebooks")}</div>' if rows else ""


def _pairs(values: Mapping[str, Any], between: str = "=") -> str:
    return ", ".join(f"{name}{between}{value}" for name, value in values.items())
