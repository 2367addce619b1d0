"""One page over several audits: the worst first, each with its decision, its reasons and the way to its report."""

from __future__ import annotations

from urllib.parse import quote

from dsaudit.report.document import document
from dsaudit.report.telling import COUNTED, DECISIONS, Record, moment
from dsaudit.verdict import Status
from dsaudit.verdict.card import NUMBER, SIGNS, plural, table, thousands, words
from dsaudit.wording import span

HEAD = ("Decision", "Audit", "File", "Checks", "Why", "Took")
COULD_NOT_START = Status.ERROR
WORDS = {"GO": "GO", "NO-GO": "NO-GO", "INCONCLUSIVE": "INCONCLUSIVE", None: "could not start"}


def page(index: Record) -> str:
    """Return the page of an index, as `dsaudit.run.several` makes it; its links lead from where it lies."""
    audits = sorted(index["audits"], key=lambda one: -_status(one["decision"]).rank)
    status, decision = _status(index["decision"]), index["decision"] or "NOT STARTED"
    told = [f"{sum(one['decision'] == name for one in audits)} {words(WORDS[name])}" for name in WORDS]
    told = [one for one in told if not one.startswith("0 ")]
    parts = sum(" for a part only" in one["headline"] for one in audits)
    told += [f"{parts} of them for a part only"] if parts else []
    banner = f"""<header class="banner ds-{status.value}">
<p class="eyebrow">dsaudit</p>
<h1><span class="decision"><span aria-hidden="true">{SIGNS[status]}</span> {words(decision)}</span>
<span class="system">{plural(len(audits), "audit")}</span></h1>
<p class="counts">{", ".join(told)}</p>
<p class="since">From {moment(index["started"])} to {moment(index["ended"])}.
The whole is as good as its worst audit.</p>
</header>"""
    rows = [_row(one) for one in audits]
    main = (
        f'<div class="ds-table">{table(HEAD, rows, "Each audit has a report of its own, the worst stand first")}</div>'
    )
    return document(f"{decision}: {plural(len(audits), 'audit')}", banner, main)


def _status(decision: str | None) -> Status:
    return DECISIONS[decision] if decision else COULD_NOT_START


def _row(one: Record) -> list[str]:
    status = _status(one["decision"])
    name = ", ".join(filter(None, [one.get("integration"), one.get("environment"), one["tenant"]])) or "not known"
    link = f'<a href="{quote(one["report"])}">{words(name)}</a>' if one["report"] else words(name)
    checks = one.get("checks", {})
    counted = ", ".join(f"{thousands(checks[key])} {word}" for key, word in COUNTED.items() if key in checks)
    reasons = "<br>".join(words(line) for reason in one["reasons"] for line in reason.splitlines())
    return [
        f'<td class="ds-status ds-{status.value}">{SIGNS[status]} {words(one["headline"])}</td>',
        f'<th scope="row">{link}</th>',
        f"<td>{words(one['file'])}</td>",
        f"<td>{words(counted)}</td>",
        f"<td>{reasons}</td>",
        f"{NUMBER}{words(span(one['seconds']))}</td>",
    ]
