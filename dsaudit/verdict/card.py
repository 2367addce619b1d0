"""A verdict as a reader sees it: one card, the same for passes and fails, as HTML and as text.

Everything that comes from a record is escaped here, and nowhere else. The card reads well without its styles,
since JupyterLab drops them from a notebook it does not trust.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from dsaudit.verdict import Status
from dsaudit.verdict.causes import EXPECTED, group, ordered
from dsaudit.wording import span

SIGNS = {
    Status.PASS: "✓",
    Status.WAIVED: "◌",
    Status.SKIPPED: "–",
    Status.INCONCLUSIVE: "?",
    Status.ERROR: "!",
    Status.FAIL: "✗",
}
MOST_SCOPES = 12  # lines of a card's table of results that are open from the start
MOST_WORDS = 2000  # characters of a sentence; of a query and the like five times as many
THIN_SPACE = "\u2009"
NUMBER = '<td class="ds-number">'  # a cell that stands at the right, and so does its column's head
INSTANT = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d+)?)\+00:00$", re.ASCII)
FUNCTION = "-- a function: "  # how the query of a check begins that asks none


@cache
def styles() -> str:
    """Return the style sheet that cards and reports share."""
    return (Path(__file__).parent / "card.css").read_text(encoding="utf-8").strip()


def badge(status: str) -> str:
    """Return a status as word and sign; its colour only repeats it."""
    sign = f'<span aria-hidden="true">{SIGNS[Status(status)]}</span>'
    return f'<strong class="ds-badge ds-{Status(status).value}">{sign} {Status(status).upper()}</strong>'


def page(record: Mapping[str, Any]) -> str:
    """Return the card with its style sheet, for a notebook's output."""
    return f"<style>{styles()}</style>{html(record)}"


def html(record: Mapping[str, Any], level: int = 0, command: str = "", changed: str = "") -> str:
    """Return the card of a verdict's record.

    With a `level` the claim is a heading of that level and the card an anchor named like its check, as a page
    needs it; without, it is a paragraph, as a notebook has headings of its own. `command` runs the check again,
    `changed` says what is new in it since the last run; a report knows both.
    """
    # What a baseline accepts has failed all the same, and a card is about what was found.
    status = Status.FAIL.value if record.get("accepted") else Status(record["status"]).value
    name = f"h{level}" if level else "p"
    identity = f' id="{anchor(record["check"])}"' if level else ""
    asks = record["query"].strip() and not _function(record["query"])
    parts = [
        f'<{name} class="ds-claim">{badge(status)} <b>{words(record["claim"])}</b></{name}>',
        _facts(record, changed),
        _reason(record),
        f'<p class="ds-why">{words(_sentence(record["why"]))}</p>',
        _waiver(record),
        _accepted(record),
        _results(record),
        rows_table(record["columns"], record["rows"], _caption(record)) if record["rows"] else "",
        _causes(record["causes"]),
        _remedies(record["remedies"]) if status in ("fail", "waived") else "",
        _folded("What this does not show", _items(record["limits"])) if record["limits"] else "",
        _folded("SQL with its values", _copied(record["query"])) if asks else "",
        _folded("Run it again", _copied(command), "ds-again") if command else "",
        f'<p class="ds-small"><code>{words(record["check"])}</code> · {words(", ".join(record["requirement"]))} · '
        f"severity {words(record['severity'])} · took {span(record['seconds'])}{_function(record['query'])}</p>",
    ]
    return f'<section class="ds-card ds-{status}"{identity}>{"".join(parts)}</section>'


def text(record: Mapping[str, Any]) -> str:
    """Return the card as one line and, for what is not green, a line for each scope."""
    facts = ", ".join(f"{name} {value}".strip() for name, value in _measures(record))
    lines = [f"{record['status'].upper()}  {record['claim']} — {facts}"]
    lines += [
        f"  {result['status']}  {scope_text(result['scope'])}: {result['observed']}{_because(result)}"
        for result in record["results"]
        if result["status"] != "pass"
    ]
    return "\n".join(visible(line, MOST_WORDS, keep=THIN_SPACE) for line in lines)


def rows_table(columns: Sequence[Mapping[str, str]], rows: Iterable[Sequence[Any]], caption: str) -> str:
    """Return rows as a table; a masked cell shows its name under the mask, in small type."""
    body = [[_cell(cell) for cell in row] for row in rows]
    return table([words(column["name"].replace("_", " ")) for column in columns], body, words(caption))


def table(head: Iterable[str], body: Iterable[Sequence[str]], caption: str) -> str:
    """Return a table that scrolls inside itself; head and caption are HTML, each cell a whole ``<td>`` or ``<th>``.

    Each cell bears its column's title: where a page is too narrow for columns, a row stands as a list of both.
    """
    rows, head = list(body), list(head)
    numbers = [cell.startswith(NUMBER) for cell in rows[0]] if rows else []
    titles = "".join(
        f'<th scope="col"{NUMBER[3:] if place < len(numbers) and numbers[place] else ">"}{title}</th>'
        for place, title in enumerate(head)
    )
    lines = "".join(f"<tr>{''.join(map(_labelled, cells, head))}</tr>" for cells in rows)
    return (
        f'<div class="ds-scroll"><table><caption>{caption}</caption>'
        f"<thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _labelled(cell: str, title: str) -> str:
    return f'{cell[:3]} data-of="{title}"{cell[3:]}'


def scope_text(scope: Mapping[str, str]) -> str:
    """Return a scope as words: ``acme, order``; the scope of everything is ``all``."""
    return ", ".join(scope.values()) or "all"


def scopes(results: Sequence[Mapping[str, Any]]) -> str:
    """Return how many scopes there are, by what tells them apart: ``2 tenants``, ``9 pairs of tenant and resource``."""
    names = list(dict.fromkeys(name for result in results for name in result["scope"]))
    if len(names) == 2:
        return f"{len(results)} pairs of {' and '.join(names)}"
    name = names[0] if len(names) == 1 else "scope"
    return plural(len(results), name, "queries" if name == "query" else "")


def anchor(check: str) -> str:
    """Return the name under which a page is linked to at a check; no heading of ours has one without a hyphen."""
    return re.sub(r"\W", "_", check, flags=re.ASCII)


def words(value: object) -> str:
    """Return a sentence as HTML: escaped, and with characters that could mislead written out."""
    return escape(visible(str(value), MOST_WORDS, keep=THIN_SPACE))


def code(value: str) -> str:
    """Return a query and the like as HTML: lines and indents stay."""
    return escape(visible(value, 5 * MOST_WORDS, keep="\n\t" + THIN_SPACE))


def visible(value: str, most: int = 200, keep: str = "") -> str:
    """Return text with its control, direction and zero-width characters written out, cut where it is very long."""
    shown = "".join(c if c.isprintable() or c in keep else f"\\u{ord(c):04x}" for c in value[:most])
    return shown + (f" … {len(value)} characters" if len(value) > most else "")


def thousands(number: int) -> str:
    """Return a number with thin spaces between its thousands."""
    return f"{number:,}".replace(",", THIN_SPACE)


def plural(count: int, noun: str, many: str = "") -> str:
    """Return a number and its noun: ``1 check``, ``2 checks``; `many` is said of several where an s is not all."""
    return f"{thousands(count)} {noun if count == 1 else many or f'{noun}s'}"


def _cell(cell: Any) -> str:
    if isinstance(cell, Mapping):
        length = plural(int(cell["length"]), "character")
        return f'<td class="ds-masked">{breakable(visible(str(cell["masked"])))} <small>{length}</small></td>'
    if cell is None:
        return '<td class="ds-masked">null</td>'
    if isinstance(cell, bool):
        return f"<td>{'true' if cell else 'false'}</td>"
    shown = INSTANT.sub(r"\1 \2 UTC", visible(str(cell)))
    if re.fullmatch(r"-?\d+(\.\d+)?", shown, re.ASCII):
        return f"{NUMBER}{escape(shown)}</td>"
    return f"<td>{breakable(shown)}</td>"


def breakable(text: str) -> str:
    """Return a cell's text as HTML in which long names may be broken behind a sign, so that a table can be narrow."""
    places = r"(?<=[/_.:=,?-])(?=\w)|(?<=[^\W_]{12})(?=[^\W_]{4})"
    return re.sub(r"\S{16,}", lambda name: re.sub(places, "<wbr>", name[0]), escape(text))


def _measures(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what was expected and found as names and values, of one scope or of all together."""
    results = record["results"]
    examined = thousands(sum(result["examined"] for result in results))
    if len(results) == 1:
        return [("expected", results[0]["expected"]), ("observed", results[0]["observed"]), ("examined", examined)]
    counts = {status: sum(result["status"] == status for result in results) for status in reversed(Status)}
    states = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    found = plural(sum(result["total"] for result in results), "row")
    return [("found", found), ("examined", examined), (f"{scopes(results)}:", states)]


def _facts(record: Mapping[str, Any], changed: str) -> str:
    measures = [*_measures(record), *([("since the last run", changed)] if changed else [])]
    facts = "".join(f"<li>{words(name)} <b>{words(value)}</b></li>" for name, value in measures)
    return f'<ul class="ds-facts">{facts}</ul>'


def _reason(record: Mapping[str, Any]) -> str:
    """Return the reason of a check with one scope; of several, each line of the table has its own."""
    if len(record["results"]) != 1:
        return ""
    result = record["results"][0]
    where = [scope_text(result["scope"])] if result["scope"] else []
    told = ": ".join([*where, result["reason"]] if result["reason"] else ["scope", *where] if where else [])
    return f"<p>{words(_sentence(told))}</p>" if told else ""


def _because(result: Mapping[str, Any]) -> str:
    return f" — {result['reason']}" if result["reason"] else ""


def _sentence(told: str) -> str:
    return told[:1].upper() + told[1:].rstrip(".") + "." if told else ""


def _waiver(record: Mapping[str, Any]) -> str:
    waiver = record.get("waiver")
    if not waiver or not any(result["status"] == "waived" for result in record["results"]):
        return ""
    who, until, why = (words(waiver[key]) for key in ("owner", "expires", "reason"))
    return f"<p><b>Waived by {who} until {until}:</b> {why}</p>"


def _accepted(record: Mapping[str, Any]) -> str:
    accepted = record.get("accepted")
    if not accepted:
        return ""
    told = f"Known, accepted by {words(accepted['owner'])} until {words(accepted['expires'])}"
    rows = f"{plural(accepted['rows'], 'row')} of run <code>{words(accepted['run'])}</code>, and no other"
    return f"<p><b>{told}:</b> {rows}. {words(_sentence(accepted['reason']))}</p>"


def _results(record: Mapping[str, Any]) -> str:
    results = record["results"]
    if len(results) < 2:
        return ""
    ordered = sorted(results, key=lambda result: -Status(result["status"]).rank)
    notable = [result for result in ordered if result["status"] != "pass"]
    shown = notable[:MOST_SCOPES]
    cut = f"{len(shown)} of {len(notable)}" if len(shown) < len(notable) else f"{len(notable)}"
    named = words(scopes(results))
    opened = _results_table(shown, f"Not green: {cut} of {named}") if shown else ""
    if len(shown) == len(results):
        return opened
    return opened + _folded(f"All {named}", _results_table(ordered, f"{named}, the worst first"), "ds-all")


def _results_table(results: Sequence[Mapping[str, Any]], caption: str) -> str:
    head = ["status", "scope", "expected", "observed", "examined"]
    reasoned = any(result["reason"] for result in results)
    lines = [_result_line(result)[: None if reasoned else -1] for result in results]
    return table([*head, "reason"] if reasoned else head, lines, caption)


def _result_line(result: Mapping[str, Any]) -> list[str]:
    status = Status(result["status"])
    told = [scope_text(result["scope"]), result["expected"], result["observed"]]
    return [
        f'<td class="ds-status ds-{status.value}">{SIGNS[status]} {status.value}</td>',
        *[f"<td>{breakable(visible(value, MOST_WORDS, keep=THIN_SPACE))}</td>" for value in told],
        f"{NUMBER}{thousands(result['examined'])}</td>",
        f"<td>{words(result['reason'] or '')}</td>",
    ]


def _caption(record: Mapping[str, Any]) -> str:
    total = max(sum(result["total"] for result in record["results"]), sum(record["causes"].values()))
    shown = f"{thousands(len(record['rows']))} of {plural(total, 'row')} shown"
    is_cut = len(record["rows"]) < total and record["run"]
    return f"{shown}; all of them: dsaudit rows RUN {record['check']} --to FILE" if is_cut else shown


def _causes(causes: Mapping[str, int]) -> str:
    if not causes:
        return ""
    groups: dict[str, list[str]] = {}
    for code in ordered(causes):
        told = f'{thousands(causes[code])} <code class="ds-small">{words(code)}</code>'
        groups.setdefault(group(code), []).append(f"{told} (no fault)" if code in EXPECTED else told)
    listed = "; ".join(f"<b>{name}</b> {', '.join(counted)}" for name, counted in groups.items())
    return f"<p>Why: {listed}.</p>"


def _function(query: str) -> str:
    """Return where the function of a check stands that asks no query."""
    if not query.startswith(FUNCTION) or "\n" in query:
        return ""
    return f" · a function in <code>{code(query.removeprefix(FUNCTION).partition(',')[0])}</code>"


def _remedies(remedies: Sequence[Mapping[str, str]]) -> str:
    return _folded("How to mend it", mending(remedies)) if remedies else ""


def mending(remedies: Sequence[Mapping[str, str]]) -> str:
    """Return what would mend a finding as a list, each with its command."""
    lines = [words(_sentence(remedy["say"])) + _command(remedy.get("command", "")) for remedy in remedies]
    return f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"


def _command(command: str) -> str:
    return _copied(command) if command else ""


def _copied(text: str) -> str:
    """Return what is there to be copied; where the card's styles hold, a click selects it whole."""
    return f'<pre class="ds-copied">{code(text)}</pre>'


def _items(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{words(item)}</li>' for item in items)}</ul>"


def _folded(title: str, content: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f"<details{named}><summary>{title}</summary>{content}</details>"
