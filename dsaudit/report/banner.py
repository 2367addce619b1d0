"""The first screen: may it ship, why not, since when, and what was not looked at."""

from __future__ import annotations

from collections.abc import Sequence

from dsaudit.report import detection
from dsaudit.report.sections import open_items
from dsaudit.report.telling import (
    DECISIONS,
    Record,
    accepted_in_words,
    counts_html,
    having,
    headline,
    instants,
    left_out_in_words,
    moment,
    on_page,
    skipped_because,
    waived,
)
from dsaudit.verdict import Status
from dsaudit.verdict.card import SIGNS, plural, words
from dsaudit.wording import span

MOST_REASONS = 3
MOST_GROUPS = 4  # reasons for not running a check that the first screen names


def banner(result: Record, lost: Sequence[str] = ()) -> str:
    """Return the banner of a whole run; of a report that lacks what is in `lost` it is never green."""
    status = max([DECISIONS[result["decision"]], *[Status.INCONCLUSIVE] * bool(lost)], key=lambda one: one.rank)
    run, sign = result["run"], SIGNS[DECISIONS[result["decision"]]]
    return f"""<header class="banner ds-{status.value}">
<p class="eyebrow">dsaudit · {words(run["blueprint"])}</p>
<h1><span class="decision"><span aria-hidden="true">{sign}</span> {words(headline(result))}</span>
<span class="system">{words(run["integration"])}, {words(run["environment"])}</span></h1>
<p class="counts">{counts_html(result["verdicts"])}
<span class="of">of {plural(len(result["verdicts"]), "check")}</span></p>
<p class="since">{_since(result)}</p>
{_warnings(result, lost)}
<div class="columns">
<section><h2>{_why_title(result)}</h2>{_reasons(result)}</section>
<section><h2>What was not audited</h2>{_not_audited(result)}</section>
</div>
{_facts(result)}
</header>"""


def fallback(result: Record, lost: Sequence[str]) -> str:
    """Return a banner that leans on nothing but the decision, for a record of which the real one cannot be made."""
    lines = "".join(f"<li>{words(what)} cannot be shown.</li>" for what in lost)
    return f"""<header class="banner ds-error">
<p class="eyebrow">dsaudit</p>
<h1><span class="decision"><span aria-hidden="true">!</span> This report is not whole</span></h1>
<p>The decision on record is {words(result.get("decision", "none"))}. Sign nothing by this page: see result.json.</p>
<ul class="warnings" aria-label="Warnings">{lines}</ul>
</header>"""


def _why_title(result: Record) -> str:
    titles = {
        "GO": "Why this part may ship" if result["limits"] else "Why it may ship",
        "NO-GO": "Why it may not ship, the weightiest first",
    }
    return titles.get(result["decision"], "Why this is no GO")


def _warnings(result: Record, lost: Sequence[str]) -> str:
    """Return what a reader has to know before anything else: a role that can write, waivers, what went wrong."""
    warnings = [f"{what} cannot be shown; sign nothing by this page, the record is in result.json" for what in lost]
    may_write = list(result["instant"].get("may_write", ()))
    if may_write:
        role = result["instant"].get("role", "of the audit")
        warnings.append(f"The role {role} can write here: {'; '.join(may_write)}. Audit with a role that only reads")
    warnings += filter(None, (accepted_in_words(result), left_out_in_words(result)))
    told = [reason["text"] for reason in result["reasons"][:MOST_REASONS]]
    warnings += [f"A problem of the run itself: {problem}" for problem in result["problems"] if problem not in told]
    lines = "".join(f"<li>{words(warning)}.</li>" for warning in warnings) + "".join(map(_waiver, waived(result)))
    return f'<ul class="warnings" aria-label="Warnings">{lines}</ul>' if lines else ""


def _waiver(verdict: Record) -> str:
    who, until, why = (words(verdict["waiver"][key]) for key in ("owner", "expires", "reason"))
    claim = f'<a href="{on_page(verdict)}">{words(verdict["claim"])}</a>'
    return f"<li>Waived by {who} until {until}: {claim}. <span>Reason: {why.rstrip('.')}.</span></li>"


def _reasons(result: Record) -> str:
    verdicts = {verdict["check"]: verdict for verdict in result["verdicts"]}
    lines = []
    for reason in result["reasons"][:MOST_REASONS]:
        verdict = verdicts.get(reason["check"])
        told = words(reason["text"])
        lines.append(f'<a href="{on_page(verdict)}">{told}</a>{_mending(verdict)}' if verdict else told)
    listed = f"<ol>{''.join(f'<li>{line}</li>' for line in lines)}</ol>" if lines else _proven(result)
    return listed + _more(result, verdicts)


def _mending(verdict: Record) -> str:
    """Return the first thing that would mend a failure."""
    remedy = next((one["say"] for one in verdict["remedies"]), "") if verdict["status"] == Status.FAIL else ""
    return f'<br><span class="mend">To mend it: {words(remedy)}.</span>' if remedy else ""


def _more(result: Record, verdicts: dict[str, Record]) -> str:
    shown = {reason["check"] for reason in result["reasons"][:MOST_REASONS]}
    hidden = len([check for check in result.get("order", []) if check not in shown and check in verdicts])
    first = "failures" if having(result["verdicts"], Status.FAIL) else "unknown"
    return f'<p><a href="#ds-{first}">and {plural(hidden, "further check")}</a></p>' if hidden else ""


def _proven(result: Record) -> str:
    """Return what a run without a reason against it has proven, and how the success criteria stand."""
    criteria = having(result["criteria"], Status.PASS)
    met = f"{len(criteria)} of {plural(len(result['criteria']), 'success criterion', 'success criteria')} met"
    link = f'<p><a href="#ds-criteria">{met}</a>.</p>' if result["criteria"] else ""
    return f"<p>{_examined_in_words(result)}</p>{link}"


def _examined_in_words(result: Record) -> str:
    passed = having(result["verdicts"], Status.PASS)
    rows = sum(one["examined"] for verdict in passed for one in verdict["results"])
    if result["decision"] == "GO":
        if having(result["verdicts"], Status.WAIVED):
            return f"{plural(len(passed), 'check')} passed, {plural(rows, 'row')} examined; what failed is waived."
        of_part = " of this part" if result["limits"] else ""
        return f"Every required check{of_part} passed: {plural(len(passed), 'check')}, {plural(rows, 'row')} examined."
    return "No check failed, but not enough was proven either."


def _since(result: Record) -> str:
    """Return since when the decision stands, and what changed since the last comparable run."""
    if result["limits"]:
        last = next(iter(result["history"]), None)
        if last is None:
            return "A part of an audit; there has been no whole one."
        return f"A part of an audit; the last whole one was {words(last['decision'])}, {moment(last['ended'])}."
    series = 1
    for earlier in result["history"]:
        if earlier["decision"] != result["decision"]:
            break
        series += 1
    changes = result["changes"]
    if not result["history"]:
        return f"<b>{words(result['decision'])}</b> at the first run; nothing to compare with."
    since = f"<b>{words(result['decision'])} since {moment(changes['since'])}</b>"
    since += (
        f", {series} runs in a row."
        if series > 1
        else ", this run; the one before was " + (f"{words(result['history'][0]['decision'])}.")
    )
    if changes["against"] is None:
        return since
    found = ", ".join(f"<b>{changes[name]}</b> {name}" for name in ("new", "known", "fixed"))
    return f"{since} Rows found since the last whole run: {found}."


def _not_audited(result: Record) -> str:
    groups = skipped_because(result["verdicts"])
    lines = [f"<b>{words(limit[:1].upper() + limit[1:])}</b>" for limit in result["limits"]]
    lines += [
        f"{plural(len(verdicts), 'check')} not run: {words(reason)}"
        for reason, verdicts in list(groups.items())[:MOST_GROUPS]
    ]
    if len(groups) > MOST_GROUPS:
        rest = sum(len(verdicts) for verdicts in list(groups.values())[MOST_GROUPS:])
        lines.append(f"{plural(rest, 'further check')} not run")
    undecided = having(result["verdicts"], Status.INCONCLUSIVE, Status.ERROR)
    if undecided:
        lines.append(f'<a href="#ds-unknown">{plural(len(undecided), "check")} could not be decided</a>')
    if left := open_items(result):
        lines.append(f'<a href="#ds-checklist">On the final checklist: {left}</a>')
    if not groups and not undecided and not result["limits"]:
        lines.insert(0, "Nothing was left out: every planned check ran, for every tenant and resource")
    more = '<p><a href="#ds-skipped">All checks that were not run</a></p>' if groups else ""
    return f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>{more}"


def _facts(result: Record) -> str:
    run, instant = result["run"], result["instant"]
    facts: Sequence[tuple[str, str]] = [
        ("Tenants", words(", ".join(run["tenants"]))),
        ("Examined", _examined(result)),
        ("Database instant", instants(instant)),
        ("Run", f"{moment(run['started'])} <code>{words(run['id'])}</code>"),
    ]
    if inferred := result["parameters"].get("inferred"):
        facts = [*facts, ("Inferred", f"{plural(len(inferred), 'key')} that the parameter file leaves out")]
    if rate := detection.in_short(result):
        facts = [*facts, ("Own detection rate", rate)]
    if probe := result.get("probe"):
        sent = plural(len(probe["kinds"]), "delivery", "deliveries")
        facts = [*facts, ("Probe", f"{sent} of our own sent to {words(probe['address'])}, to see forged ones refused")]
    if pauses := result.get("pauses"):
        told = (f"{span(seconds)} for {words(why)}" if seconds else words(why) for why, seconds in pauses.items())
        facts = [*facts, ("Database left alone", "; ".join(told))]
    acted = dict.fromkeys(one["acts"] for one in result["plan"] if one.get("acts"))
    if acted:
        facts = [*facts, ("Acted", words("; ".join(acted)))]
    return f'<dl class="facts">{"".join(f"<div><dt>{name}</dt><dd>{fact}</dd></div>" for name, fact in facts)}</dl>'


def _examined(result: Record) -> str:
    rows = sum(one["examined"] for verdict in result["verdicts"] for one in verdict["results"])
    return plural(rows, "row")


def phase_banner(
    title: str, verdicts: Sequence[Record], status: Status, result: Record, problems: Sequence[str]
) -> str:
    """Return the banner of one phase's page; it is written from the record, outside the notebook's body."""
    run = result["run"]
    warnings = "".join(f"<li>{words(problem)}.</li>" for problem in problems)
    decision = DECISIONS[result["decision"]]
    return f"""<header class="banner phase ds-{status.value}">
<p class="eyebrow"><a href="../report.html">{words(run["integration"])}, {words(run["environment"])}</a> ·
the whole run: <span class="ds-status ds-{decision.value}">{SIGNS[decision]} {words(headline(result))}</span></p>
<h1><span class="decision"><span aria-hidden="true">{SIGNS[status]}</span> {status.upper()}</span>
<span class="system">{words(title)}</span></h1>
<p class="counts">{counts_html(verdicts)} <span class="of">of {plural(len(verdicts), "check")},
{moment(run["started"])}</span></p>
{f'<ul class="warnings" aria-label="Warnings">{warnings}</ul>' if warnings else ""}
</header>"""
