"""Leaves out what is, row by row, as on clean data: nothing else than there could be said of it."""

from __future__ import annotations

from dataclasses import replace

from tests.faults.rivals.looking import Look


def of_rules(now: Look, clean: Look) -> Look:
    """The tables that are not as on clean data, or whose rules or parents are not; the parents without relations."""
    known = set(clean.rules)
    changed = {table for table, hashed in now.contents.items() if hashed != clean.contents.get(table)}
    touched = {rule.table for rule in now.rules if {rule.table, rule.parent[0]} & changed or rule not in known}
    parents = {rule.parent[0] for rule in now.rules if rule.table in touched} - touched
    rules = [one for one in now.rules if one.table in touched or (one.table in parents and one.kind != "relation")]
    return replace(now, rules=rules)


def of_pairs(now: Look, clean: Look) -> Look:
    """The resources of which either side is not as on clean data."""
    changed = {
        name: resource
        for name, resource in now.parameters.resources.items()
        if now.contents[resource.table] != clean.contents[resource.table]
        or now.export.rows[name] != clean.export.rows[name]
    }
    return replace(now, parameters=now.parameters.model_copy(update={"resources": changed}))
