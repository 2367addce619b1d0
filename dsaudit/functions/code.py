"""Phase 1: is the integration's code there, and is the database where the code's migrations lead?"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql as names

from dsaudit import codebase
from dsaudit.database import RelationMissing
from dsaudit.facts import scopes
from dsaudit.functions import Found, Row, frames

if TYPE_CHECKING:
    from dsaudit.audit import Audit


NAIVE = {"utcnow", "utcfromtimestamp"}
VERSIONS = "alembic_version"  # the table in which Alembic keeps where a database stands


def integration_code_found(audit: Audit) -> Found:
    """The integration's code was read whole, and its sync functions and scopes are in it.

    why: a check that reads code proves nothing about the part that it could not read
    requirement: DS0
    severity: high
    needs: code
    key: what
    show: what, place, problem
    explains: every_resource_has_a_sync_function, required_scopes_requested
    remedy: mend the file, or correct code.folder, code.scopes and code.sync in the parameter file
    """
    assert audit.parameters.code is not None
    settings = audit.parameters.code
    rows: list[Row] = [
        {"what": one.file, "place": f"{one.file}:{one.line}:{one.column}", "problem": one.why}
        for one in audit.code.problems
    ]
    if not codebase.functions(audit.code, settings.sync):
        rows.append({"what": settings.sync, "place": None, "problem": "the code has no sync function of this name"})
    items = scopes.requested(audit)
    if scopes.required(audit.parameters) and not items.items:
        place = items.unresolved[0]
        rows.append({"what": settings.scopes, "place": f"{place.file}:{place.line}", "problem": place.why})
    return frames(rows, [{"examined": len(audit.code.modules) + len(audit.code.problems)}])


def migrations_at_head(audit: Audit) -> Found:
    """The database stands at the one head of the code's migrations.

    why: code that is ahead of its database writes columns that are not there, and one behind it misses new ones
    requirement: DS0
    severity: high
    needs: code.migrations
    key: revision
    show: revision, place, problem
    explains: declared_tables_exist, declared_columns_exist
    remedy: run alembic upgrade head; of two heads make one with alembic merge
    """
    assert audit.parameters.code is not None and audit.parameters.code.migrations is not None
    root = audit.parameters.folder(audit.parameters.code.folder)
    folder = root / audit.parameters.code.migrations
    if not folder.is_dir():
        return frames([], [{"examined": 0, "reason": f"the code has no folder {audit.parameters.code.migrations}"}])
    migrations = codebase.migration_heads(folder, root)
    applied = _applied(audit)
    problems = _revision_problems(migrations, applied)
    places = {one.revision: f"{one.file}:{one.line}" for one in migrations.revisions}
    rows = [
        {"revision": revision, "place": places.get(revision), "problem": "; ".join(told)}
        for revision, told in problems.items()
    ]
    reason = f"not all revisions can be told: {migrations.unresolved[0]}" if migrations.unresolved else None
    return frames([] if reason else rows, [{"examined": len(migrations.revisions), "reason": reason}])


def _applied(audit: Audit) -> list[str]:
    """Return the revisions that the database says it stands at; none where it was never migrated."""
    try:
        table = audit.relations.table(VERSIONS)
    except RelationMissing:
        return []
    name = names.Identifier(table.schema, table.name).as_string(None)
    query = f"select version_num::text as revision from {name} order by 1"
    return [str(one) for one in audit.database.query(query).frame["revision"]]


def _revision_problems(migrations: codebase.Migrations, applied: list[str]) -> dict[str, list[str]]:
    """Return what is wrong, by revision: not applied, not known to the code, or one head of several."""
    follows = {one.revision: one.follows for one in migrations.revisions}
    done: set[str] = set()
    waiting = [*applied]
    while waiting:
        revision = waiting.pop()
        done.add(revision)
        waiting += [one for one in follows.get(revision, ()) if one not in done]
    problems: dict[str, list[str]] = {one: ["not applied to the database"] for one in follows if one not in done}
    for revision in applied:
        if revision not in follows:
            problems.setdefault(revision, []).append("the database stands at it, and the code does not have it")
    if len(migrations.heads) > 1:
        for head in migrations.heads:
            problems.setdefault(head.revision, []).append(f"one of {len(migrations.heads)} heads")
    return dict(sorted(problems.items()))


def clock_is_read_with_its_zone(audit: Audit) -> Found:
    """The code never reads the clock without its zone.

    why: a naive UTC time that meets a column or a server with a zone is taken for local time and moves by hours
    requirement: DS1.2
    severity: low
    needs: code
    key: place
    show: place, call
    remedy: use datetime.now(UTC) and datetime.fromtimestamp(seconds, UTC)
    """
    code = audit.code
    rows = code.once("naive clocks", lambda: [
        {"place": f"{module.file}:{node.lineno}", "call": f"datetime.{node.attr}"}
        for module in code.modules.values()
        for node in _naive_clocks(module.tree)
    ])  # fmt: skip
    problem = audit.code.problems[0] if audit.code.problems else None
    reason = f"not all of the code could be read: {problem}" if problem else None
    return frames(rows, [{"examined": len(code.modules), "reason": reason}])


def _naive_clocks(tree: ast.Module) -> Iterator[ast.Attribute]:
    """Yield each use of datetime's naive clocks, called or handed on as a default."""
    aliases = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "datetime"
        for alias in node.names
        if alias.name == "datetime"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in NAIVE:
            owner = node.value
            by_name = isinstance(owner, ast.Name) and owner.id in aliases
            if by_name or (isinstance(owner, ast.Attribute) and owner.attr == "datetime"):
                yield node
