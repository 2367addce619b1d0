"""Reading that gives way: it rests between reads, waits while the server is busy, and lets go of wanted tables.

What is waited for ends with half the age of the run's snapshot, so that the other half is left to read in. From then on
nothing is rested, and a server that is still too busy is not read at all.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from dsaudit.database.errors import Locked, ServerBusy, query_error
from dsaudit.database.transaction import transaction
from dsaudit.parameters.database import Polite
from dsaudit.progress import Progress, told_by_a_kernel

Found = TypeVar("Found")

PAUSES = "pauses.jsonl"  # in a run's private folder: why its reads waited, and how long
SETTINGS = {"effective_io_concurrency": "0"}  # no pages are asked for ahead of those that are read
LOOK = 1.0  # seconds until a busy server is looked at again
ASIDE = 0.25  # seconds that a read has taken when somebody may wait for its tables; then as often it is looked
TRIES = 5
ASKING = 10.0  # seconds that the server may take to say how busy it is

RESTING = "resting between reads"
WAITED_FOR = "somebody else waiting for a table that was read"
NO_REST = "no more rest, as half of database.snapshot_age was over"


class Load(NamedTuple):
    """What a server says of itself: its time, sessions of others at work, and the seconds that a replica is behind."""

    now: float
    active: int
    lag: float


# Of other roles' sessions one without pg_read_all_stats sees no more than that a transaction is under way.
LOAD = """
select extract(epoch from pg_catalog.clock_timestamp())::double precision,
  case when pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage') then (
    select pg_catalog.count(*) from pg_catalog.pg_stat_activity
    where state = 'active' and backend_type in ('client backend', 'parallel worker')
      and not pg_catalog.starts_with(application_name, 'dsaudit')
  ) else (
    select pg_catalog.count(*) from pg_catalog.pg_locks as l join pg_catalog.pg_stat_activity as a on a.pid = l.pid
    where l.locktype = 'virtualxid' and l.granted and a.usesysid is not null
      and not pg_catalog.starts_with(a.application_name, 'dsaudit')
  ) end,
  coalesce(extract(epoch from case
    when not pg_catalog.pg_is_in_recovery() then (select max(replay_lag) from pg_catalog.pg_stat_replication)
    when pg_catalog.pg_last_wal_receive_lsn() is distinct from pg_catalog.pg_last_wal_replay_lsn()
    then pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()
  end), 0)::double precision
"""
# Ends our statements on tables that somebody waits for who would alter or truncate them: behind him all others wait.
LET_GO = """
with lock as materialized (
  select l.* from pg_catalog.pg_locks as l join pg_catalog.pg_database as d on d.oid = l.database
  where l.locktype = 'relation' and d.datname = pg_catalog.current_database()
)
select pg_catalog.pg_cancel_backend(ours.pid)
from (
  select distinct own.pid from lock as own join lock as other on other.relation = own.relation
  where own.granted and not other.granted and other.mode = 'AccessExclusiveLock' and other.pid <> own.pid
) as ours join pg_catalog.pg_stat_activity as a on a.pid = ours.pid
where a.application_name = pg_catalog.current_setting('application_name') and a.usename = current_user
  and a.pid <> pg_catalog.pg_backend_pid()
"""


@dataclass
class Politeness:
    """How the reads of one process give way to whoever else uses the server.

    `age` is the snapshot's, in seconds, and `since` its instant as the server tells it, None where it begins with the
    first read. `folder` is the private one of the run, where its pauses are noted.
    """

    limits: Polite
    age: float
    since: str | None = None
    folder: Path | None = None
    sleep: Callable[[float], None] = time.sleep
    _until: float | None = None  # the server's time at which waiting ends
    _ended: float = 0.0
    _took: float = 0.0

    def __post_init__(self) -> None:
        self._until = datetime.fromisoformat(self.since).timestamp() + self.age / 2 if self.since else None

    def renewed(self) -> None:
        """Begin anew with a snapshot that is taken now."""
        self._until = None

    @contextlib.contextmanager
    def read(self, engine: Engine) -> Iterator[None]:
        """Wait until something may be read, and let go of it where somebody waits for its tables.

        Raises
        ------
        ServerBusy, Locked
            It was busy for too long, or somebody waits.
        """
        self.wait(lambda: load_of(engine))
        began = time.monotonic()
        try:
            with _letting_go(engine):
                yield
        finally:
            self._ended = time.monotonic()
            self._took = self._ended - began

    def wait(self, look: Callable[[], Load]) -> None:
        """Wait until the next read may begin; `look` tells how busy the server is.

        Raises
        ------
        ServerBusy
            It is still busy when waiting has to end.
        """
        rest = self._took * self.limits.rest - (time.monotonic() - self._ended)
        with self._telling() as tell:
            while True:
                load = look()
                self._until = self._until or load.now + self.age / 2
                left, busy = self._until - load.now, self._busy(load)
                if busy and left <= 0:
                    raise ServerBusy(
                        f"the server was too busy to be read ({busy}) when half of database.snapshot_age "
                        f"({self.age:.0f} s) was over; audit at a quieter time, or see database.polite"
                    )
                if not busy and rest <= 0:
                    return
                if left <= 0:
                    tell(NO_REST, 0)
                    return
                seconds = min(left, LOOK if busy else rest)
                tell(busy or RESTING, seconds)
                self.sleep(seconds)
                rest -= seconds

    def again(self, work: Callable[[], Found]) -> Found:
        """Do what reads, and again where it had to let go of a table, a few times."""
        for _ in range(TRIES - 1):
            try:
                return work()
            except Locked:
                with self._telling() as tell:
                    tell(WAITED_FOR, LOOK)
                    self.sleep(LOOK)
        return work()

    def _busy(self, load: Load) -> str:
        if load.active > self.limits.active:
            return f"more than {self.limits.active} other sessions at work"
        return f"a replica more than {self.limits.lag:g} s behind" if load.lag > self.limits.lag else ""

    @contextlib.contextmanager
    def _telling(self) -> Iterator[Callable[[str, float], None]]:
        """Yield what takes a pause and why it is made; in the end they are noted."""
        made: defaultdict[str, float] = defaultdict(float)
        with contextlib.ExitStack() as shown:
            show: Progress | None = None

            def tell(why: str, seconds: float) -> None:
                nonlocal show
                made[why] += seconds
                if seconds >= LOOK:  # what is over sooner nobody can read
                    show = show or shown.enter_context(told_by_a_kernel(self.folder))
                    show(f"the database is left alone: {why}")

            try:
                yield tell
            finally:
                if self.folder and made:
                    note(self.folder, made)


def load_of(engine: Engine) -> Load:
    """Return how busy a server is."""
    try:
        with transaction(engine, ASKING, None, 0) as one:
            return Load._make(one.run(LOAD).one())
    except sa.exc.DBAPIError as error:
        raise query_error(error) from None


def note(folder: Path, made: Mapping[str, float]) -> None:
    """Note pauses, in seconds by why they were made, in the private folder of a run."""
    lines = "".join(json.dumps({"why": why, "seconds": seconds}) + "\n" for why, seconds in made.items())
    with os.fdopen(os.open(folder / PAUSES, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
        file.write(lines)


def pauses(folder: Path) -> dict[str, float]:
    """Return the pauses that a run has made, in seconds by why they were made."""
    path, made = folder / PAUSES, defaultdict[str, float](float)
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        one = json.loads(line)
        made[one["why"]] += one["seconds"]
    return {why: round(seconds, 1) for why, seconds in sorted(made.items())}


@contextlib.contextmanager
def _letting_go(engine: Engine) -> Iterator[None]:
    """Watch from another connection whether somebody waits for what is read, as soon as it takes a while."""
    done, has_let_go = threading.Event(), threading.Event()
    watch = threading.Thread(target=_watch, args=(engine, done, has_let_go), daemon=True)
    watch.start()
    try:
        yield
    except Exception:
        done.set()
        watch.join(ASKING)  # the statement may know of its end before who has ended it
        if has_let_go.is_set():
            raise Locked("somebody waited for a table that was read, and was given way") from None
        raise
    finally:
        done.set()


def _watch(engine: Engine, done: threading.Event, has_let_go: threading.Event) -> None:
    if done.wait(ASIDE):
        return
    with contextlib.suppress(sa.exc.SQLAlchemyError), engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # it goes when it is no longer needed
        while not done.wait(ASIDE):
            if connection.exec_driver_sql(LET_GO).all():
                has_let_go.set()
                return
