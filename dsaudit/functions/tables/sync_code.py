"""Tables of phase 2."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pandas as pd

from dsaudit import codebase
from dsaudit.facts.started_syncs import started_before
from dsaudit.facts.sync_code import functions_named
from dsaudit.functions.tables._places import place

if TYPE_CHECKING:
    from dsaudit.audit import Audit

PRACTICES = {"pagination": "pages", "rate_limit": "waits", "errors": "handles_errors", "logging": "logs"}


def sync_practices(audit: Audit) -> pd.DataFrame:
    """Sync functions, and where each of them does what.

    needs: code
    key: function
    show: function, pages, waits, handles_errors, logs, defined_at, resources
    """
    assert audit.parameters.code is not None
    declared: dict[str, list[str]] = {}
    for resource, one in audit.parameters.resources.items():
        if one.sync:
            declared.setdefault(one.sync, []).append(resource)
    # Functions that match the pattern and that no resource names are shown too: something in the file may be missing.
    others = [one.name for one in codebase.functions(audit.code, audit.parameters.code.sync)]
    names = list(dict.fromkeys([*declared, *(name for name in others if not _named(name, declared))]))
    rows = [
        {
            "function": judged.function.name,
            **{column: _told(audit.code, getattr(judged.practices, one)) for one, column in PRACTICES.items()},
            "defined_at": place(audit.code, judged.function.file, judged.function.line),
            "resources": ", ".join(declared.get(name, [])) or "none",
        }
        for name in names
        for judged in functions_named(audit, name)
    ]
    return pd.DataFrame(rows, dtype=object)


def _named(name: str, declared: dict[str, list[str]]) -> bool:
    return any(one.rpartition(".")[2] == name for one in declared)


def syncs_started_now(audit: Audit) -> pd.DataFrame:
    """Each sync that was started now: what it fetched, in how many pages and seconds, and how it ended.

    needs: syncs, syncs.run
    key: tenant, resource
    show: tenant, resource, outcome, told
    """
    started = started_before(audit) if audit.parameters.acting else None  # nothing is started for a table
    columns = ["tenant", "resource", "fetched", "pages", "seconds", "outcome", "told"]
    return pd.DataFrame([asdict(one) for one in started or []], columns=columns, dtype=object)


def _told(code: codebase.Code, finding: codebase.Finding) -> str:
    where = place(code, finding.file, finding.line)
    return where if finding.state == "found" else f"{finding.state}, {where}"
