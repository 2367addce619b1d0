"""The declared relations, held against the foreign keys, indexes and columns of the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from psycopg import sql

from dsaudit.facts.relations import Known, bare, known, resources_of, tenancy_pairs
from dsaudit.facts.schema.constraints import ForeignKey, constraints
from dsaudit.functions import Found, Row, frames
from dsaudit.verdict.card import plural

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def relations_are_foreign_keys(audit: Audit) -> Found:
    """Every relation with a delete rule is a foreign key, on just its columns.

    why: an order that the code alone keeps is broken by the first script, import or hotfix that goes around it
    requirement: DI1
    severity: high
    scope: relation
    having: on_delete
    key: relation
    show: problem, instead, statement
    explains: orphans, parents_count_their_children, deletes_do_what_is_declared
    remedy: mend the orphans, then run the statement that the table shows
    """
    return _judged(audit, lambda one: [] if one.at_work else [_lacking(audit, one)], "on_delete")


def delete_rules_are_declared(audit: Audit) -> Found:
    """Every foreign key does with the children of a deleted parent what the file says.

    why: one that cascades too far deletes what was to stay, one that sets null leaves rows that nobody finds again, and
      one that refuses stops the deletion of a customer's data
    requirement: DI2
    severity: high
    scope: relation
    having: on_delete
    key: relation, name
    show: declared, found, name, statement
    explains: enough_children_are_linked, children_of_deleted_parents, deletes_do_what_is_declared
    remedy: run the statement that the table shows, or correct `on_delete` in the parameter file
    """
    return _judged(audit, _wrong_rules, "on_delete", lambda one: None if one.at_work else "there is no foreign key")


def required_references_are_not_null(audit: Audit) -> Found:
    """Every reference that no row may lack is NOT NULL.

    why: an empty reference passes every foreign key
    requirement: DI1
    severity: high
    scope: relation
    having: required
    key: relation
    show: column, statement
    explains: orphans
    remedy: fill the empty references, then run the statement that the table shows
    """

    def nullable(one: Known) -> list[Row]:
        column = one.pair[0]
        if (one.child.oid, column) in constraints(audit).filled:
            return []
        statement = sql.SQL("alter table {} alter column {} set not null")
        return [{"column": column, "statement": _filled(statement, _table(one), sql.Identifier(column))}]

    return _judged(audit, nullable, "required")


def references_are_indexed(audit: Audit) -> Found:
    """An index finds the children of a parent.

    why: without it each deletion of a parent, and each look at its children, reads the whole table of the children, and
      the deletion holds its locks as long
    requirement: DI6
    severity: high
    scope: relation
    key: relation
    show: column, statement
    explains: queries_use_an_index, queries_within_budget, queries_grow_gently
    remedy: run the statement that the table shows, outside of a transaction
    """

    def unindexed(one: Known) -> list[Row]:
        # A foreign key that has the tenant's columns too asks by all of them.
        beside = {column for key in one.keys for column, _ in key.pairs}
        if constraints(audit).finds(one.child.oid, one.pair[0], beside):
            return []
        is_partitioned = constraints(audit).kinds[one.child.oid] == "p"
        how = sql.SQL("create index on {} ({})" if is_partitioned else "create index concurrently on {} ({})")
        return [{"column": one.pair[0], "statement": _filled(how, _table(one), sql.Identifier(one.pair[0]))}]

    return _judged(audit, unindexed)


def foreign_keys_are_declared(audit: Audit) -> Found:
    """Every foreign key between audited tables is a relation of the file.

    why: what the file does not name is judged by no check
    requirement: DI11
    severity: low
    needs: resources
    key: foreign_key, table
    show: foreign_key, table, declare
    remedy: declare it under `relations`, as the table shows
    """
    tables, facts = resources_of(audit), constraints(audit)
    keys = [one for one in facts.foreign_keys if {one.child, one.parent} <= set(tables) and not one.is_inherited]
    declared = {(one.child.oid, one.parent.oid, one.pair) for _, one, _ in known(audit) if one}
    rows, wide = [], []
    for key in keys:
        child, parent = tables[key.child][0], tables[key.parent][0]
        pairs = bare(key, tenancy_pairs(audit, child, parent))
        if len(pairs) > 1:
            wide.append(key.name)
        elif (key.child, key.parent, pairs[0]) not in declared:
            declare = _declaration(child, parent, pairs[0], key, facts.filled)
            rows.append({"foreign_key": key.name, "table": facts.names[key.child][1], "declare": declare})
    reason = None if keys else "the database has no foreign key between the tables of the file"
    found, examined = frames(rows, [{"examined": len(keys) - len(wide), "reason": reason}])
    if wide:
        told = f"{plural(len(wide), 'foreign key')} of several columns cannot be declared: {', '.join(wide)}"
        examined.attrs["limits"] = [told]
    return found, examined


def _declaration(child: str, parent: str, pair: tuple[str, str], key: ForeignKey, filled: Any) -> str:
    nullable = "" if (key.child, pair[0]) in filled else ", nullable: true"
    return f"{{child: {child}.{pair[0]}, parent: {parent}.{pair[1]}{nullable}, on_delete: {key.rule}}}"


def _judged(
    audit: Audit,
    wrong: Callable[[Known], Iterable[Row]],
    having: str = "name",
    unknown: Callable[[Known], str | None] = lambda one: None,
) -> Found:
    """Return what is wrong with each relation, or with each that has something, or why it cannot be told."""
    rows: list[Row] = []
    examined: list[Row] = []
    for relation, one, why in known(audit):
        if not getattr(relation, having):
            continue
        why = why or (unknown(one) if one else None)
        if one and not why:
            rows += [{"relation": relation.name, **row} for row in wrong(one)]
        examined.append({"relation": relation.name, "examined": 0 if why else 1, "reason": why})
    return frames(rows, examined)


def _lacking(audit: Audit, one: Known) -> Row:
    """Return the row of a relation that no foreign key holds."""
    asleep = next((key for key in one.keys if key.problem), None)
    if asleep:
        return {"problem": f"{asleep.name}: {asleep.problem}", "instead": asleep.definition, "statement": None}
    problem = "there is no foreign key on its column"
    if one.others:
        problem = "the foreign key on its column leads elsewhere"
    elif not constraints(audit).is_unique(one.parent.oid, [one.pair[1]]):
        problem += ", and no unique constraint on the parent's, which one needs"
    instead = "; ".join(key.definition for key in one.others) or None
    return {"problem": problem, "instead": instead, "statement": _adding(one)}


def _wrong_rules(one: Known) -> Iterator[Row]:
    for key in one.at_work:
        beside = [column for column in key.cleared if column != one.pair[0]]
        found = f"{key.rule} of {', '.join(key.cleared)}" if beside else key.rule
        if found != one.relation.on_delete:
            dropping = sql.SQL("alter table {} drop constraint {}, {}")
            statement = _filled(dropping, _table(one), sql.Identifier(key.name), _added(one, key))
            yield {"declared": one.relation.on_delete, "found": found, "name": key.name, "statement": statement}


def _adding(one: Known) -> str:
    return _filled(sql.SQL("alter table {} {}"), _table(one), _added(one, None))


def _added(one: Known, like: ForeignKey | None) -> sql.Composable:
    """Return the clause that adds the foreign key, on the same columns as the one that it replaces."""
    pairs = like.pairs if like else (one.pair,)
    children, parents = ([sql.Identifier(pair[end]) for pair in pairs] for end in (0, 1))
    rule = (one.relation.on_delete or "no_action").replace("_", " ")
    alone = sql.SQL(" ({})").format(sql.Identifier(one.pair[0])) if len(pairs) > 1 and "set" in rule else sql.SQL("")
    return sql.SQL("add foreign key ({}) references {} ({}) on delete {}{}").format(
        sql.SQL(", ").join(children),
        sql.Identifier(one.parent.schema, one.parent.name),
        sql.SQL(", ").join(parents),
        sql.SQL(rule),  # one of five words
        alone,
    )


def _table(one: Known) -> sql.Identifier:
    return sql.Identifier(one.child.schema, one.child.name)


def _filled(statement: sql.SQL, *parts: sql.Composable) -> str:
    return statement.format(*parts).as_string(None)
