"""Phase 2: is there a sync function for each type of data, and does it do what a sync function has to do?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsaudit.facts.sync_code import functions_named, unread
from dsaudit.functions import Found, Row, frames

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def every_resource_has_a_sync_function(audit: Audit) -> Found:
    """Every resource has a sync function in the code; a nested one comes with its parent's.

    why: webhooks get lost, and what no function ever reads again stays lost
    requirement: DS2.1, DS0
    severity: critical
    scope: resource
    needs: code
    key: function
    show: function, problem
    explains: every_resource_is_covered, sync_functions_paginate, sync_functions_respect_rate_limits,
        sync_functions_handle_errors, sync_functions_log
    remedy: write the function, or correct its name in the parameter file
    """
    rows: list[Row] = []
    examined: list[Row] = []
    for name in audit.parameters.resources:
        function = audit.parameters.resources[audit.parameters.top(name)].sync
        absent = function is not None and not functions_named(audit, function)
        reason = unread(audit) if absent else None
        if function is None:
            rows.append({"resource": name, "function": None, "problem": "no sync function is declared"})
        elif absent and reason is None:
            rows.append({"resource": name, "function": function, "problem": "the code has no function of this name"})
        examined.append({"resource": name, "examined": 1, "reason": reason})
    return frames(rows, examined)


def sync_functions_paginate(audit: Audit) -> Found:
    """Every sync function reads its list to the last page.

    why: a function that stops after the first page looks right on a small account and loses the rest of a large one
    requirement: DS2.1
    severity: critical
    scope: resource
    having: sync
    needs: code
    key: function
    show: function, place, evidence
    explains: source_missing_in_raw, source_missing_in_refined
    remedy: repeat the request with the cursor, link or number of the answer until there is none, then sync anew
    """
    return _practice(audit, "pagination")


def sync_functions_respect_rate_limits(audit: Audit) -> Found:
    """Every sync function waits when the provider asks it to.

    why: a refused request that is not repeated is a page that is missing, and it happens under load only
    requirement: DS2.1
    severity: high
    scope: resource
    having: sync
    needs: code
    key: function
    show: function, place, evidence
    explains: last_sync_completed
    remedy: on status 429 wait as long as Retry-After says, and ask again a bounded number of times
    """
    return _practice(audit, "rate_limit")


def sync_functions_handle_errors(audit: Audit) -> Found:
    """Every sync function acts upon an error instead of passing over it.

    why: an error that is swallowed turns a broken sync into one that says it is complete
    requirement: DS2.1
    severity: high
    scope: resource
    having: sync
    needs: code
    key: function
    show: function, place, evidence
    explains: syncs_fetched_records
    remedy: record the error with the run and raise it, so that the run does not count as completed
    """
    return _practice(audit, "errors")


def sync_functions_log(audit: Audit) -> Found:
    """Every sync function logs what it does.

    why: without a log nobody can tell when a sync began to go wrong
    requirement: DS2.1
    severity: low
    scope: resource
    having: sync
    needs: code
    key: function
    show: function, place, evidence
    remedy: log each page and each end with its figures, never a payload
    """
    return _practice(audit, "logging")


def _practice(audit: Audit, name: str) -> Found:
    """Collect the functions that lack one practice; one that cannot be told makes its resource inconclusive."""
    rows: list[Row] = []
    examined: list[Row] = []
    for resource, declared in audit.parameters.resources.items():
        if not declared.sync:
            continue
        judged = functions_named(audit, declared.sync)
        reasons = [] if judged else [unread(audit) or f"the code has no function {declared.sync}"]
        for one in judged:
            finding = getattr(one.practices, name)
            place = f"{finding.file}:{finding.line}"
            if finding.state == "absent":
                row = {"function": one.function.qualified, "place": place, "evidence": finding.evidence}
                rows.append({"resource": resource, **row})
            elif finding.state == "unresolved":
                reasons.append(f"{place}: {finding.evidence}")
        examined.append({"resource": resource, "examined": len(judged), "reason": reasons[0] if reasons else None})
    return frames(rows, examined)
