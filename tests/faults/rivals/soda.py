"""Soda Core: a contract for each table, its own checks wherever it has one, and its failed rows by SQL for others."""

from __future__ import annotations

import logging
import os
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from tests.faults.rivals.declared import Rule
from tests.faults.rivals.looking import Look
from tests.faults.rivals.sql_tests import query_of


def soda_core(look: Look) -> list[str]:
    """Verify all contracts in one session, as `soda contract verify` does of one."""
    os.environ.setdefault("SODA_CORE_TELEMETRY_ENABLED", "false")
    from soda_core.common.yaml import ContractYamlSource, DataSourceYamlSource
    from soda_core.contracts.contract_verification import ContractVerificationSession

    logging.getLogger("soda").setLevel(logging.CRITICAL)
    database = urlsplit(look.url).path.lstrip("/")
    tables = sorted({rule.table for rule in look.rules})
    contracts = [_contract(database, table, [rule for rule in look.rules if rule.table == table]) for table in tables]
    told = ContractVerificationSession.execute(
        [ContractYamlSource.from_str(one) for one in contracts],
        data_source_yaml_sources=[DataSourceYamlSource.from_str(_data_source(look.url))],
    )
    found = [f"error: {one}" for one in told.get_errors()]
    for each in told.contract_verification_results:
        found += [f"{each.contract.dataset_name} {one.check.name}" for one in each.check_results if not one.is_passed]
    return found + look.export.refused


def _data_source(url: str) -> str:
    parts = urlsplit(url)
    connection = {
        "host": parts.hostname,
        "port": parts.port,
        "database": parts.path.lstrip("/"),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
    }
    return yaml.safe_dump({"type": "postgres", "name": "clone", "connection": connection})


def _contract(database: str, table: str, rules: list[Rule]) -> str:
    (types,) = [rule for rule in rules if rule.kind == "types"]
    named = zip(types.columns, types.values, strict=True)
    columns = {name: {"name": name, "data_type": _type(kind), "checks": []} for name, kind in named}
    checks: list[dict[str, Any]] = [{"schema": {"allow_extra_columns": True}}]
    for place, rule in enumerate(rules):
        if rule is not types:
            is_of_column = rule.kind in ("not_null", "accepted", "relation")
            to: Any = columns[rule.columns[0]]["checks"] if is_of_column else checks
            to.append(_check(database, rule, str(place)))
    listed = [{name: value for name, value in column.items() if value} for column in columns.values()]
    return yaml.safe_dump({"dataset": f"clone/{database}/public/{table}", "columns": listed, "checks": checks})


def _type(kind: str) -> str:
    """A column's type without its size; none of an array, whose type its schema check reads otherwise."""
    return "" if kind.endswith("[]") else kind.partition("(")[0]


def _check(database: str, rule: Rule, place: str) -> dict[str, Any]:
    more = {"name": rule.name, "qualifier": place}
    narrowed = {"filter": rule.where} if rule.where else {}
    if rule.kind == "not_null":
        return {"missing": more}
    if rule.kind == "accepted":
        return {"invalid": {"valid_values": list(rule.values), **more}}
    if rule.kind == "relation":
        table, column = rule.parent
        reference = {"dataset": f"clone/{database}/public/{table}", "column": column}
        return {"invalid": {"valid_reference_data": reference, **more}}
    if rule.kind == "unique":
        known = [f"{column} is not null" for column in rule.columns]  # it takes two nulls for the same
        where = " and ".join([*known, *narrowed.values()])
        return {"duplicate": {"columns": list(rule.columns), "filter": where, **more}}
    if rule.kind == "count":
        return {"row_count": {"threshold": {"must_be": rule.rows}, **narrowed, **more}}
    return {"failed_rows": {"query": query_of(rule), **more}}
