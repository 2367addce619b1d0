"""Makes the verdict of a check (what it claims, how it ended, its rows, what can be done), and drafts of documents."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from dsaudit.audit import remedies, rows
from dsaudit.audit.display import Draft
from dsaudit.audit.gathering import UNREAD
from dsaudit.audit.judging import Evidence
from dsaudit.checks import Check, CheckError
from dsaudit.verdict import Result, Verdict, worst

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def verdict(audit: Audit, check: Check, results: list[Result], evidence: Evidence, run: str, nonce: str) -> Verdict:
    """Return the verdict of a check; `run` and `nonce` mark it as one of a run, and are empty by hand."""
    made = Verdict(
        check=check.name,
        claim=check.headers["title"],
        why=check.headers["why"],
        requirement=check.listed("requirement"),
        severity=check.headers["severity"],
        status=worst(result.status for result in results),
        results=results,
        run=run,
        nonce=nonce,
        phase=audit.phase,
        instant=check.headers.get("instant", "run"),
        query=evidence.query,
        query_sha256=hashlib.sha256(f"{check.query}\n{check.examined}".encode()).hexdigest(),
        limits=list(evidence.limits),
        bounds=evidence.bounds,
        remedies=[{"say": check.headers["remedy"]}] if "remedy" in check.headers else [],
    )
    if len(evidence.rows):
        rows.add_rows(audit, made, check, evidence.rows)
    made.remedies += remedies.offered(audit, made, evidence.rows)
    return made


def draft(audit: Audit, name: str, run: str, nonce: str) -> Draft:
    """Return the draft of a document, or why there is none."""
    from dsaudit.documents import DRAFTS

    if name not in DRAFTS:
        raise CheckError(f"there is no draft of {name!r}; there are {', '.join(DRAFTS)}")
    if not audit.parameters.resources:
        return Draft(run, nonce, name, "", "the parameter file has no resources")
    try:
        return Draft(run, nonce, name, DRAFTS[name](audit))
    except UNREAD as error:
        return Draft(run, nonce, name, "", f"it could not be drafted: {error}")
