"""An audit of some resources and tenants: the same verdicts for them, nothing of the others, and the report says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dsaudit import checks, source
from dsaudit.cli import main
from dsaudit.parameters import ParameterError, Part, PartError, load, narrowed
from dsaudit.parameters.part import since_text
from dsaudit.report.telling import headline
from dsaudit.source import SourceError, replay
from dsaudit.verdict import Status
from tests.checks.auditing import all_rows, variables
from tests.parts.shop import NEW, OLD, SINCE, Shop, keys
from tests.parts.test_since import EXTRA, FIELDS, RAW, REFINED


@pytest.fixture
def filled(shop: Shop) -> Shop:
    for key in range(1, 5):
        shop.put(key, OLD if key % 2 else NEW)
        shop.put(100 + key, tenant="B")
        shop.customer(key)
        shop.customer(200 + key, tenant="B")
    return shop


def test_only_the_resources_asked_for_are_read_and_judged(filled: Shop) -> None:
    filled.execute("update customers set name = 'x' where customer_id = 2")
    filled.execute("update orders set total = 9 where order_id = 2")
    with filled.opened(resources=["order"]) as audit:
        assert keys(audit, FIELDS) == {"2"}
        assert {one.scope["resource"] for one in audit.verdicts[-1].results} == {"order"}
    assert not any("customer" in one for one in filled.asked)
    with filled.opened(resources=["customer"]) as audit:
        assert keys(audit, FIELDS) == {"2"} and keys(audit, EXTRA) == keys(audit, REFINED) == set()


def test_a_nested_resource_comes_with_the_one_that_it_stands_in(filled: Shop) -> None:
    filled.execute("update lines set title = 'x' where line_id = 300")
    with filled.opened(resources=["line"]) as audit:
        assert list(audit.parameters.resources) == ["order", "line"]
        assert keys(audit, FIELDS) == {"300"}
        assert audit.check("orphans").status is Status.PASS
        assert audit.parameters.part.words == "order and line"


def test_a_relation_is_judged_if_both_of_its_ends_are_in_the_part(filled: Shop) -> None:
    with filled.opened(resources=["order"]) as audit:
        (result,) = audit.check("orphans").results
        assert (result.status, result.reason) == (Status.SKIPPED, "not part of this narrowed run")


def test_only_the_tenants_asked_for_are_read_and_judged(filled: Shop) -> None:
    filled.execute("update orders set total = 9 where order_id in (2, 102)")
    filled.execute("insert into orders (tenant_id, order_id, total) values ('B', 999, 1)")
    with filled.opened(tenants=["acme"]) as audit:
        assert keys(audit, FIELDS) == {"2"} and keys(audit, EXTRA) == set()
        assert keys(audit, "raw_missing_in_refined") == set()
        assert {one.scope["tenant"] for verdict in audit.verdicts for one in verdict.results} == {"acme"}
    assert not any(one.startswith("/borealis") for one in filled.asked)


@pytest.mark.parametrize(
    ("part", "cause"),
    [({}, "WRONG_TENANT"), ({"tenants": ["acme"]}, "UNEXPLAINED"), ({"since": SINCE}, "UNEXPLAINED")],
)
def test_of_a_part_no_cause_is_given_that_the_rest_may_refute(part: Any, cause: str, filled: Shop) -> None:
    filled.execute("update raw set tenant_id = 'B' where object_type = 'order' and source_id = '2'")
    filled.execute("delete from lines where line_id = 200")
    filled.execute("delete from orders where order_id = 2")
    with filled.opened(**part) as audit:
        assert keys(audit, RAW) == {"2"}
        assert {row["cause"] for row in all_rows(audit, audit.verdicts[-1])} == {cause}


def test_all_of_them_can_be_combined(filled: Shop) -> None:
    filled.execute("update orders set total = 9 where order_id in (1, 2, 102)")  # of which 1 is old
    filled.execute("update customers set name = 'x'")
    with filled.opened(resources=["order"], tenants=["acme"], since=SINCE) as audit:
        assert keys(audit, FIELDS) == {"2"}
        assert audit.parameters.part.words == "order of acme, since 2026-11-10"
        told = audit.summary(good="HEALTHY", bad="NOT HEALTHY").headline
        assert told.startswith("NOT HEALTHY, for a part only (order of acme, since 2026-11-10): ")


def test_what_speaks_of_the_whole_is_skipped(filled: Shop) -> None:
    parameters = load(filled.file())
    run: dict[str, set[str]] = {}
    parts = {"resource": Part(("order",)), "tenant": Part(tenants=("acme",)), "sample": Part(sample=5)}
    for name, part in parts.items():
        of_part = narrowed(parameters, part)
        plans = [checks.plan_check(one, of_part) for one in checks.all_checks().values()]
        run[name] = {one.check.name for one in plans if not one.skipped}
    assert "null_keys" not in run["resource"] | run["tenant"] | run["sample"]
    assert {RAW, REFINED, EXTRA, FIELDS} <= run["resource"] & run["tenant"] & run["sample"]
    assert "duplicate_source_ids" in run["resource"] - run["sample"]
    assert "null_source_ids" in run["tenant"] - run["sample"], "a row without an id is in no part by record"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--resource", "ordr"], "--resource ordr: the parameter file has no such resource; did you mean order?"),
        (["--tenant", "akme"], "--tenant akme: the parameter file has no such tenant; did you mean acme?"),
        (["--since", "1999"], "--since 1999: written as a day such as 2026-11-01, an instant, or 7d, 36h, 90m"),
        (["--since", "2999-01-01"], "--since 2999-01-01: this is in the future; nothing has changed since then"),
        (["--since", "7d", "--sample", "5"], "--since and --sample are two ways of choosing records: give one of them"),
    ],
)
def test_a_mistake_is_told_in_one_line(options: list[str], told: str, shop: Shop) -> None:
    for command in ("run", "check"):
        done = CliRunner().invoke(main, [command, str(shop.file()), *options])
        assert (done.exit_code, done.output.strip()) == (3, told)


def test_a_part_by_record_needs_a_source(shop: Shop) -> None:
    path = shop.file()
    parameters = load(path)
    with pytest.raises(PartError, match="the parameter file names none"):
        narrowed(parameters.model_copy(update={"source": None}), Part(sample=5))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("ids={ids}", "ids=all", "ids: the path has to hold {ids}"),
        ("since: updated_at_min", "since: created=now", "since: the value has to hold {since} or {epoch}"),
        ("key: customer_id,", "key: customer_id, bulk: Customer,", "bulk: only a file can be a bulk export"),
        ("key: order_id,", "key: order_id, id_from: [a, b],", "ids: a record that has several ids cannot be asked for"),
    ],
)
def test_a_way_of_asking_that_cannot_be_is_refused(old: str, new: str, problem: str, shop: Shop) -> None:
    path = shop.file()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ParameterError) as caught:
        load(path)
    assert problem in str(caught.value)


def test_a_recording_of_a_part_serves_that_part_alone(filled: Shop, tmp_path: Path) -> None:
    with variables(filled.environment):
        parameters = load(filled.file())
        part = narrowed(parameters, Part.given(since=SINCE))
        source.record(part, tmp_path / "run" / "private" / "recording")
        filled.asked.clear()
        replay(tmp_path / "run")(part, tmp_path / "again", lambda line: None)
        with pytest.raises(SourceError, match=r"for another part \(since 2026-11-10, not all\)"):
            replay(tmp_path / "run")(parameters, tmp_path / "whole", lambda line: None)
    assert not filled.asked


def test_a_part_is_asked_for_again_by_the_instant_that_its_report_tells() -> None:
    part = Part.given(since="7d")
    assert part.since and Part.given(since=since_text(part.since)) == part


def test_a_name_alone_is_a_list_of_one() -> None:
    assert Part.given(resources="order", tenants="acme") == Part.given(resources=["order"], tenants=["acme"])


def test_the_headline_names_the_part() -> None:
    part = Part.given(["order", "customer"], ["acme"], since="2026-11-01").to_json()
    result: dict[str, Any] = {"decision": "GO", "limits": ["narrowed"], "verdicts": [], "run": {"part": part}}
    assert headline(result) == "GO for a part only: order and customer of acme, since 2026-11-01"
    assert Part.from_json(json.loads(json.dumps(part))).to_json() == part


def test_a_check_estimates_the_part(filled: Shop) -> None:
    def lines(way: str, *options: str) -> str:
        with variables(filled.environment):
            return CliRunner().invoke(main, ["check", str(filled.file(way)), *options]).output

    told = lines("several", "--since", SINCE)
    assert "reading acme: at least 2 calls for 0 records, and what changed in 2 lists" in told
    told = lines("whole", "--since", SINCE)
    assert "of order, customer the whole list, which cannot be asked for the part alone" in told
    # 3 of each resource: the first page and one call for the ids, or three; the orders are counted twice.
    assert "reading acme: about 6 calls for 6 records" in lines("several", "--sample", "3")
    assert "reading acme: about 10 calls for 6 records" in lines("singly", "--sample", "3")
    assert "reading borealis" not in lines("several", "--tenant", "acme")
