"""What the database does when it is put to the test, on a copy of its schema with rows that were made up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsaudit.facts.relations import resources_of
from dsaudit.facts.schema.constraints import constraints
from dsaudit.facts.scratch import Tried, links, tried_constraints, tried_tenants
from dsaudit.functions import Found, Row, frames
from dsaudit.verdict.card import plural

if TYPE_CHECKING:
    from dsaudit.audit import Audit

MOST_SAID = 20  # reasons why something was not tried


def constraints_refuse_what_they_forbid(audit: Audit) -> Found:
    """Every constraint refuses a row that breaks it, when it is inserted and when it is changed into one.

    why: a constraint that is there can be switched off, deferred for ever or gone around by a trigger, and a list of
      the schema shows nothing of it
    requirement: DI3
    severity: critical
    needs: relations
    key: table, constraint
    show: table, constraint, kind, outcome, statement
    explains: orphans, invariants_hold
    remedy: see what lets the row in (a disabled trigger, a rule, a constraint that is not enforced), and take it away
    """
    return _attacked(tried_constraints(audit))


def deletes_do_what_is_declared(audit: Audit) -> Found:
    """Deleting a parent does to its children what is declared, leaves no orphan, and takes nothing else along.

    why: what a cascade takes is seen only afterwards, and what a trigger takes stands in no constraint
    requirement: DI2
    severity: critical
    needs: relations
    key: relation, problem
    show: relation, problem, declared, found, table
    explains: orphans
    remedy: correct the delete rule, or the trigger that takes more; then rehearse again
    """
    found, names = tried_constraints(audit), links(audit)
    decided = [one for one in found.rehearsals if one.fate != "not tried"]
    rows: list[Row] = []
    for one in decided:
        about = {"relation": names.get(one.link, one.link.name), "declared": one.link.on_delete, "found": one.fate}
        if one.is_as_declared is False:
            rows.append({**about, "problem": "the children fare otherwise", "table": one.link.child})
        if one.left and one.fate != "refused":
            rows.append({**about, "problem": "orphans are left", "table": one.link.child})
        rows += [{**about, "problem": "more is taken along", "table": table} for table in one.too_much]
    untold = [f"{one.link.name}: {one.reason}" for one in found.rehearsals if one.fate == "not tried"]
    return _judged(found, rows, len(decided), len(found.rehearsals), untold)


def tenants_cannot_be_broken_into(audit: Audit) -> Found:
    """The application's role neither sees nor changes another tenant's rows, whatever its settings.

    why: a policy is read as its author meant it; what it lets through is known by trying
    requirement: DI4
    severity: critical
    needs: tenancy.role
    key: table, attempt, state
    show: table, attempt, state
    explains: children_share_the_tenancy, references_stay_within_the_tenant
    remedy: let every policy name every setting of the tenancy, with nullif for an empty one, in USING and WITH CHECK
    """
    found = tried_tenants(audit)
    names = constraints(audit).names
    resources = {".".join(names[oid]): first for oid, (first, *_) in resources_of(audit).items() if oid in names}
    decided = [one for one in found.intrusions if one.outcome != "not tried"]
    rows: list[Row] = [
        {"resource": resources.get(one.table, ""), "table": one.table, "attempt": one.attempt, "state": one.state}
        for one in decided
        if one.outcome == "let in"
    ]
    untold = [f"{one.table}, {one.attempt}: {one.reason}" for one in found.intrusions if one.outcome == "not tried"]
    return _judged(found, rows, len(decided), len(found.intrusions), untold)


def _attacked(found: Tried) -> Found:
    """Return the constraints that let in what they forbid."""
    decided = [one for one in found.attacks if one.is_decided]
    rows: list[Row] = [
        {"table": one.table, "constraint": one.constraint, "kind": one.kind, "outcome": one.outcome,
         "statement": one.statement}
        for one in decided
        if one.outcome != "refused"
    ]  # fmt: skip
    untold = [f"{one.table}.{one.constraint}: {one.reason}" for one in found.attacks if not one.is_decided]
    return _judged(found, rows, len(decided), len(found.attacks), untold)


def _judged(found: Tried, rows: list[Row], decided: int, of: int, untold: list[str]) -> Found:
    """Return the rows; what could not be tried is said, and where it leaves half or less, nothing is proven."""
    reason = found.problem
    if not reason and not rows and decided <= of / 2:  # the little that was tried stands for nothing
        tried = f"{decided} of {of} could be tried" if decided else "nothing could be tried"
        reason = f"{tried}: " + "; ".join(untold[:3] or ["no such"])
    judged = frames(rows, [{"examined": decided, "reason": reason}])
    said = [f"{plural(of - decided, 'attempt')} of {of} could not be decided"] if decided < of else []
    judged[1].attrs["limits"] = [*said, *untold[:MOST_SAID], *found.left_out[:MOST_SAID]]
    return judged
