"""The webhook analysis: which topics there are, who knows of each, what to add, and how the rest is kept current."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsaudit.documents.additions import addition
from dsaudit.documents.markdown import Row, at, code, codes, link, table, words
from dsaudit.facts import webhooks
from dsaudit.facts.exceptions import written_down
from dsaudit.facts.offers import Advice, advised, changes
from dsaudit.facts.provider import provider_of
from dsaudit.facts.topics import SIDES, matrix, topics
from dsaudit.facts.ways import ways

if TYPE_CHECKING:
    from dsaudit.audit import Audit

NOT_KNOWN = "not known"


def webhook_analysis(audit: Audit) -> str:
    """Return the document, complete as the reference guide has it, with an addition checklist for each topic to add."""
    parameters = audit.parameters
    provider, reason = provider_of(audit)
    advice = advised(audit)
    part = f" It speaks of a part only: {words(parameters.part.words)}." if parameters.part.words else ""
    sources = f" Topics are those of {words(provider.name)}, version {words(provider.version)}" if provider.name else ""
    known = (
        f"{sources}: {link(provider.sources.get('topics'))}." if sources else f" {words(_capital(reason or NO_NAME))}."
    )
    to_add = [one for one in advice if one.advice == "add"]
    sections = [
        f"# {words(provider.name or parameters.integration)}: webhook coverage analysis",
        f"Drafted by dsaudit from its audit of {code(parameters.integration)} at {at(audit.instant)}.{known}{part}",
        "## Figures",
        table(("Figure", "Now", "Target"), _figures(audit), ""),
        "## Available Webhooks",
        table(("Resource", "Topic", "Tells of", "Impact", *map(_capital, SIDES)), _topics(audit), "No topic is known."),
        "Each column after the impact says whether that side knows the topic; **bold** is a gap, and *elsewhere* is "
        "registered to another address than this system's.",
        "## Missing Webhooks",
        table(
            ("Resource", "Reason", "Workaround", "Impact", "Verified", "Source", "Written down"),
            _missing(audit, advice),
            "Every resource has topics of its own.",
        ),
        "## Changes Without a Topic",
        table(("Resource", "Change", "Why no topic has to tell of it"), _never(audit), "None is ruled out."),
        "## Webhook or Polling",
        table(("Resource", "Ways", "Last by webhook", "Last by sync"), _ways(audit), "No resource comes by itself."),
        "## Recommendations",
        *_recommendations(audit, advice),
        "## Implementation",
        *([addition(audit, one) for one in to_add] or ["Nothing is to be added."]),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


NO_NAME = "which topics the provider has is not known: the parameter file names no provider"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _share(part: int, whole: int) -> str:
    if not whole:
        return NOT_KNOWN
    share = 100 * part / whole
    return f"{part} of {whole} ({'100' if part == whole else f'{min(share, 99.9):.1f}'} %)"


def _figures(audit: Audit) -> Iterator[Row]:
    parameters = audit.parameters
    wanted = [one for one in topics(audit) if one.wanted_by]
    told = [bool(is_wanted) for *_, is_wanted in changes(audit)]
    registered = sum(len(one.registered) for one in wanted)
    elsewhere = sum(len(one.elsewhere) for one in wanted)
    asked = registered + elsewhere + sum(len(one.unregistered) for one in wanted)
    unknown = len(wanted) * len(parameters.tenant_names) - asked
    share = _share(registered, asked) + (f", {elsewhere} elsewhere" if elsewhere else "")
    share += f", {unknown} not known" if asked and unknown else ""
    handled = [one.handled.state == "found" for one in wanted if one.handled and one.handled.state != "unresolved"]
    least = f"≥ {parameters.policy.webhook_coverage_percent:g} %"
    yield "Wanted topics that are registered, over all tenants", share, "100 %"
    yield "Changes that the provider can announce for which a topic is wanted", _share(sum(told), len(told)), least
    yield "Wanted topics that the code handles", _share(sum(handled), len(handled)), "100 %"


def _topics(audit: Audit) -> Iterator[Row]:
    advice = {one.topic: one for one in advised(audit) if one.topic}
    cells: dict[str, list[str]] = defaultdict(list)
    for cell in matrix(audit):
        told = {"unknown": "?", "unasked": "–"}.get(cell.state, cell.told)
        cells[cell.topic].append(f"**{told}**" if cell.state in ("lost", "elsewhere") else told)
    for one in topics(audit):
        advised_of = advice.get(one.name)
        tells = advised_of.tells if advised_of else webhooks.tells(audit, one.name) or "other"
        impact = advised_of.impact.upper() if advised_of else "–"
        yield code(one.resource) or "–", code(one.name), tells, impact, *cells[one.name]


def _missing(audit: Audit, advice: list[Advice]) -> Iterator[Row]:
    for one in advice:
        if one.topic:
            continue
        note = written_down(audit).get(one.resource)
        verified = str(note.verified) if note and note.verified else "–"
        source = link(note.source) if note and note.source else "–"
        way = _way(one)
        yield (
            code(one.resource),
            words(one.why),
            way,
            one.impact.upper() or "not rated, as it is not in the catalogue",
            verified,
            source,
            _written(one),
        )


def _way(one: Advice) -> str:
    """Return what brings the changes of a resource without topics, in words that name it as code."""
    start, _, name = one.now.rpartition(" ")
    return f"{'comes with' if start == 'with' else start} {code(name)}" if start else words(one.now)


def _written(one: Advice) -> str:
    place, _, lacking = one.documented.partition(", ")
    return f"{code(place)}{f', {words(lacking)}' if lacking else ''}" if ":" in place else words(place)


def _never(audit: Audit) -> Iterator[Row]:
    for name, resource in audit.parameters.resources.items():
        for change, why in resource.never.items():
            yield code(name), change, words(why)


def _ways(audit: Audit) -> Iterator[Row]:
    for one in ways(audit):
        unknown = words(one.unknown)
        hooked, synced = unknown or at(one.last_by_webhook), unknown or at(one.last_by_sync)
        yield code(one.resource), words(one.words) or "**none**", hooked, synced


def _recommendations(audit: Audit, advice: list[Advice]) -> Iterator[str]:
    away = [f"{code(one.name)} of {words(', '.join(one.elsewhere))}" for one in topics(audit) if one.elsewhere]
    absent = [f"{code(one.name)} of {words(', '.join(one.unregistered))}" for one in topics(audit)
              if one.wanted_by and one.unregistered]  # fmt: skip
    add = [f"{code(one.topic)} ({one.impact.upper()})" for one in advice if one.advice == "add"]
    keep = [one for one in advice if one.advice == "keep" and not one.topic]
    bare = [one.resource for one in keep if one.documented == "no" or ", without" in one.documented]
    polled = [one.resource for one in keep if one.now.startswith("polled")]
    skip = [(code(one.topic), "skip", words(one.why)) for one in advice if one.advice == "skip"]
    lines = [
        f"1. Add webhooks for: {', '.join(add) or 'none'}.",
        f"2. Keep current approach for: {codes(one.resource for one in keep)}.",
        f"3. Write down, with date and source, why there is no webhook for: {codes(bare)}.",
        f"4. Monitor for new webhooks, with each version of the API: {codes(polled)}.",
        f"5. Register what is wanted and is not: {'; '.join(absent) or 'none'}.",
        f"6. Point at this system what is sent elsewhere: {'; '.join(away) or 'none'}.",
    ]
    if away or absent:
        lines.append("\nThe report of phase 3 has the provider's calls for 5 and 6, with this integration's values.")
    yield "\n".join(lines)
    yield table(("Topic", "Advice", "Why it need not be registered"), skip, "")
