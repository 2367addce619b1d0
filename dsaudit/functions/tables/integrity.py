"""Tables of the constraints, the row security and the roles of a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.database import RelationMissing
from dsaudit.facts import tenancy
from dsaudit.facts.invariants import checks
from dsaudit.facts.tenancy import Policy, Protection
from dsaudit.functions import Row

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def checks_of_the_tables(audit: Audit) -> pd.DataFrame:
    """The check constraints of the audited tables, those of their columns' domains included.

    needs: resources
    key: resource, name
    show: resource, name, definition, validated
    """
    rows = []
    for resource, declared in audit.parameters.resources.items():
        try:
            found = checks(audit, audit.relations.table(declared.table))
        except RelationMissing:
            continue  # another check says so
        for one in found:
            told = {"resource": resource, "name": one.name, "definition": one.definition}
            rows.append(told | {"validated": "yes" if one.counts else "no"})
    return pd.DataFrame(rows, dtype=object)


def row_security(audit: Audit) -> pd.DataFrame:
    """The row security of each audited table: whether it is on, and its policies.

    needs: resources
    key: resource, policy
    show: resource, table, row_security, policy, commands, using, with_check
    """
    rows = []
    facts = tenancy.protections(audit)
    for resource, declared in audit.parameters.resources.items():
        try:
            one = facts[audit.relations.table(declared.table).oid]
        except RelationMissing:
            continue  # another check says so
        told = {"resource": resource, "table": f"{one.schema}.{one.name}", "row_security": _state(one)}
        rows += [{**told, **_policy(policy)} for policy in one.policies] or [{**told, "policy": "none"}]
    return pd.DataFrame(rows, dtype=object)


def _state(one: Protection) -> str:
    return ("enabled and forced" if one.is_forced else "enabled") if one.is_enabled else "off"


def _policy(one: Policy) -> Row:
    name = one.name if one.is_permissive else f"{one.name} (restrictive)"
    check = None if one.check == one.using else one.check
    return {"policy": name, "commands": ", ".join(one.commands), "using": one.using, "with_check": check}


def application_roles(audit: Audit) -> pd.DataFrame:
    """The roles that the application may connect as, and their ways around row security.

    needs: tenancy.role, resources
    key: role
    show: role, way
    """
    rows = [
        {"role": one.name, "tables": one.uses, "way": "; ".join(one.ways) or "none"} for one in tenancy.roles(audit)
    ]
    return pd.DataFrame(rows, dtype=object)
