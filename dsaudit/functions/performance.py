"""The declared queries: how long they take, by which index they go, how they grow; and updates that run at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsaudit.facts.performance import growth, plans, statements, timing
from dsaudit.facts.performance.timing import Timing
from dsaudit.functions import Found, Row, frames
from dsaudit.parameters.performance import Query
from dsaudit.scratch import Contention

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def queries_within_budget(audit: Audit) -> Found:
    """Each declared query takes no longer than its kind may.

    why: what is slow with today's rows holds up pages and imports, and with tomorrow's it stops them
    requirement: DI6
    severity: high
    scope: query
    needs: performance.queries
    key: query
    expect: query_milliseconds
    show: query, kind, fastest_ms, slowest_ms, told
    remedy: look at what the query reads beside the rows that it returns; add the index that is missing, or ask for less
    """
    rows, examined = [], []
    for query in _queries(audit):
        one = timing.timings(audit)[query.name]
        line, row = _judged(query, one)
        examined.append({"query": query.name, **line})
        rows += [{"query": query.name, "kind": query.kind, **row}] if row else []
    return frames(rows, examined)


def queries_use_an_index(audit: Audit) -> Found:
    """An index serves each declared query, so that none reads a large table for a few rows.

    why: without one the query reads more with every row that is stored, whoever the row belongs to
    requirement: DI6
    severity: high
    scope: query
    needs: performance.queries
    key: query, table
    show: query, table, plan, rows_read, rows_asked_for, condition
    explains: queries_within_budget, queries_grow_gently
    remedy: make an index on the columns of the condition, those that are compared for equality first; an index on an
      expression serves that expression alone
    """
    performance, rows, examined = audit.parameters.performance, list[Row](), list[Row]()
    scan_rows = performance.scan_rows if performance else 0
    for name, found in timing.plans_by_index(audit).items():
        if isinstance(found, str):
            examined.append({"query": name, "examined": 0, "reason": found})
            continue
        examined.append({"query": name, "examined": len(found)})
        read = sorted((one for plan in found for one in plans.reads(plan)), key=lambda one: one.rows)
        wasteful = {one.table: one for one in read if one.is_wasteful(scan_rows)}
        rows += [{"query": name, **_wasted(one)} for one in wasteful.values()]
    return frames(rows, examined)


def queries_grow_gently(audit: Audit) -> Found:
    """No declared query grows faster with its tables than its kind may.

    why: a query that is quick today is slow in a year, if its work grows with the rows; a plan on few rows hides that
    requirement: DI6
    severity: high
    scope: query
    needs: performance.queries
    key: query
    expect: 1
    show: query, kind, rows_handled, milliseconds
    remedy: see at which table the query reads more with each size, and let an index or a limit end it
    """
    rows, examined = [], []
    found = growth.grown(audit)
    for query in _queries(audit):
        power, own = found.power(query.name), [one for one in found.points if one.query == query.name]
        line = {"query": query.name, "examined": len(own), "reason": found.why(query.name)}
        unit = "(power of the tables' size)"
        examined.append({**line, "value": power, "unit": unit, "threshold": query.allowed_power})
        if power is not None and power > query.allowed_power:
            handled = ", ".join(f"{one.handled:.0f} of {one.rows}" for one in own)
            took = ", ".join(f"{one.milliseconds:.1f}" for one in own)
            rows.append({"query": query.name, "kind": query.kind, "rows_handled": handled, "milliseconds": took})
    return frames(rows, examined)


def concurrent_updates_do_not_deadlock(audit: Audit) -> Found:
    """What the application runs at once comes through, and no transaction is broken off for another.

    why: of two that wait for each other one is broken off, and its work is lost unless somebody repeats it
    requirement: DI6
    severity: high
    needs: performance.at_once
    key: updates
    show: updates, problem, times, statement
    remedy: let every transaction take its tables in one order, and its rows too, such as that of their keys
    """
    found, rows, reasons, examined = growth.grown(audit), list[Row](), list[str](), 0
    performance = audit.parameters.performance
    for one in performance.at_once if performance else ():
        if why := found.problem or found.untried.get(one.name):
            reasons.append(f"{one.name}: {why}")
            continue
        contention = found.contentions[one.name]
        examined += contention.sessions * contention.rounds
        own = [{"updates": one.name, **row} for row in _stuck(contention)]
        rows += own
        if not own and not contention.is_clean:
            said = ", ".join(contention.refused) or f"{contention.serialization} could not be serialised"
            reasons.append(f"{one.name}: {said}")
    return frames(rows, [{"examined": examined, "reason": "; ".join(reasons) or None}])


def statements_within_budget(audit: Audit) -> Found:
    """No statement of the application takes longer on average than the declared time.

    why: the slowest statement is often one that nobody thought of declaring
    requirement: DI6
    severity: low
    needs: performance.statement_milliseconds
    key: id
    show: id, statement, calls, mean_ms, longest_ms
    remedy: declare the statement under performance.queries, and see what its plan reads
    """
    found, performance = statements.statements(audit), audit.parameters.performance
    limit = performance.statement_milliseconds if performance else None
    rows = [
        {"id": one.id, "statement": one.statement, "calls": one.calls, "mean_ms": f"{one.mean:.1f}",
         "longest_ms": f"{one.longest:.1f}"}
        for one in found.statements
        if limit is not None and one.mean > limit
    ]  # fmt: skip
    return frames(rows, [{"examined": len(found.statements), "reason": found.problem}])


def _queries(audit: Audit) -> list[Query]:
    return audit.parameters.performance.queries if audit.parameters.performance else []


def _judged(query: Query, one: Timing) -> tuple[Row, Row | None]:
    """Return the line for ``examined``, and the row where even undisturbed the query takes too long."""
    line: Row = {"examined": one.count, "unit": "ms (median)", "threshold": query.budget}
    if one.is_endless:
        return line, {"fastest_ms": None, "slowest_ms": None, "told": "it was ended at database.statement_timeout"}
    if one.problem:
        return {**line, "reason": one.problem}, None
    fastest, slowest = one.span
    line["value"] = round(one.middle, 3)
    if one.undisturbed > query.budget:
        told = f"the first time {one.first:.1f} ms, then {one.middle:.1f} ms (median)"
        return line, {"fastest_ms": f"{fastest:.1f}", "slowest_ms": f"{slowest:.1f}", "told": told}
    if one.middle > query.budget:
        line["reason"] = f"between {fastest:.0f} and {slowest:.0f} ms: the server was busy with something else"
    return line, None


def _wasted(one: plans.Read) -> Row:
    told = "reads the whole table" if one.is_whole else "uses an index, which finds far too much"
    asked = one.asked if one.is_whole else one.kept
    return {
        "table": one.table,
        "plan": told,
        "rows_read": round(one.rows),
        "rows_asked_for": round(asked),
        "condition": one.condition,
    }


def _stuck(contention: Contention) -> list[Row]:
    counted = {"deadlock": contention.deadlocks, "timeout": contention.timeouts}
    kinds = dict(told.split(": ", 1) for told in contention.examples)
    return [{"problem": kind, "times": times, "statement": kinds.get(kind)} for kind, times in counted.items() if times]
