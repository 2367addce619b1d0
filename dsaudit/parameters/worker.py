"""The section ``worker``: the Celery workers that run the sync, asked through their broker."""

from __future__ import annotations

from pydantic import Field

from dsaudit.parameters.action import LONGEST_WAIT
from dsaudit.parameters.section import Section


class Worker(Section):
    """The workers that run the sync's task, reached through the broker whose address `broker_env` holds.

    `task` is the task by its full name: a worker that does not know it belongs to another application. `queue` is where
    the task waits, and `wait_seconds` how long a task that is queued is given to begin and to end.
    """

    broker_env: str
    task: str = Field(min_length=1)
    queue: str = Field("celery", min_length=1)
    wait_seconds: float = Field(60, gt=0, le=LONGEST_WAIT)
