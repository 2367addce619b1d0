"""An audit while the system lives: what it calls a fault has to be one, and what is one it has to find.

People write at the source; deliveries come late, twice and out of order; a sync runs in the middle; faults are planted
before and meanwhile. Audits run one after another for as long as the writing lasts. What they found is held against the
truth: both sides as they are once everything has come to rest, read here without any of dsaudit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

import httpx
import yaml
from psycopg import sql

from dsaudit.verdict import causes
from examples import storefront
from examples.answer_key import Planted
from examples.control import SampleError
from examples.storefront.sample import SHOPS, TENANTS, Sample
from tests.benchmarks.cost import write_down
from tests.checks.auditing import all_rows, opened

Key = tuple[str, str, str]  # tenant, resource, source id
CHECKS = [
    *("source_missing_in_raw", "source_missing_in_refined", "refined_missing_at_source"),
    *("field_differences", "raw_differs_from_source"),
]
# Caused in the system while it is at rest: their switches would catch what others write. An edit can come meanwhile.
BEFORE = ["orders_update_dropped", "delete_missed", "creation_undelivered", "wrong_tenant", "answered_before_stored"]
MEANWHILE = ["refined_row_edited", "row_deleted_here", "ghost_row"]
SYNCED = [
    "products",
    "locations",
    "transactions",
    "fulfillments",
    "gift_cards",
    "payouts",
]  # what no fault is planted in
PIECE = 5  # changes that are asked for at once
SECONDS_UNDER_WAY = 10  # what a change may take here: the machine does other things too


@dataclass
class Writer:
    """Writes at the source at a steady rate, for as long as the block."""

    sample: Sample
    rate: float
    seed: int
    writes: int = 0
    seconds: float = 0
    problems: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def writing(self) -> Iterator[None]:
        thread = threading.Thread(target=self._write, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _write(self) -> None:
        started = time.monotonic()
        for number in count():
            if self._over.is_set():
                return
            try:
                self._change(number)
            except SampleError as error:
                self.problems.append(str(error))
            self.seconds = time.monotonic() - started
            self._over.wait(max(0.0, self.writes / self.rate - self.seconds))

    def _change(self, number: int) -> None:
        self.sample.change(PIECE, self.seed * 1_000_003 + number)
        self.writes += PIECE
        if number % 10 == 9:  # no topic tells of these, and the next sync brings them
            self.sample.record(SHOPS[0], "gift_cards", "create", seed=number)
            self.writes += 1


@dataclass
class Audited:
    """What one audit said: the causes of each record that it calls wrong, and what it takes to be under way."""

    began: float
    source: dict[Key, datetime | None] = field(default_factory=dict)  # as it was when the database was at its instant
    faults: dict[Key, set[str]] = field(default_factory=dict)
    under_way: set[Key] = field(default_factory=set)
    words: dict[Key, str] = field(default_factory=dict)


def audited(sample: Sample) -> Audited:
    """Audit once, as a notebook opened by hand does."""
    found = Audited(time.time())
    with opened(sample.parameters, sample.environment) as one:
        assert one.source.index
        found.source = at_source(sample)
        for check in CHECKS:
            for row in all_rows(one, one.check(check)):
                key = (str(row["tenant"]), str(row["resource"]), str(row["source_id"]))
                if causes.kind(str(row["cause"])) == "expected":
                    found.under_way.add(key)
                else:
                    found.faults.setdefault(key, set()).add(str(row["cause"]))
                    found.words[key] = f"{check}: {row['cause']}: {row['evidence']}"
    return found


def allowing(sample: Sample, seconds: float) -> None:
    """Say in the sample's parameter file how long a change may be under way."""
    file = yaml.safe_load(sample.parameters.read_text(encoding="utf-8"))
    file["policy"]["in_flight_seconds"] = seconds
    sample.parameters.write_text(yaml.safe_dump(file, allow_unicode=True), encoding="utf-8")


# The truth


def own_lists(sample: Sample) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the resources that have a list of their own, as the parameter file describes them."""
    file = yaml.safe_load(sample.parameters.read_text(encoding="utf-8"))
    yield from ((name, one) for name, one in file["resources"].items() if "read" in one)


def at_source(sample: Sample) -> dict[Key, datetime | None]:
    """Return when each record of the source changed last, None where it does not tell."""
    found: dict[Key, datetime | None] = {}
    token = {"X-Shopify-Access-Token": sample.environment["STOREFRONT_TOKEN"]}
    with httpx.Client(headers=token, trust_env=False, timeout=60) as client:
        for tenant, (_, shop) in TENANTS.items():
            for name, one in own_lists(sample):
                url: str | None = f"{sample.environment['STOREFRONT_API']}/{shop}/{one['read']}"
                while url:
                    page = client.get(url)
                    for record in next(iter(page.json().values())):
                        source_id = ":".join(str(record[part]) for part in one.get("id_from", ["id"]))
                        changed = record.get("updated_at")
                        found[tenant, name, source_id] = datetime.fromisoformat(changed) if changed else None
                    url = page.links.get("next", {}).get("url")
    return found


def in_tables(sample: Sample) -> dict[Key, datetime | None]:
    """Return the same of the refined tables."""
    query = "select concat_ws(':', {}), source_updated_at from {} where integration_id = %s and deleted_at is null"
    found: dict[Key, datetime | None] = {}
    with sample.owner() as connection:
        for tenant, (integration, _) in TENANTS.items():
            for name, one in own_lists(sample):
                keys = [one["key"]] if isinstance(one["key"], str) else one["key"]
                columns = sql.SQL(", ").join(map(sql.Identifier, keys))
                filled = sql.SQL(query).format(columns, sql.Identifier(one["table"]))
                for source_id, changed in connection.execute(filled, [integration]):
                    found[tenant, name, source_id] = changed
    return found


# One seed


@dataclass
class Plant:
    """A fault, when it stood, and what the source had of its records then."""

    planted: Planted
    stood: float
    source: dict[Key, datetime | None]

    @property
    def keys(self) -> set[Key]:
        """The records that an audit has to find."""
        return {
            (one.scope["tenant"], one.scope["resource"], key)
            for one in self.planted.must
            if one.check in CHECKS and one.status == "fail"
            for key in one.keys
        }


def plant(sample: Sample, faults: Iterable[str], seed: int) -> Iterator[Plant]:
    """Plant each fault where it can be: a shop may have none of the records that it takes."""
    for fault in faults:
        for attempt in count():
            try:
                planted = sample.plant(fault, seed=seed + 1000 * attempt)
                break
            except IndexError:
                continue
        yield Plant(planted, time.time(), at_source(sample))


@dataclass
class Outcome:
    """What a seed showed; records are counted once an audit."""

    seed: int
    writes: int
    rate: float
    audits: int = 0
    under_way: int = 0
    false: dict[Key, str] = field(default_factory=dict)
    late: int = 0
    wanted: int = 0
    found: int = 0
    not_found: set[Key] = field(default_factory=set)
    lost: set[Key] = field(default_factory=set)

    @property
    def line(self) -> str:
        """The outcome as a line of a table."""
        figures = (self.seed, self.writes, f"{self.rate:.1f}", self.audits, self.under_way, len(self.false), self.late)
        return f"| {' | '.join(map(str, figures))} | {self.found} of {self.wanted} | {len(self.lost)} |"


HEAD = (
    "| seed | writes | a second | audits | in flight | false differences | of them late | planted found |"
    " lost by the sample |\n|" + "---:|" * 9
)


def lived(sample: Sample, seed: int, seconds: float, rate: float) -> Outcome:
    """Audit a sample while it lives, wait until it rests, and hold what was found against the truth."""
    allowing(sample, SECONDS_UNDER_WAY)
    plants = list(plant(sample, BEFORE, seed))
    writer, audits = Writer(sample, rate, seed), []
    with writer.writing():
        ends = time.monotonic() + seconds
        time.sleep(min(seconds / 4, 3))
        plants += plant(sample, MEANWHILE, seed)
        syncing = threading.Thread(target=sample.sync, args=SHOPS, kwargs={"resources": SYNCED}, daemon=True)
        syncing.start()
        while not audits or time.monotonic() < ends:
            audits.append(audited(sample))
        syncing.join()
    sample.settle(timeout=120)
    sample.sync(resources=SYNCED)  # what no topic tells of
    sample.settle(timeout=120)
    return _judged(Outcome(seed, writer.writes, writer.writes / writer.seconds), sample, plants, audits)


def _judged(outcome: Outcome, sample: Sample, plants: list[Plant], audits: list[Audited]) -> Outcome:
    source, tables = at_source(sample), in_tables(sample)
    planted = {key for one in plants for key in one.keys}
    wrong = {key for key in source.keys() | tables.keys() if not _same(key, source, tables)}
    outcome.lost = wrong - planted
    for one in audits:
        outcome.audits += 1
        outcome.under_way += len(one.under_way)
        false = {key: one.words[key] for key in one.faults.keys() - planted - outcome.lost}
        outcome.late += sum(one.faults[key] == {"HEALED_LATE"} for key in false)
        outcome.false |= false
        for stood in plants:
            # What the people of the shop had changed by then came whole, and made it right.
            still = {key for key in stood.keys if _is_own(sample, key) and _same(key, stood.source, one.source)}
            wanted = still if stood.stood < one.began else set()
            outcome.wanted += len(wanted)
            outcome.found += len(wanted & one.faults.keys())
            outcome.not_found |= wanted - one.faults.keys()
    return outcome


def _is_own(sample: Sample, key: Key) -> bool:
    return key[1] in dict(own_lists(sample))


def _same(key: Key, before: dict[Key, datetime | None], after: dict[Key, datetime | None]) -> bool:
    return (key in before, before.get(key)) == (key in after, after.get(key))


def main(seeds: int = 20, seconds: float = 60, rate: float = 25, first: int = 1) -> None:
    """Print a line for each seed, and write the table down."""
    lines = []
    with storefront.running(size=60) as sample:
        for seed in range(first, first + seeds):
            with sample.clone() as clone:
                outcome = lived(clone, seed, seconds, rate)
            lines.append(outcome.line)
            print("\n".join([HEAD, outcome.line] if len(lines) == 1 else [outcome.line]), flush=True)
            for name, told in (("false", outcome.false), ("not found", outcome.not_found), ("lost", outcome.lost)):
                for key in list(told)[:5]:
                    print(f"  {name}: {key} {told[key] if isinstance(told, dict) else ''}", flush=True)
    write_down("While the system lives", f"{seconds:.0f} s of writing a seed.", [HEAD, *lines])
