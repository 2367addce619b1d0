"""Looks again at what differs, a bounded number of times: at the source by id, in the database as it is by then.

The rows that are judged stay those of the run's instant. A second look only tells a loss from what was under way:

- right by then, and so soon after its change that the policy allows it: it was in flight;
- right by then, and later than that: it was wrong at the instant, and its evidence says so;
- unchanged on both sides: it is lost, whatever the cause;
- in another state on both sides at each look, ours behind: it keeps changing, and is in flight.

What came of it is kept beside the recording. A replay asks nobody: it says again what was said of the same difference.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.database import QueryError
from dsaudit.parameters.ids import may_be_asked_for
from dsaudit.reconcile import origins
from dsaudit.reconcile.looks import NOT_LISTED, TOUCHED, Differences, Looked, Open, Seen
from dsaudit.reconcile.sides import Key, Sides, present, sides
from dsaudit.source import second_look
from dsaudit.source.recording import AGAIN, Item, items_in
from dsaudit.verdict.card import plural

if TYPE_CHECKING:
    from dsaudit.audit import Audit

LOOKS = 3
LONGEST_PAUSE = 10.0  # seconds before a look


def looked_again(audit: Audit, explains: str, rows: pd.DataFrame, differences: Differences) -> list[Looked]:
    """Return what a second look tells of each of `rows`, in their order.

    Parameters
    ----------
    explains
        Which difference the rows are: missing in raw, missing, extra, old in raw, field.
    rows
        tenant, resource, source_id, in_flight, touched; of fields also field. What is in flight is looked at too: its
        times may be wrong.
    differences
        Returns the differences of this kind that one key has.
    """
    lines = [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]
    opened = {place: _opened(audit, explains, row) for place, row in enumerate(lines)}
    if audit.source.replayed:
        kept = _kept(audit)
        told = {place: kept[_name(one)] for place, one in opened.items() if _name(one) in kept}
    else:
        wanted = _latest(audit, {place: one for place, one in opened.items() if one.by_id})
        try:
            told = _look(audit, wanted, differences)
        except QueryError as error:
            told = {}
            _tell(audit, f"what differs was not looked at again: {error}")
        _keep(audit, {_name(wanted[place]): looked for place, looked in told.items()})
    looked = [told.get(place, at_first(row)) for place, row in enumerate(lines)]
    if explains != "extra":
        return looked
    short = {(lines[place]["tenant"], lines[place]["resource"]) for place, one in told.items() if one.answered}
    return [_unless_hidden(audit, row, one, short) for row, one in zip(lines, looked, strict=True)]


def _unless_hidden(audit: Audit, row: dict[str, Any], looked: Looked, short: set[tuple[str, str]]) -> Looked:
    """Let nothing be told as gone that the source was not asked for, where its list lacks others, or may have lost it.

    `short` are tenant and resource of the lists that are proven to lack records.
    """
    if looked.asked or looked.healed:
        return looked
    if (row["tenant"], row["resource"]) in short:
        return replace(looked, answered=True, undecided=NOT_LISTED)
    if not audit.source.is_by_position(row["tenant"], row["resource"]):
        return looked
    again = "; ".join(
        words for words in (looked.again, "a deletion while its list was read may have hidden it") if words
    )
    return replace(looked, again=again, answered=True)


def at_first(row: Mapping[Any, Any]) -> Looked:
    """Return what is known of a difference that nobody looked at again."""
    return Looked(in_flight=row["in_flight"], undecided=TOUCHED if row.get("touched") else None)


def not_looked_at_again(audit: Audit) -> list[str]:
    """Return what a verdict has to say of records that could not be looked at again, or not be seen at all."""
    found: dict[str, None] = audit.kept.get("not looked at again", {})
    own = [name for name, resource in audit.parameters.resources.items() if resource.read]
    return [*found, *(HIDING.format(name=name) for name in own if _is_by_position(audit, name))]


HIDING = (
    "{name} was read page by page by position: a deletion meanwhile may have hidden a record; a count that stays the "
    "same around a source at rest would rule it out"
)


def _is_by_position(audit: Audit, name: str) -> bool:
    return any(audit.source.is_by_position(tenant, name) for tenant in audit.parameters.tenant_names)


def _tell(audit: Audit, words: str) -> None:
    audit.kept.setdefault("not looked at again", {})[words] = None


def _opened(audit: Audit, explains: str, row: dict[str, Any]) -> Open:
    judged, key = sides(audit, row["resource"]), (row["tenant"], row["source_id"])
    item = judged.source.get(key)
    name, source_id = origins.top_of(audit, judged.name, item)
    if item is None and name == judged.name:
        source_id = key[1]
    # A NULL names nothing.
    is_known = audit.parameters.resources[name].one and isinstance(key[1], str) and may_be_asked_for(key[1])
    # Of an extra row that stood in another record nobody knows in which: it is looked at here alone.
    by = (key[0], name, source_id or "") if is_known else None
    record = item.record if item else None
    return Open(explains, key, row.get("field"), judged, by, record, judged.digest(key), row["in_flight"])


def _latest(audit: Audit, opened: dict[int, Open]) -> dict[int, Open]:
    """Return what is looked at again: all, or of too many what changed last, or tells no time of it.

    What is in flight comes behind what counts as a fault until somebody has looked.
    """
    never = datetime.max.replace(tzinfo=audit.source.started.tzinfo)

    def order(place: int) -> tuple[bool, datetime]:
        one = opened[place]
        return not one.in_flight, one.judged.changed(one.key) or never

    places = sorted(opened, key=order, reverse=True)
    names = list(dict.fromkeys(opened[place].by_id for place in places))
    if len(names) > second_look.MOST:
        differing = f"{plural(len(names), 'record')} that differ"
        _tell(audit, f"{second_look.MOST} of {differing} were looked at again: those that changed last")
    wanted = set(names[: second_look.MOST])
    return {place: opened[place] for place in sorted(places) if opened[place].by_id in wanted}


# The looks


def _look(audit: Audit, opened: dict[int, Open], differences: Differences) -> dict[int, Looked]:
    found: dict[int, Looked] = {}
    instant = at = datetime.fromisoformat(audit.instant)
    pause = timedelta(seconds=min(audit.parameters.policy.in_flight_seconds, LONGEST_PAUSE))
    for number in range(LOOKS):
        left = {place: one for place, one in opened.items() if place not in found}
        if not left:
            break
        time.sleep(max(0.0, min((at + pause - _clock(audit)).total_seconds(), LONGEST_PAUSE)))
        answers = _asked(audit, left.values(), anew=number > 0)
        now, at = _present(audit, left.values(), answers), _clock(audit)
        seconds = int((at - instant).total_seconds())
        for place, one in left.items():
            seen = Seen(one, now[one.judged.name], one.by_id in answers.records, audit, seconds)
            looked = seen.told(differences, is_last=number + 1 == LOOKS)
            if looked:
                found[place] = looked
    return found


def _clock(audit: Audit) -> datetime:
    frame = audit.database.now().query("select pg_catalog.clock_timestamp() as now").frame
    return frame["now"][0]  # type: ignore[no-any-return]


def _asked(audit: Audit, opened: Iterable[Open], anew: bool) -> second_look.Answers:
    """Ask for the records; unless `anew`, those that were asked for already, for another check, stand as they were."""
    kept: dict[second_look.Name, second_look.Content | None] = audit.kept.setdefault("asked by id", {})
    wanted = [one.by_id for one in opened if one.by_id and one.by_id[2]]
    answers = second_look.ask(audit.parameters, (name for name in wanted if anew or name not in kept))
    kept |= answers.records
    for tenant, problem in answers.problems.items():
        _tell(audit, f"not every record of {tenant} that differs was asked for again: {problem}")
    return replace(answers, records={name: kept[name] for name in wanted if name in kept})


def _present(audit: Audit, opened: Iterable[Open], answers: second_look.Answers) -> dict[str, Sides]:
    """Return each resource as both sides are now, for the keys that are looked at."""
    keys: defaultdict[str, set[Key]] = defaultdict(set)
    source: defaultdict[str, dict[Key, Item]] = defaultdict(dict)
    inside: dict[tuple[str, second_look.Name], dict[str, Item]] = {}  # of each record once, not for each that differs
    for one in opened:
        name = one.judged.name
        keys[name].add(one.key)
        record = answers.records.get(one.by_id) if one.by_id else None
        if one.by_id and record:
            if (name, one.by_id) not in inside:
                items = items_in(audit.parameters, name, record)
                inside[name, one.by_id] = {item.source_id: item for item in items}
            item = inside[name, one.by_id].get(one.key[1])
            source[name] |= {one.key: item} if item else {}
    return {name: present(audit, sides(audit, name), wanted, source[name]) for name, wanted in keys.items()}


# What is kept of them


def _name(one: Open) -> str:
    return json.dumps([one.explains, one.judged.name, *one.key, one.field, one.judged.digest(one.key)])


def _kept(audit: Audit) -> dict[str, Looked]:
    path = audit.source.folder / AGAIN
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {line["difference"]: Looked(**line["looked"]) for line in map(json.loads, lines)}


def _keep(audit: Audit, told: dict[str, Looked]) -> None:
    if not told:
        return
    lines = [json.dumps({"difference": name, "looked": asdict(looked)}) for name, looked in told.items()]
    path = audit.source.folder / AGAIN
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
