"""From verdicts to GO, NO-GO or INCONCLUSIVE: every step of the lattice, waivers, reasons, criteria."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dsaudit.parameters import Parameters, load
from dsaudit.run.decide import decide, downgrade, waive
from dsaudit.verdict import Result, Status, Verdict, worst

SMALL = "integration: small\ndatabase: {url_env: SMALL_URL}\n"


def parameters(tmp_path: Path, more: str = "") -> Parameters:
    path = tmp_path / "small.yml"
    path.write_text(SMALL + more, encoding="utf-8")
    return load(path)


def verdict(check: str, status: str, severity: str = "high", total: int = 0, **scope: str) -> Verdict:
    result = Result(scope, Status(status), observed=f"{total} rows", total=total, examined=10, value=total)
    return Verdict(check, f"claim of {check}", "why", ["X"], severity, Status(status), [result], phase="01_x")


def decided(tmp_path: Path, *verdicts: Verdict, more: str = "", skip: str = "", **plan: Any) -> dict[str, Any]:
    result: dict[str, Any] = {
        "plan": [
            {
                "check": one.check,
                "required": one.check in plan.get("required", [one.check]),
                "skipped": skip if one.status is Status.SKIPPED else None,
                "explains": plan.get("explains", {}).get(one.check, []),
            }
            for one in verdicts
        ],
        "verdicts": [one.to_json() for one in verdicts],
        "problems": plan.get("problems", []),
    }
    decide(result, parameters(tmp_path, more), plan.get("terms", {}))
    return result


@pytest.mark.parametrize(
    ("statuses", "decision", "exit_status"),
    [
        (["pass"], "GO", 0),
        (["pass", "waived"], "GO", 0),
        (["waived"], "INCONCLUSIVE", 2),
        (["pass", "skipped"], "GO", 0),
        (["skipped"], "INCONCLUSIVE", 2),
        ([], "INCONCLUSIVE", 2),
        (["pass", "inconclusive"], "INCONCLUSIVE", 2),
        (["pass", "error"], "INCONCLUSIVE", 2),
        (["pass", "fail"], "NO-GO", 1),
        (["error", "inconclusive", "fail"], "NO-GO", 1),
    ],
)
def test_the_worst_required_verdict_decides(
    tmp_path: Path, statuses: list[str], decision: str, exit_status: int
) -> None:
    verdicts = [verdict(f"check_{number}", status) for number, status in enumerate(statuses)]
    result = decided(tmp_path, *verdicts, skip="no source")
    assert (result["decision"], result["exit"]) == (decision, exit_status)


def test_a_problem_of_the_run_is_never_go(tmp_path: Path) -> None:
    assert decided(tmp_path, verdict("a", "pass"), problems=["a phase broke off"])["decision"] == "INCONCLUSIVE"


def test_severity_gates_nothing(tmp_path: Path) -> None:
    assert decided(tmp_path, verdict("a", "pass"), verdict("b", "fail", severity="info"))["decision"] == "NO-GO"


def test_a_skipped_check_that_is_required_blocks(tmp_path: Path) -> None:
    verdicts = [verdict("a", "pass"), verdict("b", "skipped")]
    assert decided(tmp_path, *verdicts, skip="no source", more="require: [b]\n")["decision"] == "INCONCLUSIVE"
    assert (
        decided(tmp_path, *verdicts, skip="no source", more="gate: {skipped: refuse}\n")["decision"] == "INCONCLUSIVE"
    )


def test_a_gate_can_refuse_waivers(tmp_path: Path) -> None:
    verdicts = [verdict("a", "pass"), verdict("b", "waived")]
    result = decided(tmp_path, *verdicts, more="gate: {waived: refuse}\n")
    assert result["decision"] == "NO-GO"
    assert [reason["check"] for reason in result["reasons"]] == ["b"]


WAIVER = "waivers: [{check: a, reason: known, owner: ada, expires: 2026-12-31, scope: {tenant: acme}}]\n"


def test_a_waiver_covers_its_scope_until_it_expires(tmp_path: Path) -> None:
    inside, outside = verdict("a", "fail", total=1, tenant="acme"), verdict("a", "fail", total=1, tenant="other")
    waive([inside, outside], parameters(tmp_path, WAIVER), date(2026, 12, 31))
    assert (inside.status, outside.status) == (Status.WAIVED, Status.FAIL)
    late = verdict("a", "fail", total=1, tenant="acme")
    waive([late], parameters(tmp_path, WAIVER), date(2027, 1, 1))
    assert late.status is Status.FAIL
    assert late.results[0].reason == "the waiver of ada expired on 2026-12-31"


def test_a_waiver_makes_no_inconclusive_check_green(tmp_path: Path) -> None:
    unknown = verdict("a", "inconclusive", tenant="acme")
    waive([unknown], parameters(tmp_path, WAIVER), date(2026, 1, 1))
    assert unknown.status is Status.INCONCLUSIVE


def test_roots_come_before_what_they_explain_and_then_severity_counts(tmp_path: Path) -> None:
    verdicts = [
        verdict("consequence", "fail", severity="critical", total=9, tenant="acme"),
        verdict("low", "fail", severity="low", total=99, tenant="acme"),
        verdict("root", "fail", severity="high", total=1, tenant="acme"),
        verdict("unknown", "inconclusive", severity="critical"),
    ]
    result = decided(tmp_path, *verdicts, explains={"root": ["consequence"]})
    assert result["order"] == ["root", "low", "consequence", "unknown"]
    assert [reason["check"] for reason in result["reasons"]] == ["root", "low", "unknown"]
    assert result["consequences"] == {"consequence": ["root"]}


def test_what_was_lost_weighs_more_than_how_the_system_is_made_and_so_does_what_explains_it(tmp_path: Path) -> None:
    few, many = verdict("few", "fail", total=5, tenant="acme"), verdict("many", "fail", total=5000, tenant="borealis")
    few.requirement = many.requirement = ["DS5.1"]
    remark = verdict("remark", "fail", severity="critical", total=9000, tenant="acme")
    root = verdict("root", "fail", severity="low", total=1, tenant="borealis")
    given = (remark, few, root, many)
    assert decided(tmp_path, *given)["order"] == ["many", "few", "remark", "root"]
    result = decided(tmp_path, *given, explains={"root": ["many"]})
    assert (result["order"], result["consequences"]) == (["root", "few", "remark", "many"], {"many": ["root"]})
    many.results += few.results  # in another tenant too, where the root does not explain it
    result = decided(tmp_path, *given, explains={"root": ["many"]})
    assert (result["order"], result["consequences"]) == (["root", "many", "few", "remark"], {})


def test_a_root_weighs_what_was_lost_in_its_own_places_and_not_elsewhere(tmp_path: Path) -> None:
    small = verdict("small", "fail", severity="critical", total=1, tenant="acme")
    large = verdict("large", "fail", severity="low", total=4, tenant="borealis")
    missing = verdict("missing", "fail", total=1, tenant="acme")
    missing.results += verdict("", "fail", total=4, tenant="borealis").results
    missing.requirement = ["DS5.1"]
    result = decided(tmp_path, small, large, missing, explains={"small": ["missing"], "large": ["missing"]})
    assert result["order"] == ["large", "small", "missing"]


@pytest.mark.parametrize(("query", "follows"), [("one", {"slow": ["root"]}), ("another", {})])
def test_what_slows_one_query_explains_no_other(query: str, follows: dict[str, list[str]], tmp_path: Path) -> None:
    verdicts = (verdict("root", "fail", query="one"), verdict("slow", "fail", query=query))
    assert decided(tmp_path, *verdicts, explains={"root": ["slow"]})["consequences"] == follows


def test_a_root_in_another_tenant_explains_nothing(tmp_path: Path) -> None:
    verdicts = [
        verdict("root", "fail", severity="low", total=1, tenant="acme"),
        verdict("other", "fail", severity="high", total=1, tenant="borealis", resource="order"),
    ]
    assert decided(tmp_path, *verdicts, explains={"root": ["other"]})["consequences"] == {}


def failing(check: str, *places: tuple[str, str], severity: str = "high", columns: str = "tenant resource") -> Verdict:
    """A failure of one row at each place, in the scope of the tenant alone."""
    one = verdict(check, "fail", severity, total=len(places), tenant=places[0][0])
    one.places = [dict(zip(columns.split(), place, strict=False)) for place in places]
    return one


NESTED = """resources:
  order: {table: o, key: id}
  line: {table: l, key: id, nested: {in: order, at: lines}}
  customer: {table: c, key: id}
"""


def test_what_others_explain_in_part_only_comes_after_them_and_stays_a_reason(tmp_path: Path) -> None:
    mixed = failing("mixed", ("acme", "order"), ("acme", "customer"), severity="critical")
    verdicts = [mixed, failing("root", ("acme", "order"), severity="low"), failing("other", ("acme", "customer"))]
    result = decided(tmp_path, *verdicts, explains={"root": ["mixed"]}, more=NESTED)
    assert (result["order"], result["consequences"]) == (["other", "root", "mixed"], {})
    assert [reason["check"] for reason in result["reasons"]] == ["other", "root", "mixed"]
    result = decided(tmp_path, *verdicts, explains={"root": ["mixed"], "other": ["mixed"]}, more=NESTED)
    assert result["consequences"] == {"mixed": ["other", "root"]}


def test_a_nested_record_is_missing_with_the_one_that_it_stands_in(tmp_path: Path) -> None:
    verdicts = [failing("root", ("acme", "order")), failing("lines", ("acme", "line"))]
    result = decided(tmp_path, *verdicts, explains={"root": ["lines"]}, more=NESTED)
    assert result["consequences"] == {"lines": ["root"]}


def test_a_root_in_one_resource_does_not_explain_what_tells_of_none(tmp_path: Path) -> None:
    verdicts = [failing("root", ("acme", "order")), failing("general", ("acme", ""), columns="tenant")]
    result = decided(tmp_path, *verdicts, explains={"root": ["general"]}, more=NESTED)
    assert (result["order"], result["consequences"]) == (["root", "general"], {})


def test_a_reason_without_a_scope_names_what_is_wrong(tmp_path: Path) -> None:
    one = verdict("bypass", "fail", total=3)
    one.columns = [{"name": "role", "role": "key"}, {"name": "how", "role": "value"}]
    one.rows = [["app", "bypassrls"], [{"masked": "k1:aa", "length": 3}, "superuser"], ["jobs", "superuser"]]
    assert decided(tmp_path, one)["reasons"][0]["text"].endswith("3 cases to the contrary (app; jobs and 1 more)")
    one.columns = [{"name": name, "role": "key"} for name in ("revision", "table", "column")]
    one.rows = [["0022", "", ""]]
    assert decided(tmp_path, one)["reasons"][0]["text"].endswith("3 cases to the contrary (0022 and 2 more)")
    one.columns, one.rows = one.columns[:1], [[{"masked": "k1:aa", "length": 3}, "superuser"]]
    assert decided(tmp_path, one)["reasons"][0]["text"].endswith("3 cases to the contrary")


def test_a_leak_takes_the_green_away(tmp_path: Path) -> None:
    result = decided(tmp_path, verdict("a", "pass"))
    downgrade(result, "a secret stood in the evidence")
    assert (result["decision"], result["exit"]) == ("INCONCLUSIVE", 2)
    assert result["reasons"][0]["text"] == "a secret stood in the evidence"


def test_criteria_and_checklist_are_filled_from_the_verdicts(tmp_path: Path) -> None:
    terms = {
        "criteria": [
            {"id": "rows", "metric": "Rows", "target": "0", "actual": "rows", "checks": ["a"]},
            {"id": "share", "metric": "Share", "target": "100 %", "checks": ["a", "b"]},
            {"id": "none", "metric": "None", "target": "1", "checks": ["absent"]},
        ],
        "checklist": [{"text": "Both", "checks": ["a", "b"]}, {"text": "By hand", "manual": "ada"}],
    }
    result = decided(tmp_path, verdict("a", "fail", total=3), verdict("b", "pass"), terms=terms)
    assert [(one["actual"], one["status"]) for one in result["criteria"]] == [
        ("3 rows", "fail"),
        ("50 %", "fail"),
        ("not measured", "skipped"),
    ]
    assert [(one["status"], one["owner"]) for one in result["checklist"]] == [("fail", None), ("open", "ada")]


def test_a_criterion_of_which_a_part_was_not_run_says_so(tmp_path: Path) -> None:
    terms = {"criteria": [{"id": "share", "metric": "Share", "target": "100 %", "checks": ["a", "b"]}]}
    (one,) = decided(tmp_path, verdict("a", "pass"), verdict("b", "skipped"), terms=terms)["criteria"]
    assert (one["actual"], one["status"]) == ("100 % of what was run", "skipped")


def test_an_item_that_no_check_has_looked_at_stays_open_for_its_owner(tmp_path: Path) -> None:
    terms = {"checklist": [{"text": "Tested", "checks": ["a", "b"], "manual": "ada"}]}

    def item(*statuses: str) -> tuple[str, str | None]:
        verdicts = [verdict(name, status) for name, status in zip("ab", statuses, strict=True)]
        (one,) = decided(tmp_path, *verdicts, terms=terms)["checklist"]
        return one["status"], one["owner"]

    assert item("skipped", "skipped") == ("open", "ada")
    assert item("pass", "skipped") == ("skipped", None)
    assert item("pass", "pass") == ("pass", None)


def test_a_share_reads_100_only_when_it_is(tmp_path: Path) -> None:
    terms = {"criteria": [{"id": "m", "metric": "M", "target": "99 %", "actual": "match", "checks": ["a"]}]}
    one = verdict("a", "fail", total=1)
    one.results[0].examined = 1_000_000
    assert decided(tmp_path, one, terms=terms)["criteria"][0]["actual"] == "99.99 % match"


def test_the_worst_of_nothing_is_no_pass() -> None:
    assert worst([]) is Status.INCONCLUSIVE
