"""The sections of the report that are tables and lists: criteria, phases, checklist, history, provenance."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from html import escape
from typing import Any
from urllib.parse import quote

import yaml

from dsaudit.report.cards import again
from dsaudit.report.telling import (
    COUNTED,
    DECISIONS,
    Record,
    counts_html,
    having,
    instants,
    moment,
    on_page,
    phase_status,
    phase_title,
    scopes_of,
    skipped_because,
)
from dsaudit.verdict import Status
from dsaudit.verdict.card import SIGNS, anchor, code, plural, table, visible, words
from dsaudit.wording import span

MOST_RUNS = MOST_TIMES = 10
MOST_PARAMETERS = 200_000  # characters of the parameter file


def section(name: str, title: str, content: str) -> str:
    """Return a section with its heading, or nothing where there is no content."""
    return f'<section id="ds-{name}"><h2>{title}</h2>\n{content}\n</section>' if content else ""


def contents(sections: Iterable[str]) -> str:
    """Return the way to the sections of a page, each with its heading."""
    found = [one for text in sections for one in re.findall(r'^<section id="([\w-]+)"><h2>(.*?)</h2>', text)]
    links = "".join(f'<li><a href="#{name}">{title}</a></li>' for name, title in found)
    return f'<nav class="contents" aria-label="On this page"><ul>{links}</ul></nav>' if found else ""


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
        written = "".join(_draft(one, bool(here)) for one in drafts if one["phase"] == name)
        told = f"<span>{counts_html(own)}</span>" + (f"<span>{written}</span>" if written else "")
        items.append(f'<li class="ds-{phase_status(own).value}"><b>{title}</b> {told}</li>')
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
                f'<td class="ds-number">{unbroken(one["actual"])}</td>',
                status_cell(one["status"]),
                f"<td>{_trend(one, result['history'])}</td>",
            ]
        )
    if not rows:
        return ""
    caption = "Each criterion is as good as its worst check; the last runs stand oldest first, this one at the end"
    return f'<div class="ds-table">{table(("Metric", "Target", "Actual", "Status", "Last runs"), rows, caption)}</div>'


def unbroken(measured: str) -> str:
    """Return a measure as HTML in which no number is parted from its unit."""
    return re.sub(r"(?<=\d) (?=[%a-zµ])", "&nbsp;", words(measured))


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
    return f'<p>{_checked(result)}</p><ul class="checklist">{"".join(items)}</ul>' if items else ""


def _checked(result: Record) -> str:
    states = [item["status"] for item in result["checklist"]]
    told = [f"{states.count(status)} {COUNTED[status]}" for status in COUNTED if status.value in states]
    left = open_items(result)
    return f"Of {plural(len(states), 'item')}: {', '.join(told)}{', ' if told and left else ''}{left}."


def open_items(result: Record) -> str:
    """Return in words how many items of the checklist only people can close, and who, or nothing."""
    owners = [item["owner"] for item in result["checklist"] if item["status"] == "open"]
    return f"{len(owners)} open, for {words(', '.join(dict.fromkeys(owners)))}" if owners else ""


def passes(result: Record, phases: Iterable[str], carded: Collection[str] = ()) -> str:
    """Return the green checks, folded by phase; of those in `carded` the card stands elsewhere on the page."""
    folds = []
    for name in phases:
        own = [verdict for verdict in having(result["verdicts"], Status.PASS) if verdict["phase"] == name]
        if own:
            rows = [_pass_line(verdict, carded) for verdict in own]
            title = f"{words(phase_title(name))}: {plural(len(own), 'check')} passed"
            lines = table(("Status", "Claim", "Observed", "Examined"), rows, title)
            folds.append(f'<details><summary>{title}</summary><div class="ds-table">{lines}</div></details>')
    return "\n".join(folds)


def _pass_line(verdict: Record, carded: Collection[str]) -> list[str]:
    observed = list(dict.fromkeys(one["observed"] for one in verdict["results"]))
    return [
        status_cell(verdict["status"]),
        f"<td{_claim(verdict, carded)}</td>",
        f"<td>{words(observed[0] if len(observed) == 1 else 'see its card')}</td>",
        f"<td>{words(scopes_of(verdict))}</td>",
    ]


def _claim(verdict: Record, carded: Collection[str]) -> str:
    """Return the rest of an element that holds a claim: a link to its card, or the place that links lead to."""
    claim = words(verdict["claim"])
    if verdict["check"] in carded:
        return f'><a href="{on_page(verdict)}">{claim}</a>'
    return f' id="{anchor(verdict["check"])}">{claim}'


def skipped(result: Record, carded: Collection[str] = ()) -> str:
    """Return the checks that were not run, by reason; of those in `carded` the card stands elsewhere on the page."""
    parts = []
    for reason, verdicts in skipped_because(result["verdicts"]).items():
        lines = "".join(f"<li{_claim(verdict, carded)}</li>" for verdict in verdicts)
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


def not_shown(result: Record) -> str:
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
        *_limits(result),
    ]
    return f"<ul>{''.join(f'<li>{line}</li>' for line in lines if line)}</ul>"


def _limits(result: Record) -> Iterator[str]:
    """Yield what checks left out, with the checks that left out the same."""
    same: dict[str, list[Record]] = {}
    for verdict in result["verdicts"]:
        if verdict["limits"]:
            same.setdefault("; ".join(verdict["limits"]), []).append(verdict)
    for limits, verdicts in same.items():
        links = "; ".join(f'<a href="{on_page(verdict)}">{words(verdict["claim"])}</a>' for verdict in verdicts)
        yield f"{words(limits[:1].upper() + limits[1:])}: {links}."


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
        "To run it again": f"<code>{code(again(result))}</code>" if again(result) else "",
        "Digest of the verdicts": f"<code>{words(result.get('digest', ''))}</code>",
    }
    rows = "".join(f"<div><dt>{name}</dt><dd>{fact}</dd></div>" for name, fact in facts.items() if fact)
    return f'<dl class="provenance">{rows}</dl>{_values(parameters)}{_phases(result)}'


def _values(parameters: Record) -> str:
    """Return the parameter file as it was in force, folded; of secrets it holds the names alone."""
    if not parameters.get("values"):
        return ""
    told = yaml.safe_dump(parameters["values"], sort_keys=False, allow_unicode=True, width=110)
    shown = escape(visible(told, MOST_PARAMETERS, keep="\n"))
    title = f"The parameters of {words(parameters.get('file', ''))}, without secrets"
    return f'<details class="parameters"><summary>{title}</summary><pre>{shown}</pre></details>'


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


def times(result: Record) -> str:
    """Return the checks that took longest; of those that need the same facts, the first has the time of reading."""
    longest = sorted(result["verdicts"], key=lambda verdict: -verdict["seconds"])[:MOST_TIMES]
    whole = sum(verdict["seconds"] for verdict in result["verdicts"])
    rows = [
        [
            f'<td><a href="{on_page(verdict)}">{words(verdict["claim"])}</a></td>',
            f"<td>{words(phase_title(verdict['phase']))}</td>",
            f'<td class="ds-number">{span(verdict["seconds"])}</td>',
        ]
        for verdict in longest
        if verdict["seconds"] > 0
    ]
    caption = f"The {len(rows)} slowest of {plural(len(result['verdicts']), 'check')}, which took {span(whole)} in all"
    lines = table(("Claim", "Phase", "Time"), rows, f"{caption}; what several need is read by the first")
    return f'<div class="ds-table">{lines}</div>' if rows else ""


def _pairs(values: Mapping[str, Any], between: str = "=") -> str:
    return ", ".join(f"{name}{between}{value}" for name, value in values.items())
