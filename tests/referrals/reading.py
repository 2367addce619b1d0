"""Reads what the sample's app has left: its log, and its table."""

from __future__ import annotations

import json
from typing import Any

from examples.control import SampleError, call, poll
from examples.referrals.sample import Sample

DUPLICATES = "select referral_id from partner_center_referrals group by referral_id having count(*) > 1"


def log_lines(sample: Sample, *events: str, name: str = "worker") -> list[dict[str, Any]]:
    """The lines of a log with these events, all of them without; each line has to be an object."""
    text = (sample.logs / f"{name}.log").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return [line for line in lines if not events or line["event"] in events]


def lines_of(sample: Sample, task: str) -> list[str]:
    """The events of a sync that the app itself told of."""
    return [
        line["event"] for line in log_lines(sample) if line.get("task_id") == task and line["logger"].startswith("app.")
    ]


def table(sample: Sample) -> list[dict[str, Any]]:
    return sample.rows("select * from partner_center_referrals order by id")


def fingerprint(sample: Sample) -> Any:
    """What a fault could leave behind, of what does not go on by itself."""
    first = sample.runs()[0]
    at_rest = sample.platform("status"), sample.partner("status")["faults"]
    return first["id"], first["status"], first["new_count"], len(table(sample)), at_rest


def answer(address: str) -> str:
    """What is said of an address that does not answer well."""
    try:
        call(address)
    except SampleError as error:
        return str(error)
    return ""


def killed_in_the_middle(sample: Sample) -> str:
    """Queue a sync and kill the process that is in the middle of it; its task's id."""
    from celery import Celery

    sample.settle()
    sample.partner("faults", {"slow": 0.1})
    task = sample.sync()
    for _ in poll(30, pause=0.02):
        if "sync_started" in lines_of(sample, task):
            break
    with Celery(broker=sample.environment["REFERRALS_BROKER"]) as asking:
        asking.control.revoke(task, terminate=True, signal="SIGKILL")
    sample.partner("faults", {"slow": None})
    return task
