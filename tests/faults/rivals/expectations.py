"""Great Expectations: its own expectation for each rule that it has one for, and its SQL expectation for others."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from typing import Any

from tests.faults.rivals.declared import Rule
from tests.faults.rivals.looking import Look
from tests.faults.rivals.sql_tests import query_of


def great_expectations(look: Look) -> list[str]:
    """Validate a suite for each table in a context that is kept in memory."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        import great_expectations as gx

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        url = look.url.replace("postgresql:", "postgresql+psycopg2:")
        source = context.data_sources.add_postgres("clone", connection_string=url)
        found: list[str] = []
        for table in sorted({rule.table for rule in look.rules}):
            found += _of_table(gx, source, table, [rule for rule in look.rules if rule.table == table])
    return found + look.export.refused


def _of_table(gx: Any, source: Any, table: str, rules: list[Rule]) -> list[str]:
    try:
        batch = source.add_table_asset(table, table_name=table).add_batch_definition_whole_table(table).get_batch()
    except Exception as error:  # whatever it ends with, its user sees it
        return [f"{table}: {type(error).__name__}"]
    suite = gx.ExpectationSuite(table, expectations=[_expectation(gx.expectations, rule) for rule in rules])
    return [one.expectation_config.meta["rule"] for one in batch.validate(suite).results if not one.success]


def _expectation(named: Any, rule: Rule) -> Any:
    """The types go by SQL: the expectation of a column's type does not know numeric(20,4) from numeric."""
    more = {"meta": {"rule": rule.name}}
    if rule.kind == "not_null":
        return named.ExpectColumnValuesToNotBeNull(column=rule.columns[0], **more)
    if rule.kind == "empty":
        return named.ExpectColumnValuesToBeNull(column=rule.columns[0], **more)
    if rule.kind == "accepted":
        return named.ExpectColumnValuesToBeInSet(column=rule.columns[0], value_set=list(rule.values), **more)
    if rule.kind == "unique" and not rule.where:
        rows = {"ignore_row_if": "any_value_is_missing"}
        return named.ExpectCompoundColumnsToBeUnique(column_list=list(rule.columns), **rows, **more)
    return named.UnexpectedRowsExpectation(unexpected_rows_query=query_of(rule), description=rule.name, **more)
