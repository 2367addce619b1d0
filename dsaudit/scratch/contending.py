"""Runs declared statements in several sessions at once, to see whether they get in each other's way for good."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psycopg

from dsaudit.database.errors import first_line
from dsaudit.scratch.model import Scratch

IN_STEP_SECONDS = 0.3  # how long a session waits for the others before its next statement; one may wait for a lock
LOCK_SECONDS = 5


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
            barrier = threading.Barrier(len(transactions)) if number % 2 == 0 else None
            ended = list(pool.map(lambda one, b=barrier: _session(scratch, one, b, lock_seconds), transactions))
            for kind, statement, said in ended:
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
    scratch: Scratch, statements: Sequence[str], barrier: threading.Barrier | None, seconds: float
) -> tuple[str, str, str]:
    """Run one transaction; return what became of it, the statement at which it ended, and what PostgreSQL said."""
    statement = ""
    try:
        with scratch.connect() as connection:
            connection.execute(f"set lock_timeout = '{seconds * 1000:.0f}ms'")
            connection.execute(f"set statement_timeout = '{2 * seconds * 1000:.0f}ms'")
            connection.commit()
            for statement in statements:
                connection.execute(statement.encode())
                _in_step(barrier)
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
        if barrier:
            barrier.abort()
    return "finished", "", ""


def _in_step(barrier: threading.Barrier | None) -> None:
    """Wait for the other sessions; one that waits for a lock, or has ended, is not waited for long."""
    if barrier:
        try:
            barrier.wait(IN_STEP_SECONDS)
        except threading.BrokenBarrierError:
            return
