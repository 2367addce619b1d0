"""Runs declared statements in several sessions at once, to see whether they get in each other's way for good."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import psycopg

from dsaudit.database.errors import first_line
from dsaudit.scratch.model import Scratch

IN_STEP_SECONDS = 5.0  # the longest that a session waits for the others before its next statement
LOOK_SECONDS = 0.01  # between two looks at whether the others wait for a lock
LOCK_SECONDS = 5
START_SECONDS = 30  # until all sessions are there


@dataclass(frozen=True)
class Contention:
    """What became of the transactions that ran at once."""

    sessions: int
    rounds: int
    finished: int  # transactions that came through
    deadlocks: int
    timeouts: int  # of a lock or a statement
    serialization: int
    refused: dict[str, int] = field(default_factory=dict)  # any other error, and how often
    examples: list[str] = field(default_factory=list)  # the statement that was the victim of each kind, once

    @property
    def is_clean(self) -> bool:
        """Whether every transaction came through."""
        return self.finished == self.sessions * self.rounds


def deadlocks(
    scratch: Scratch, transactions: Sequence[Sequence[str]], rounds: int = 10, lock_seconds: float = LOCK_SECONDS
) -> Contention:
    """Run transactions at once, one session for each, several times over, and tell how they got on.

    Every other round goes in step: each session waits for the others after a statement, so that all hold their first
    locks before any asks for its second. What was written is taken back.

    Parameters
    ----------
    transactions
        The statements of each session, in order, without parameters.
    lock_seconds
        How long a lock, and a statement, may be waited for. A deadlock is seen after a tenth of a second.
    """
    counted: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    examples: dict[str, str] = {}
    with ThreadPoolExecutor(len(transactions)) as pool:
        for number in range(rounds):
            start, step = threading.Barrier(len(transactions)), threading.Barrier(len(transactions))
            steps = step if number % 2 == 0 else None
            pids: list[int] = []
            run = partial(_session, scratch, pids, start, steps, lock_seconds)
            running = [pool.submit(run, statements) for statements in transactions]
            if steps:
                _mind(scratch, pids, steps, running)
            for kind, statement, said in (one.result() for one in running):
                counted[kind] += 1
                if kind != "finished":
                    examples.setdefault(kind, f"{kind}: {statement}")
                if kind == "refused":
                    refused[said] += 1
    return Contention(
        len(transactions),
        rounds,
        counted["finished"],
        counted["deadlock"],
        counted["timeout"],
        counted["serialization"],
        dict(refused),
        list(examples.values()),
    )


def _session(
    scratch: Scratch,
    pids: list[int],
    start: threading.Barrier,
    steps: threading.Barrier | None,
    seconds: float,
    statements: Sequence[str],
) -> tuple[str, str, str]:
    """Run one transaction; return what became of it, the statement at which it ended, and what PostgreSQL said."""
    statement = ""
    try:
        with scratch.connect() as connection:
            connection.execute(f"set lock_timeout = '{seconds * 1000:.0f}ms'")
            connection.execute(f"set statement_timeout = '{2 * seconds * 1000:.0f}ms'")
            connection.commit()
            pids.append(connection.info.backend_pid)
            _wait(start, START_SECONDS)
            for statement in statements:
                connection.execute(statement.encode())
                if steps:
                    _wait(steps, IN_STEP_SECONDS)
            connection.rollback()
    except psycopg.errors.DeadlockDetected as error:
        return "deadlock", statement, first_line(error)
    except (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled) as error:
        return "timeout", statement, first_line(error)
    except psycopg.errors.SerializationFailure as error:
        return "serialization", statement, first_line(error)
    except psycopg.Error as error:
        return "refused", statement, first_line(error)
    finally:
        start.abort()  # all are past it, unless this one could not connect
        if steps:
            steps.abort()
    return "finished", "", ""


def _mind(
    scratch: Scratch, pids: list[int], steps: threading.Barrier, running: Sequence[Future[tuple[str, str, str]]]
) -> None:
    """Let the sessions that wait for the others go on as soon as all of these wait for a lock."""
    with scratch.connect() as connection:
        while not steps.broken and wait(running, LOOK_SECONDS).not_done:
            locked = connection.execute(_LOCKED, [pids]).fetchall()
            if steps.n_waiting and steps.n_waiting + len(locked) == steps.parties:
                steps.abort()


_LOCKED = "select distinct pid from pg_catalog.pg_locks where not granted and pid = any(%s)"


def _wait(barrier: threading.Barrier, seconds: float) -> None:
    """Wait for the other sessions; one that waits for a lock, or has ended, is not waited for long."""
    with suppress(threading.BrokenBarrierError):
        barrier.wait(seconds)
