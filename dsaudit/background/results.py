"""The results of the phases that have ended in this run, item by item as the blueprint's checklist has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from dsaudit.background import kept
from dsaudit.parameters import project_root
from dsaudit.verdict import MIME, Status, worst

if TYPE_CHECKING:
    from dsaudit.audit import Audit

WORDS = {Status.PASS: "PASS", Status.FAIL: "FAIL", Status.SKIPPED: "not run", Status.WAIVED: "waived"}
OPEN = "open"


@dataclass(frozen=True)
class Item:
    """One item of the results: what it asks, PASS, FAIL or another word, and what this run did and saw for it."""

    text: str
    result: str
    notes: str


def items(audit: Audit) -> list[Item]:
    """Return the items of the checklist with their results; by hand, where no run has filled them, they are open."""
    found = statuses(audit)
    return [
        Item(one["text"], _result(_found(one, found)), "; ".join(_notes(audit, one)))
        for one in _of_blueprint(audit, "checklist")
    ]


def _found(item: dict[str, Any], found: dict[str, Status]) -> list[Status | None]:
    """Return how the checks of an item came out; none, where they were not run and a person answers for it then."""
    given = [found.get(name) for name in item.get("checks", [])]
    return [] if "manual" in item and set(given) == {Status.SKIPPED} else given


def criteria(audit: Audit) -> list[Item]:
    """Return the success criteria with their results, each with its target as notes; open as the items are."""
    found = statuses(audit)
    return [
        Item(one["metric"], _result([found.get(name) for name in one["checks"]]), one["target"])
        for one in _of_blueprint(audit, "criteria")
    ]


def _of_blueprint(audit: Audit, key: str) -> list[dict[str, Any]]:
    path = project_root() / "notebooks" / audit.blueprint / "blueprint.yml"
    listed: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8")).get(key, [])
    return listed


def statuses(audit: Audit) -> dict[str, Status]:
    """Return how each check came out in the notebooks that this run has executed so far, and in this one."""
    found = {verdict.check: verdict.status for verdict in audit.verdicts}
    folder = audit.run_folder.parent / "phases" if audit.run_folder else None
    for path in sorted(folder.glob("*.ipynb")) if folder else ():
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                if verdict := output.get("data", {}).get(MIME):
                    found[verdict["check"]] = Status(verdict["status"])
    return found


def overall(given: list[Item]) -> str:
    """Return the whole in one word: FAIL with the first failure, PASS where nothing is left open but what people do."""
    results = {one.result for one in given if one.result != "by a person"}
    if "FAIL" in results:
        return "FAIL"
    return "PASS" if results <= {"PASS", "waived"} else OPEN


def _result(given: list[Status | None]) -> str:
    if not given:
        return "by a person"
    if None in given:
        known = [one for one in given if one]
        return "FAIL" if Status.FAIL in known else OPEN
    return WORDS.get(worst(one for one in given if one), OPEN)


def _notes(audit: Audit, item: dict[str, Any]) -> Iterator[str]:
    """Yield what this run did and saw, for the checks of an item."""
    for name in item.get("checks", []):
        if name == "requested_sync_ran" and (one := kept.before(audit, "requested")):
            yield _run(one)
        if name == "direct_task_completes" and (one := kept.before(audit, "sent")):
            yield _run(one)
        if name == "second_sync_writes_nothing" and (one := kept.before(audit, "twice")):
            for which, run in zip(("first run", "second run"), one["runs"], strict=False):
                yield f"{which}: {_run(run)}"
            if not one["problem"]:
                yield f"{_figures(one['before'])} before the second, {_figures(one['after'])} after it"
        if name == "concurrent_syncs_write_once" and (one := kept.before(audit, "at_once")) and not one["problem"]:
            yield f"two at once: {', '.join(run['outcome'] for run in one['runs'])}, {one['added']} new"
        if name == "killed_sync_is_made_up_for" and (one := kept.before(audit, "killed")) and one.get("after"):
            yield f"the sync after the killed one: {_run(one['after'])}"
        if name == "sync_fires_by_itself" and (one := kept.before(audit, "watched")):
            yield f"started {one['begun']} times within {one['waited']:g} s"
        if name == "schedule_has_the_entry" and audit.parameters.schedule:
            given = audit.parameters.schedule
            yield f"interval: {given.crontab or f'{given.seconds:g} s'}"
        if name == "flag_is_left_as_found" and (one := kept.before(audit, "flag_off")) and "found" in one:
            yield f"found {one['found']}, left {one['restored'] or 'unknown'}"
        if name == "flag_off_refuses_the_request" and (one := kept.before(audit, "flag_off")) and "requested" in one:
            yield f"{one['requested']['told']}, {one['requested']['outcome']}"
        if name == "flag_off_skips_the_task" and (one := kept.before(audit, "flag_off")) and "sent" in one:
            yield _run(one["sent"])
        if name == "failure_is_logged_and_survived" and (one := kept.before(audit, "outage")) and "during" in one:
            yield f"with the source refusing: {_run(one['during'])}; after it: {_run(one['after'])}"
        if name == "bad_record_stops_nothing" and (one := kept.before(audit, "bad_record")) and "during" in one:
            yield f"with a bad record: {_run(one['during'])}"


def _figures(one: dict[str, int]) -> str:
    """Return how many rows there are, and how many different ids and domains."""
    return ", ".join(f"{count:,} {what}" for what, count in one.items())


def _run(one: dict[str, Any]) -> str:
    """Return a sync that was queued, in words: its task, how it ended, and its counts."""
    run = one["run"] or {}
    names = {"added": "new", "updated": "updated", "skipped": "skipped", "failed": "failed"}
    counts = [f"{run[name]:g} {word}" for name, word in names.items() if run.get(name) is not None]
    return ", ".join([*([f"task {one['task_id']}"] if one["task_id"] else []), one["outcome"], *counts])
