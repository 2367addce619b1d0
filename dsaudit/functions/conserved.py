"""Counts at each hop of an import: as they are stored, and as one that is pushed through shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dsaudit.facts.conserved import chains, counted
from dsaudit.functions import Found, Row, frames
from dsaudit.pushing import pushed
from dsaudit.verdict.card import plural

if TYPE_CHECKING:
    from dsaudit.audit import Audit

NOT_DONE = "the run that is replayed did not do it"


def counts_are_conserved(audit: Audit) -> Found:
    """At each hop as many rows are there as its parent says, and as there were at the hop before.

    why: a pipeline that drops a record between two tables reports no error, and what it brought looks complete
    requirement: DI10
    severity: high
    scope: tenant
    needs: conserved
    key: source_id, hop
    show: resource, hop, counted, told_by, rows, lost
    remedy: look for the first hop that differs; import the records that are missing there again, or count anew where
      the number alone is wrong
    """
    rows: list[Row] = []
    examined = dict.fromkeys(audit.parameters.tenant_names, 0)
    under_way = dict.fromkeys(audit.parameters.tenant_names, 0)
    for chain in chains(audit):
        for one in counted(audit, chain):
            if not one.is_settled:
                under_way[one.tenant] += 1
                continue
            examined[one.tenant] += 1
            whose = {"tenant": one.tenant, "source_id": one.source_id, "row_id": one.row_id}
            for hop in one.hops:
                if hop.differs:
                    told = {"counted": hop.told, "told_by": hop.told_by, "rows": hop.rows}
                    lost = (hop.told or 0) - hop.rows
                    rows.append({**whose, "resource": hop.resource, "hop": hop.hop, **told, "lost": lost})
    waiting = sum(under_way.values())
    lines: list[Row] = [{"tenant": name, "examined": number} for name, number in examined.items()]
    for line in lines:
        if not line["examined"] and under_way[line["tenant"]]:
            line["reason"] = f"all {under_way[line['tenant']]} are still under way"
    found, looked = frames(rows, lines)
    if waiting:
        looked.attrs["limits"] = [f"{plural(waiting, 'parent')} still under way, and so not judged"]
    return found, looked


def pushed_import_arrives(audit: Audit) -> Found:
    """An import that is pushed through has all its rows at each hop, and its numbers say so.

    why: what is stored tells of the imports that were; one that is made while somebody looks shows what the pipeline
      does now
    requirement: DI10
    severity: critical
    needs: push, apis, conserved
    instant: now
    acts: it asks the API for an import, and takes it away again
    key: hop
    show: hop, wanted, rows, counted, problem, seconds, waited_seconds
    explains: pushed_rows_are_linked
    remedy: mend the first hop that differs, the others wait for it; then run it again
    """
    seen = pushed(audit)
    if seen and seen["failed"]:
        return _limited([{"hop": "asked for", "problem": seen["problem"]}], {"examined": 1}, seen)
    if why := _why_unknown(seen):
        return frames([], [{"examined": 0, "reason": why}])
    assert seen
    rows = [{**hop, "waited_seconds": seen["waited"]} for hop in seen["hops"] if not hop["is_right"]]
    line: Row = {"examined": len(seen["hops"]), "value": seen["seconds"], "unit": "s, until all had come"}
    return _limited(rows, line if seen["seconds"] is not None else {"examined": line["examined"]}, seen)


def pushed_rows_have_their_tenant(audit: Audit) -> Found:
    """Every row of the import belongs to the tenant that it was pushed for, by each column that tells it.

    why: a row that is written under another engagement is out of sight for its owner, and in sight of somebody else
    requirement: DI10, DI4
    severity: critical
    needs: push, apis, conserved, tenancy
    instant: now
    acts: it asks the API for an import, and takes it away again
    key: resource, source_id, column
    show: resource, column, problem
    remedy: take the tenant of every row from the request, and let a policy refuse any other
    """
    return _of_rows(audit, "foreign")


def pushed_rows_are_linked(audit: Audit) -> Found:
    """Every row of the import has its parent, by each declared relation, and among what came with it.

    why: a link that the pipeline forgets is allowed to be empty, and so refused by nothing
    requirement: DI10, DI1
    severity: high
    needs: push, apis, conserved
    instant: now
    acts: it asks the API for an import, and takes it away again
    key: resource, source_id, relation
    show: resource, relation, problem
    remedy: let the pipeline hand each parent's id on to the next hop
    """
    return _of_rows(audit, "unlinked")


def pushed_import_brings_nothing_else(audit: Audit) -> Found:
    """Beside the rows of the import none appears and none goes, neither when it comes nor when it is taken away.

    why: rows that hang on nothing are found by no list, and deleted with nothing
    requirement: DI10
    severity: high
    needs: push, apis, conserved
    instant: now
    acts: it asks the API for an import, and takes it away again
    key: resource, source_id, problem
    show: resource, problem
    remedy: see what else writes to these tables; where nothing does, let one transaction do the whole import
    """
    return _of_rows(audit, "strays", even_if_refused=True)


def pushed_import_is_removed(audit: Audit) -> Found:
    """When the import is taken away again, all that came with it is gone.

    why: what an import leaves behind is counted, listed and billed, and belongs to nothing
    requirement: DI10, DI2
    severity: high
    needs: push, apis, conserved
    instant: now
    acts: it asks the API for an import, and takes it away again
    key: resource, source_id
    show: resource
    remedy: delete these rows by hand; let the deletion of an import reach all that came of it
    """
    seen = pushed(audit)
    if why := _why_unknown(seen):
        return frames([], [{"examined": 0, "reason": why}])
    assert seen
    why = None if seen["is_checked"] else seen["left"] or "what is left of it could not be looked for"
    found, examined = _limited(seen["remaining"], {"examined": seen["rows"], "reason": why}, seen)
    examined.attrs["limits"] = [*seen["told"], *([seen["left"]] if seen["left"] and not why else [])]
    return found, examined


def _of_rows(audit: Audit, what: str, even_if_refused: bool = False) -> Found:
    """Return what was seen to be wrong with rows."""
    seen = pushed(audit)
    why = _why_unknown(seen)
    if seen is None or (why and not (even_if_refused and seen[what])):
        return frames([], [{"examined": 0, "reason": why}])
    return _limited(seen[what], {"examined": seen["rows"]}, seen)


def _limited(rows: list[Any], line: Row, seen: dict[str, Any]) -> Found:
    found, examined = frames(rows, [line])
    examined.attrs["limits"] = seen["told"]
    return found, examined


def _why_unknown(seen: dict[str, Any] | None) -> str | None:
    """Return why nothing can be said of what was pushed, or None."""
    return NOT_DONE if seen is None else seen["problem"]
