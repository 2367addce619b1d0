"""Tables of what refers to what: as declared, as found, and as it evidently is."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.database import QueryError, RelationMissing
from dsaudit.facts.relations import Known, known, resources_of
from dsaudit.facts.schema.constraints import constraints
from dsaudit.facts.suggested import suggestions
from dsaudit.functions import Row

if TYPE_CHECKING:
    from dsaudit.audit import Audit

COUNTS = """
select count(*) as children, count(p.link) as linked, count(c.link) - count(p.link) as orphans
from {child} as c left join (select distinct link from {parent} as p) as p on p.link = c.link
where not c.deleted
"""


def relationships(audit: Audit) -> pd.DataFrame:
    """Each declared relation: what the file says, what the database has, and how many children have their parent.

    needs: relations
    key: relation
    show: relation, nullable, declared, found, linked_percent
    """
    rows = []
    for relation, one, why in known(audit):
        found = why or (_found(one) if one else "")
        told = {"relation": relation.name, "nullable": "yes" if relation.nullable else "no"}
        rows.append(
            told | {"declared": relation.on_delete or "no rule", "found": found, **_counts(audit, relation.name)}
        )
    return pd.DataFrame(rows, dtype=object)


def _found(one: Known) -> str:
    keys = [key.rule if key.problem is None else f"{key.name}: {key.problem}" for key in one.keys]
    return ", ".join(dict.fromkeys(keys)) or "no foreign key"


def _counts(audit: Audit, relation: str) -> Row:
    try:
        counted = audit.query(COUNTS, {"relation": relation}).iloc[0]
    except (QueryError, RelationMissing):
        return {"children": None, "linked": None, "orphans": None, "linked_percent": None}  # the checks say why
    children, linked, orphans = (int(counted[name]) for name in ("children", "linked", "orphans"))
    percent = f"{100 * linked / children:.1f}" if children else None
    return {"children": children, "linked": linked, "orphans": orphans, "linked_percent": percent}


def foreign_keys_not_in_the_file(audit: Audit) -> pd.DataFrame:
    """The foreign keys of the database that no relation of the file names, those of tables beside it included.

    key: foreign_key
    show: foreign_key, table, definition, audited
    """
    facts, audited = constraints(audit), resources_of(audit)
    named = {id(key) for _, one, _ in known(audit) if one for key in one.keys}
    rows = [
        {
            "foreign_key": key.name,
            "table": ".".join(facts.names[key.child]),
            "definition": key.definition,
            "audited": "both tables" if {key.child, key.parent} <= set(audited) else "not both tables",
        }
        for key in facts.foreign_keys
        if id(key) not in named and not key.is_inherited and key.child in facts.names
    ]
    return pd.DataFrame(rows, dtype=object)


def suggested_relations(audit: Audit) -> pd.DataFrame:
    """Columns that evidently refer to another table, by name, type and sampled values, and that nothing declares.

    needs: resources
    key: child, column
    show: child, column, parent, key
    """
    return pd.DataFrame([asdict(one) for one in suggestions(audit)], dtype=object)
