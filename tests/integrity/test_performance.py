"""The declared queries are told by their plans and by how they grow; their times only where those prove something."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest

from dsaudit.facts.performance.timing import Timing, sets
from dsaudit.functions.performance import _judged
from dsaudit.parameters import load
from dsaudit.parameters.performance import Query
from dsaudit.run.preflight.tables import database_ways
from dsaudit.verdict import Status, Verdict
from tests.checks.auditing import all_rows, opened, told, variables, verdicts
from tests.integrity.performance import CHECKS, FIRST, HEAD, SECOND, SECTION, UPDATES, declared
from tests.integrity.system import System

pytestmark = pytest.mark.xdist_group("integrity_performance")

New = Callable[..., System]
INDEX = "assets_discovery_flow_id_name_idx"


@pytest.fixture(scope="module")
def quick(new_module: Callable[..., System]) -> System:
    return declared(new_module())


def scopes(system: System, check: str) -> dict[str, Status]:
    """Return the status of each query."""
    verdict = verdicts(system.parameters, system.environment, [check])[check]
    return {result.scope["query"]: result.status for result in verdict.results}


@pytest.fixture(scope="module")
def judged(quick: System) -> dict[str, Verdict]:
    return verdicts(quick.parameters, quick.environment, CHECKS)


@pytest.mark.parametrize("check", CHECKS)
def test_quick_queries_pass(check: str, judged: dict[str, Verdict]) -> None:
    verdict = judged[check]
    assert verdict.status is Status.PASS, told(verdict)
    assert verdict.examined > 0
    assert "querys" not in told(verdict)


@pytest.mark.parametrize("index", ["", f"create index {INDEX} on assets ((discovery_flow_id::text))"])
def test_a_query_without_an_index_is_named_with_the_table_that_it_reads(index: str, new: New) -> None:
    system = declared(new())
    system.execute(f"drop index {INDEX}", index)
    with opened(system.parameters, system.environment) as audit:
        by_plan, by_growth = audit.check("queries_use_an_index"), audit.check("queries_grow_gently")
        rows, grown = all_rows(audit, by_plan), all_rows(audit, by_growth)
    assert [(row["query"], row["table"], row["plan"]) for row in rows] == [
        ("assets_of_a_flow", "assets", "reads the whole table"),
        ("flows_with_assets", "assets", "reads the whole table"),
    ], told(by_plan)
    assert rows[0]["condition"] == "(discovery_flow_id = …::uuid)"
    assert [row["query"] for row in grown] == ["assets_of_a_flow", "flows_with_assets"], told(by_growth)
    statuses = {result.scope["query"]: result.status for result in by_growth.results}
    assert statuses["no_asset_without_its_flow"] is statuses["records_by_id"] is Status.PASS


def test_an_index_that_finds_far_too_much_is_told(new: New) -> None:
    system = declared(new())
    sql = "select id from public.assets where client_account_id = %(client)s and cpu_cores = 7"
    drawn = "{client: asset.client_account_id}"
    system.edit("  queries:\n", f'  queries:\n    - {{name: seven, sql: "{sql}", drawn: {drawn}}}\n')
    with opened(system.parameters, system.environment) as audit:
        rows = all_rows(audit, audit.check("queries_use_an_index"))
    assert [(row["query"], row["plan"]) for row in rows] == [("seven", "uses an index, which finds far too much")]


def test_updates_that_wait_for_each_other_are_named(new: New) -> None:
    system = declared(new(), HEAD + UPDATES)
    system.edit(f'- ["{FIRST}", "{SECOND}"]\n      drawn', f'- ["{SECOND}", "{FIRST}"]\n      drawn')
    with opened(system.parameters, system.environment) as audit:
        verdict = audit.check("concurrent_updates_do_not_deadlock")
        rows = all_rows(audit, verdict)
    assert {row["updates"] for row in rows} == {"two_imports"}, told(verdict)
    assert "deadlock" in {row["problem"] for row in rows}
    assert all(str(row["statement"]).startswith("update public.assets") for row in rows)


def test_updates_that_cannot_run_prove_nothing(new: New) -> None:
    section = HEAD + UPDATES.replace(f'["{FIRST}", "{SECOND}"]', f'["{FIRST}", "update nowhere set a = 1"]')
    system = declared(new(), section.replace(", second: asset.id", ""))
    verdict = verdicts(system.parameters, system.environment, ["concurrent_updates_do_not_deadlock"])
    (result,) = verdict["concurrent_updates_do_not_deadlock"].results
    assert result.status is Status.INCONCLUSIVE
    assert 'two_imports: relation "nowhere" does not exist' in str(result.reason)


def test_a_deadlock_that_happened_is_counted(new: New) -> None:
    system, both = declared(new()), Barrier(2)

    def update(names: tuple[str, str]) -> str:
        with psycopg.connect(system.owner_url) as connection:
            try:
                for name in names:
                    connection.execute("update assets set name = name || '!' where name = %s", [name])
                    if name == names[0]:
                        both.wait(30)
            except psycopg.errors.DeadlockDetected:
                return "deadlock"
        return "came through"

    with ThreadPoolExecutor() as threads:
        came = sorted(threads.map(update, [("more 1", "more 2"), ("more 2", "more 1")]))
    assert came == ["came through", "deadlock"]
    verdict = verdicts(system.parameters, system.environment, ["no_deadlock_was_counted"])["no_deadlock_was_counted"]
    assert verdict.status is Status.FAIL and verdict.rows[0][1] == 1, told(verdict)


def test_what_is_not_declared_is_not_planned(clean: System) -> None:
    with opened(clean.parameters, clean.environment) as audit:
        for check in (*CHECKS, "statements_within_budget"):
            verdict = audit.check(check)
            assert verdict.status is Status.SKIPPED and "performance" in str(verdict.results[0].reason)
        assert audit.frame("query_growth").empty and audit.frame("declared_queries").empty


def test_queries_on_empty_tables_prove_nothing(new: New) -> None:
    system = new(empty=True)
    with system.parameters.open("a", encoding="utf-8") as file:
        file.write(SECTION)
    for check in ("queries_within_budget", "queries_use_an_index"):
        assert scopes(system, check)["assets_of_a_flow"] is Status.INCONCLUSIVE


def test_a_query_that_is_refused_is_undecided_and_the_others_are_judged(new: New) -> None:
    system = declared(new(), SECTION.replace("public.raw_import_records", "public.no_such_table"))
    for check in ("queries_within_budget", "queries_use_an_index", "queries_grow_gently"):
        found = scopes(system, check)
        assert found.pop("records_by_id") is Status.INCONCLUSIVE
        assert {*found.values()} == {Status.PASS}


def test_statements_are_known_only_where_the_server_counts_them(new: New) -> None:
    system = declared(new(), SECTION + "  statement_milliseconds: 0.00001\n")
    with opened(system.parameters, system.environment) as audit:
        verdict = audit.check("statements_within_budget")
        (row,) = audit.frame("slowest_statements").to_dict("records")
    assert verdict.status is Status.INCONCLUSIVE
    assert "is not installed in this database" in str(verdict.results[0].reason)
    assert row["list"] == "not known" and "is not installed" in row["told"]


def test_statements_of_the_application_are_told_without_their_values(new: New) -> None:
    system = declared(new(), SECTION + "  statement_milliseconds: 0.00001\n")
    if "pg_stat_statements" not in system.one("show shared_preload_libraries"):
        pytest.skip("this server has no pg_stat_statements")
    system.execute("create extension pg_stat_statements", "grant pg_read_all_stats to AUDITOR")
    system.execute("set role APP", "/* who asks */ select name from assets where name = 'a secret'")
    with opened(system.parameters, system.environment) as audit:
        verdict = audit.check("statements_within_budget")
        rows, frame = all_rows(audit, verdict), audit.frame("slowest_statements")
    assert [row["statement"] for row in rows] == ["select name from assets where name = $1"], told(verdict)
    assert set(frame["list"]) == {"most time in all", "slowest on average", "called most often"}
    system.execute("revoke pg_read_all_stats from AUDITOR")
    with opened(system.parameters, system.environment) as audit:
        assert "pg_read_all_stats" in str(audit.check("statements_within_budget").results[0].reason)


@pytest.mark.parametrize(
    ("rounds", "slow", "doubtful"),
    [
        ([[900.0], [1.0], [2.0], [3.0]], False, False),  # only the first time
        ([[1.0], [501.0], [502.0], [900.0]], True, False),
        ([[1.0], [3.0], [600.0], [900.0]], False, True),
        ([[1.0, 1.0, 1.0], [3.0, 600.0, 700.0], [3.0, 610.0, 900.0]], True, False),  # for most of the values
        ([[1.0, 1.0, 1.0], [3.0, 5.0, 700.0], [3.0, 4.0, 900.0]], False, False),
    ],
)
def test_only_what_nothing_disturbed_is_slow(rounds: list[list[float]], slow: bool, doubtful: bool) -> None:
    line, row = _judged(Query(name="one", sql="select 1"), Timing(rounds))
    assert (row is not None, line.get("reason") is not None) == (slow, doubtful)


def test_a_query_that_is_ended_at_the_time_limit_is_slow() -> None:
    line, row = _judged(Query(name="one", sql="select 1"), Timing(problem="statement timeout", is_endless=True))
    assert row is not None and "statement_timeout" in row["told"] and line["threshold"] == 500


def test_values_are_drawn_of_one_row_or_of_as_many_as_a_column_is_drawn(quick: System) -> None:
    with opened(quick.parameters, quick.environment) as audit:
        drawn = {"a": "asset.id", "b": "asset.id", "flow": "asset.discovery_flow_id", "other": "discovery_flow.id"}
        sql = "select from public.assets where id in (%(a)s, %(b)s) and %(flow)s is null and %(other)s is null"
        found = sets(audit, Query.model_validate({"name": "one", "sql": sql, "drawn": drawn}))
        assert len(found) == 5 and all(one["a"] != one["b"] for one in found)
        of = "select count(*) as rows from public.assets where id = %(a)s and discovery_flow_id = %(flow)s"
        assert all(audit.database.query(of, {"a": one["a"], "flow": one["flow"]}).rows == [(1,)] for one in found)
        many = {"name": "many", "kind": "batch", "size": 7, "sql": "select %(ids)s", "drawn": {"ids": "asset.id"}}
        assert [len(one["ids"]) for one in sets(audit, Query.model_validate(many))] == [7] * 5
        audit.kept.clear()
        again = sets(audit, Query.model_validate({"name": "one", "sql": sql, "drawn": drawn}))
    assert again == found


def preflight(system: System) -> list[str]:
    with variables(system.environment):
        return [line.words for line in database_ways(load(system.parameters)) if line.way == "performance"]


def test_queries_that_can_be_planned_are_counted(quick: System) -> None:
    assert preflight(quick) == ["5 queries can be planned"]


@pytest.mark.parametrize(
    ("old", "new_text", "place", "problem"),
    [
        ("from public.assets where disc", "from public.asets where disc", ":37:", '"public.asets" does not exist'),
        ("from public.assets where disc", "from assets where disc", ":37:", "named with its schema, such as public."),
        ("asset.discovery_flow_id}", "asset.flow_id}", ":37:", "the table public.assets has no column flow_id"),
    ],
)
def test_a_query_that_cannot_be_asked_is_told_with_its_place(
    old: str, new_text: str, place: str, problem: str, new: New
) -> None:
    system = new()
    with system.parameters.open("a", encoding="utf-8") as file:
        file.write(SECTION)
    system.edit(old, new_text)
    (line,) = preflight(system)
    assert f"small-discovery.yml{place}" in line and problem in line


def test_the_tables_of_the_notebook_tell_times_and_growth(quick: System) -> None:
    with opened(quick.parameters, quick.environment) as audit:
        taken = {row["query"]: row for row in audit.frame("declared_queries").to_dict("records")}
        grown = audit.frame("query_growth")
        assert audit.table("declared_queries")._repr_mimebundle_()
    assert taken["records_by_id"]["rows"] == 20
    of_tenant = grown[grown["query"] == "assets_by_type"]  # one tenant has all rows of the copy
    assert [*of_tenant["rows"]] == [200, 800, 3200] and all(of_tenant["handled"] >= of_tenant["rows"])
