"""datacontract-cli: a contract in the Open Data Contract Standard, with SQL for what the standard has no word for."""

from __future__ import annotations

import logging
import os
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.faults.rivals.declared import Rule
from tests.faults.rivals.looking import Look
from tests.faults.rivals.sql_tests import query_of


def datacontract_cli(look: Look) -> list[str]:
    """Test the contract as `datacontract test` does."""
    from datacontract.data_contract import DataContract

    logging.getLogger("datacontract").setLevel(logging.CRITICAL)
    parts = urlsplit(look.url)
    os.environ["DATACONTRACT_POSTGRES_USERNAME"] = unquote(parts.username or "")
    os.environ["DATACONTRACT_POSTGRES_PASSWORD"] = unquote(parts.password or "")
    run = DataContract(data_contract_str=_contract(look)).test()
    wrong = [
        f"{check.model} {check.field or ''} {check.name}" for check in run.checks or [] if check.result not in _GREEN
    ]
    return wrong + look.export.refused


_GREEN = ("passed",)


def _contract(look: Look) -> str:
    import yaml

    parts = urlsplit(look.url)
    server = {
        "server": "clone",
        "type": "postgres",
        "host": parts.hostname,
        "port": parts.port,
        "database": parts.path.lstrip("/"),
        "schema": "public",
    }
    tables = sorted({rule.table for rule in look.rules})
    return yaml.safe_dump(
        {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": "storefront",
            "name": "storefront",
            "version": "1.0.0",
            "status": "active",
            "servers": [server],
            "schema": [_table(table, [rule for rule in look.rules if rule.table == table]) for table in tables],
        },
        sort_keys=False,
    )


def _table(table: str, rules: list[Rule]) -> dict[str, Any]:
    (types,) = [rule for rule in rules if rule.kind == "types"]
    named = zip(types.columns, types.values, strict=True)
    columns: dict[str, dict[str, Any]] = {name: {"name": name, "physicalType": kind} for name, kind in named}
    quality = [_by_query(rule) for rule in rules if rule is not types and not _of_column(columns, rule)]
    whole = {"name": table, "physicalName": table, "physicalType": "table", "properties": list(columns.values())}
    return {**whole, **({"quality": quality} if quality else {})}


def _of_column(columns: dict[str, dict[str, Any]], rule: Rule) -> bool:
    """Say a rule at its column, where the standard has a word for it; False where it has none."""
    column = columns.get(rule.columns[0] if len(rule.columns) == 1 else "", {})
    if rule.kind == "not_null":
        column["required"] = True
    elif rule.kind == "relation":
        column["relationships"] = [{"type": "foreignKey", "to": ".".join(rule.parent)}]
    elif rule.kind == "unique" and not rule.where and len(rule.columns) == 1:
        column["unique"] = True
    elif rule.kind == "accepted":
        column["quality"] = [_valid(rule)]
    else:
        return False
    return True


def _valid(rule: Rule) -> dict[str, Any]:
    values = {"validValues": list(rule.values)}
    return {"type": "library", "metric": "invalidValues", "arguments": values, "mustBe": 0}


def _by_query(rule: Rule) -> dict[str, Any]:
    query = f"select count(*) from ({query_of(rule)}) as wrong"
    return {"type": "sql", "name": rule.name, "description": rule.name, "query": query, "mustBe": 0}
