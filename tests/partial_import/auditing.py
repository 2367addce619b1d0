"""Audits the sample of partial imports in this process, with everything that a run would do to it."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dsaudit.audit import Audit
from dsaudit.checks import all_checks
from dsaudit.facts.followed import followed_before
from dsaudit.migrating import schema
from dsaudit.parameters import Parameters, project_root
from tests.checks.asked import called
from tests.checks.auditing import Verdicts, all_rows, opened

CHECKS = called("partial_import")
READING = [name for name in CHECKS if "acts" not in all_checks()[name].headers]
PROGRAMS = {"alert_rules_pass_promtool": "promtool", "alerts_fire": "prometheus"}  # that a check needs
UNTRIED = {check: program for check, program in PROGRAMS.items() if shutil.which(program) is None}
REVISION = "select version_num from alembic_version"


@dataclass(frozen=True)
class Audited:
    """What was found: verdicts, whole rows, and with which parameters."""

    verdicts: Verdicts
    rows: dict[str, list[dict[str, object]]]
    parameters: Parameters


_TRIED: dict[str, dict[str, Any]] = {}


def audited(sample: Any, names: list[str], live: bool = False) -> Audited:
    """Run checks in the order of the blueprint's notebooks, all of it on servers of their own."""
    with opened(sample.parameters, sample.environment, live=live) as audit:
        found = {name: audit.check(name) for name in names if name not in UNTRIED}
        _TRIED.setdefault(_seen_by_migrations(sample, audit.parameters), _of_migrations(audit))
        return _whole(audit, found)


def audited_again(sample: Any, names: list[str], server: str, live: bool = False) -> Audited:
    """Run checks as `audited` does, but for what takes long and cannot come out otherwise than it did.

    `server` is one that is there for scratch databases.
    """
    with opened(sample.parameters, {**sample.environment, "DSAUDIT_POSTGRES_URL": server}, live=live) as audit:
        key = _seen_by_migrations(sample, audit.parameters)
        audit.kept.update(_TRIED.get(key, {}))
        found = {}
        for name in names:
            if name not in UNTRIED and not (name == "alerts_fire" and _fires_as_ever(audit)):
                found[name] = audit.check(name)
        _TRIED.setdefault(key, _of_migrations(audit))
        return _whole(audit, found)


def _whole(audit: Audit, found: Verdicts) -> Audited:
    return Audited(found, {name: all_rows(audit, one) for name, one in found.items()}, audit.parameters)


def _fires_as_ever(audit: Audit) -> bool:
    """Whether the rules are the project's own, and the flows that make alerts fire move the metrics as declared."""
    monitoring, seen = audit.parameters.monitoring, followed_before(audit)
    assert monitoring and seen
    ours = all(
        audit.parameters.folder(name).read_bytes() == (project_root() / name).read_bytes() for name in monitoring.rules
    )
    flows = {one.flow for one in monitoring.fires}
    moved = [one for one in seen["flows"] if one["flow"] in flows and not one["problem"]]
    return (
        ours
        and len(moved) == len(flows)
        and all(one["is_right"] is not False for flow in moved for one in flow["moved"])
    )


def needing(name: str, check: str, *groups: str) -> Any:
    """A parameter of a test that is skipped where the program is not there that a check needs."""
    marks = [pytest.mark.xdist_group(group) for group in groups]
    if check in UNTRIED:
        marks.append(pytest.mark.skip(reason=f"{UNTRIED[check]} is not installed"))
    return pytest.param(name, marks=marks)


def _seen_by_migrations(sample: Any, parameters: Parameters) -> str:
    """All that the trial of the migrations depends on: most faults leave it as it is, and it is tried only once."""
    assert parameters.migrations
    folder = parameters.folder(parameters.migrations.config).parent
    paths = sorted(path for end in ("*.py", "*.ini", "*.mako") for path in folder.rglob(end))
    digest = hashlib.sha256(sample.parameters.read_bytes())
    for path in paths:
        digest.update(f"{path.relative_to(folder)}\0{_text(path)}\0".encode())
    with sample.owner() as connection:
        digest.update(repr([sample.rows(REVISION), schema.described(connection)]).encode())
    return digest.hexdigest()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _of_migrations(audit: Audit) -> dict[str, Any]:
    """What was kept of the trial: the project itself has ended by then, and nothing asks it any more."""
    return {name: one for name, one in audit.kept.items() if name == "bench" or name.startswith("migrations ")}
