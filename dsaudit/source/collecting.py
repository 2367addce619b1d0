"""Takes the recording: reads every declared list once, and notes what speaks against its being whole."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from dsaudit.database.clock import database_offset
from dsaudit.parameters import Parameters, Resource, Tenant
from dsaudit.parameters.secret import SecretMissing
from dsaudit.source.by_id import by_id
from dsaudit.source.choosing import Choice
from dsaudit.source.doubles import Ids
from dsaudit.source.drawing import Draw, Draws, drawn
from dsaudit.source.files import Export
from dsaudit.source.nesting import insides
from dsaudit.source.noting import Notes
from dsaudit.source.paging import Listing
from dsaudit.source.probing import is_sent, probe
from dsaudit.source.reading import Page, Position, Record, SourceError, SourceRefused, record_of
from dsaudit.source.recording import AGAIN, DRAFT, INDEX, declared
from dsaudit.source.rest import Client
from dsaudit.source.sent import record_sent
from dsaudit.source.sql import Tables
from dsaudit.source.writing import Kept, Tape
from dsaudit.verdict.card import plural

Progress = Callable[[str], None]
Meanwhile = Callable[[], object]  # what may be begun as soon as the lists are read


class Reader(Protocol):
    """What reads one tenant's lists, whatever kind of source it is; all raise `SourceError`."""

    def pages(
        self, listing: Listing, position: Position | None = None, number: int = 0, before: Record | None = None
    ) -> Iterator[Page]:
        """Yield the pages of a list, from `position` on, behind page `number` and the record `before`."""

    def count(self, resource: Resource) -> int | None:
        """Return how many records there are by another way than the list, None where none is declared."""

    def extra(self, path: str) -> list[Any]:
        """Return the records of a list beside the resources'."""

    def resume_at(self, page: Page) -> Position | None:
        """Return where a reading that breaks off behind `page` can go on, None where it cannot."""

    @property
    def rereads(self) -> bool:
        """Whether it goes on there with the last page once more."""

    def probe(self, resource: Resource | None) -> None:
        """Make one small request."""

    def facts(self) -> dict[str, Any]:
        """Return what the index keeps of the reading beyond its lists."""

    def close(self) -> None:
        """Let go of everything."""


def record(
    parameters: Parameters,
    folder: Path,
    progress: Progress = lambda line: None,
    meanwhile: Meanwhile = lambda: None,
    resume: bool = False,
) -> None:
    """Read every declared list of every tenant into `folder`, and wait until what was read has had time to arrive.

    `meanwhile` is called before the wait: what it begins costs nothing there, and would slow the reading.

    A list that cannot be read does not stop the others: the index says what was wrong with it, and what needs it
    is inconclusive. With `resume` the folder holds an earlier recording that broke off, or lists that are not whole:
    what was read then is kept, and each list goes on where it can.

    Where the file allows it, forged deliveries are sent to our webhook address then, as far as they were asked for.

    Of a part by record, the ids are drawn from our own tables first: what comes to us after that is in flight.

    Raises
    ------
    SourceError, SecretMissing
        An address or a token is not set.
    DatabaseError, QueryError, RelationMissing
        The ids of a part cannot be drawn.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / AGAIN).unlink(missing_ok=True)  # of an earlier run, at another instant
    started = _earlier(folder) if resume else None
    index: dict[str, Any] = {"started": started or now(), "declared": declared(parameters), "tenants": {}}
    index["offset"] = database_offset(parameters.database)
    _write(folder / DRAFT, index)
    draws = drawn(parameters)
    for tenant in tenants_of(parameters):
        own = folder / tenant.name
        index["tenants"][tenant.name] = _record_tenant(parameters, tenant, own, progress, resume, draws)
    probe(parameters, tenants_of(parameters), index, folder, progress, resume)
    index["ended"] = now()
    meanwhile()
    _let_settle(index, parameters)
    _write(folder / DRAFT, index)
    (folder / DRAFT).replace(folder / INDEX)


def _earlier(folder: Path) -> str | None:
    """Return when the reading began that is gone on with: what changed since may be missing from it."""
    for name in (DRAFT, INDEX):
        if (folder / name).is_file():
            return str(json.loads((folder / name).read_text(encoding="utf-8"))["started"])
    return None


def _write(path: Path, index: dict[str, Any]) -> None:
    draft = path.with_name(f".{path.name}")  # a reading goes on by it: it is never there by half
    draft.write_text(json.dumps(index), encoding="utf-8")
    draft.replace(path)


def tenants_of(parameters: Parameters) -> list[Tenant]:
    """Return the tenants; a system without any is one, called ``all``."""
    return parameters.tenants or [Tenant(name="all", id="all")]


def _let_settle(index: dict[str, Any], parameters: Parameters) -> None:
    """Wait until what was read, and what was deleted before it, has had its time to arrive here.

    What is missing then is late or lost. A deletion leaves no trace in a list, so the list's own time stands for it.
    """
    entries = [entry for tenant in index["tenants"].values() for entry in tenant["resources"].values()]
    times = [one for entry in entries for one in (entry["started"], entry.get("newest")) if one]
    times += [index["ended"]] if is_sent(parameters) else []
    if times:
        arrived = max(datetime.fromisoformat(one).timestamp() for one in times) + parameters.policy.in_flight_seconds
        time.sleep(min(max(arrived - time.time(), 0), parameters.policy.in_flight_seconds))


def reader_of(parameters: Parameters, tenant: Tenant) -> Reader:
    """Return what reads the lists of one tenant.

    Raises
    ------
    SourceError, SecretMissing
        An address or a token is not set.
    """
    assert parameters.source is not None
    kinds: dict[str, Callable[[Parameters, Tenant], Reader]] = {
        "rest": Client.of,
        "files": Export.of,
        "sql": Tables.of,
    }
    return kinds[parameters.source.kind](parameters, tenant)


def own_lists(parameters: Parameters) -> Iterator[tuple[str, Resource]]:
    """Yield the resources that have a list of their own, by name."""
    return ((name, resource) for name, resource in parameters.resources.items() if resource.read)


def reachable(parameters: Parameters) -> Iterator[tuple[str, str | None]]:
    """Yield each tenant's name and why its account cannot be read, or None; one small request each."""
    first = next((resource for _, resource in own_lists(parameters)), None)
    for tenant in tenants_of(parameters):
        try:
            reader = reader_of(parameters, tenant)
            try:
                reader.probe(first)
            finally:
                reader.close()
        except (SourceError, SecretMissing) as error:
            yield tenant.name, str(error)
        else:
            yield tenant.name, None


def _record_tenant(
    parameters: Parameters, tenant: Tenant, folder: Path, progress: Progress, resume: bool, draws: Draws
) -> dict[str, Any]:
    source = parameters.source
    assert source is not None
    folder.mkdir(mode=0o700, exist_ok=True)
    entry: dict[str, Any] = {"resources": {}, "scopes": None, "subscriptions": None, "problems": []}
    reader = reader_of(parameters, tenant)
    try:
        entry["scopes"] = extra(reader, source.scopes, entry)
        entry["subscriptions"] = extra(reader, source.subscriptions, entry)
        for name, resource in own_lists(parameters):
            tape = Tape(folder, name)
            draw = draws.get((tenant.name, name), Draw())
            choice = Choice(parameters, resource, draw, datetime.now(UTC), by_id(reader, resource))
            told = partial(tell, progress, f"reading {choice.words(name)} of {tenant.name}")
            told(0)
            entry["resources"][name] = record_list(reader, choice, tape, tape.kept() if resume else None, told)
        if source.deliveries and not (parameters.part.by_record or parameters.part.resources):
            told = partial(tell, progress, f"reading the log of deliveries of {tenant.name}")
            entry["deliveries"] = record_sent(reader.pages, parameters, folder, told)
    finally:
        reader.close()
    return entry | reader.facts()


def extra(reader: Reader, path: str | None, entry: dict[str, Any]) -> Any:
    """Return a list beside the resources', None where none is declared or it is refused; `entry` says so then."""
    if not path:
        return None
    try:
        return reader.extra(path)
    except SourceError as error:
        entry["problems"].append(str(error))
        return None


def tell(progress: Progress, line: str, records: int) -> None:
    """Tell how far the reading of a list is."""
    progress(f"{line}: {plural(records, 'record')}" if records else line)


def record_list(
    reader: Reader, choice: Choice, tape: Tape, kept: Kept | None, told: Callable[[int], None], again: bool = False
) -> dict[str, Any]:
    """Read one list, or go on with it, and return its entry in the index.

    A list whose records slid while it was read by position is read `again`, once.
    """
    if kept and kept.entry:
        return kept.entry
    kept = None if choice.part.by_record else kept  # what was left out of it then is not known any more
    resource = choice.resource
    entry: dict[str, Any] = {"started": kept.begun["started"] if kept else now(), "counted": None, "problem": None}
    notes = notes_of(choice.parameters, resource, tape)
    try:
        before = kept.begun["before"] if kept else _count(reader, choice)
        with tape.opened({"started": entry["started"], "before": before}, kept):
            for page in _pages(reader, choice, tape, kept, notes):
                notes.note(page.records)
                notes.by_position |= page.by_position
                notes.totals += [page.total] if page.total is not None else []
                chosen = choice.of(page.records)
                tape.add(chosen, choice.kept, reader.resume_at(page), page.by_position)
                told(notes.records)
            tape.end()
            entry |= _found(reader, choice, notes, before, entry["started"]) | {"sha256": tape.sha256, "ended": now()}
            tape.end(entry)
    except SourceError as error:
        if kept and not kept.is_read and notes.pages <= len(kept.pages) and not isinstance(error, SourceRefused):
            return record_list(
                reader, choice.anew(), tape, None, told
            )  # the provider does not know the cursor any more
        entry |= notes.facts() | {"problem": str(error), "refused": isinstance(error, SourceRefused)}
    finally:
        notes.close()
    if not again and entry.get("answered") and notes.has_slid(before, entry["counted"]):
        return record_list(reader, choice.anew(), tape, None, told, again=True)
    return {"ended": now(), **entry}


def notes_of(parameters: Parameters, resource: Resource, tape: Tape) -> Notes:
    """Return what takes notes of one list while it is read."""
    name = next(name for name, one in parameters.resources.items() if one is resource)
    return Notes(resource, Ids(tape.path.with_suffix(".ids")), insides(parameters, name, tape.path.parent))


def _count(reader: Reader, choice: Choice) -> int | None:
    """Return how many records the source says that it has; of its changes nobody is asked for the number."""
    return None if choice.way == "since" else reader.count(choice.resource)


def _found(reader: Reader, choice: Choice, notes: Notes, before: int | None, started: str) -> dict[str, Any]:
    """Return what a list that was read to its end showed; only a whole one is held against the source's counts."""
    after = _count(reader, choice)
    is_whole = choice.way == "whole"
    doubt = (notes.doubt(before, after) if is_whole else notes.doubt(None, None)) or choice.doubt()
    facts = notes.facts() | choice.facts(notes.records if is_whole else after)
    still = datetime.fromisoformat(started) - timedelta(seconds=choice.parameters.policy.clock_error_seconds)
    # What a list of changes lacks was asked for by its id, where that can be.
    is_asked = not is_whole and choice.single is not None
    by_position = not is_asked and notes.may_have_slid(before, after, still)
    return facts | {"counted": after, "problem": doubt, "answered": True, "by_position": by_position}


def _pages(reader: Reader, choice: Choice, tape: Tape, kept: Kept | None, notes: Notes) -> Iterator[Page]:
    """Take note of the pages that were kept, and yield those behind them."""
    if choice.way != "whole":
        yield from choice.pages(reader)
        return
    last: list[Record] = []
    longest = 0
    notes.by_position = kept is not None and any(page.get("by_position") for page in kept.pages)
    for texts in tape.pages(kept) if kept else []:
        last = [record_of(text, "the recording: a line") for text in texts]
        longest = max(longest, len(last))
        notes.note(choice.of(last))
    if not (kept and kept.is_read):
        yield from _behind(reader, Listing.of(choice.resource), kept, notes.pages, last if longest > 1 else [])


def _behind(reader: Reader, listing: Listing, kept: Kept | None, number: int, last: list[Record]) -> Iterator[Page]:
    """Yield the pages of a list, or those behind what was kept of it, whose last page held `last`.

    Raises
    ------
    SourceError
        A page that is read once more is another one now: records moved, and the numbers of pages mean others.
    """
    if not (kept and reader.rereads):
        yield from reader.pages(listing, kept.following if kept else None, number, last[-1] if last else None)
        return
    pages = reader.pages(listing, kept.following, number - 1)
    again = next(pages, Page([]))
    if not last or [record.text for record in again.records] != [record.text for record in last]:
        raise SourceError("the page that was read last is another one now")
    yield from pages


def now() -> str:
    """Return the time as the index has it."""
    return datetime.now(UTC).isoformat()
