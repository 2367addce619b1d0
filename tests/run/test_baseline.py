"""Known rows, accepted by somebody until a day: that they stay is no failure, and that one comes is."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dsaudit.parameters.baseline import Accepted, Baseline
from dsaudit.run import Outcome
from dsaudit.run.baseline import accept as judge
from dsaudit.verdict import Result, Status, Verdict
from dsaudit.verdict.masking import Mask, load_key
from tests.run.conftest import Project
from tests.run.test_run import command, one_line

CHECK = "parents_have_their_children"
DAMAGE = "update ledger.invoice_line set void = true where org = 'N'"
NEW = "update ledger.invoice_line set void = true where org = 'S'"
SOON = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()


@pytest.fixture
def damaged(project: Project) -> Project:
    """The ledger with six invoices whose lines are gone, and a notebook that finds them."""
    project.ledger.execute(DAMAGE)
    names = [CHECK, "one_refined_row_per_source_id"]
    project.notebook("04_once", [f"audit.check('{name}')" for name in names])
    return project


def accept(run: Outcome | Path, *more: str, expires: str = SOON, owner: str = "ada") -> Any:
    folder = run.folder if isinstance(run, Outcome) else run
    return command("baseline", str(folder), "--owner", owner, "--expires", expires, *more)


def verdict_of(outcome: Outcome) -> dict[str, Any]:
    return next(one for one in outcome.result["verdicts"] if one["check"] == CHECK)


def baseline(project: Project) -> Path:
    return project.ledger.parameters.with_suffix("") / "baseline.json"


def test_known_rows_are_accepted_one_new_row_fails_and_so_does_the_day_after(damaged: Project) -> None:
    first = damaged.run()
    assert (first.result["decision"], first.result["accepted"]) == ("NO-GO", None)
    done = accept(first, "--reason", "the old import; mended with release 7")
    assert done.exit_code == 0, done.output
    assert f"{CHECK}: 6 rows, by ada until {SOON}" in done.output
    told = command("check", str(damaged.ledger.parameters))
    assert f"✓ baseline: accepts 6 rows of {CHECK} until {SOON}" in told.output, told.output
    _holds_no_data(damaged)
    _is_go_but_no_full_one(damaged.run())
    damaged.ledger.execute(f"{NEW} and store = 'a'")
    _names_the_new_row_first(damaged.run())
    damaged.ledger.execute(f"{NEW} and store = 'a'".replace("true", "false"))
    reseal(damaged, lambda checks: checks[CHECK].update(made="2020-01-01", expires="2020-06-30"))
    expired = damaged.run()
    assert expired.result["decision"] == "NO-GO"
    assert reasons(verdict_of(expired)) == {"the baseline of ada expired on 2020-06-30; 6 rows of it are here"}


def _holds_no_data(project: Project) -> None:
    record = json.loads(baseline(project).read_text(encoding="utf-8"))["checks"][CHECK]
    assert set(record) == {"owner", "reason", "made", "expires", "run", "part", "findings"}
    assert all(one.startswith(Mask(load_key("ledger")).name + ":") for one in record["findings"])


def _is_go_but_no_full_one(outcome: Outcome) -> None:
    result = outcome.result
    assert (result["decision"], result["exit"], result["changes"]["known"]) == ("GO", 0, 6)
    assert result["accepted"] == {"rows": 6, "checks": 1, "until": SOON, "owners": ["ada"]}
    names = ["report.html", "summary.md", "phases/04_once.html"]
    pages = {name: (outcome.folder / name).read_text(encoding="utf-8") for name in names}
    assert all(f"GO with 6 accepted rows until {SOON}" in page for page in pages.values())
    entry = pages["report.html"]
    assert f"Known and accepted by ada until {SOON}: 6 rows found by 1 check" in entry
    assert "1 check passed, " in entry and "; what failed is waived." in entry
    card = entry[entry.index(f'id="{CHECK}"') :]
    assert "✗</span> FAIL" in card and f"Known, accepted by ada until {SOON}:" in card
    assert "The old import; mended with release 7." in card


def _names_the_new_row_first(outcome: Outcome) -> None:
    assert (outcome.result["decision"], outcome.result["accepted"]) == ("NO-GO", None)
    verdict = verdict_of(outcome)
    told = [dict(zip([one["name"] for one in verdict["columns"]], row, strict=True)) for row in verdict["rows"]]
    assert [row["baseline"] for row in told] == ["new", *["accepted"] * 6]
    assert told[0]["tenant"] == "south" and {row["tenant"] for row in told[1:]} == {"north"}
    assert reasons(verdict) == {f"1 row of the check is new; 6 known, accepted by ada until {SOON}"}


def reasons(verdict: dict[str, Any]) -> set[str]:
    return {result["reason"] for result in verdict["results"] if result["status"] == "fail"}


def reseal(project: Project, change: Any) -> None:
    """Change the file as its maker would have written it."""
    record = json.loads(baseline(project).read_text(encoding="utf-8"))
    change(record["checks"])
    del record["seal"]
    seal = Mask(load_key("ledger")).digest(json.dumps(record, sort_keys=True), length=32)
    baseline(project).write_text(json.dumps({**record, "seal": seal}), encoding="utf-8")


def test_what_cannot_be_accepted_or_relied_on_is_refused_in_one_line(
    damaged: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged.ledger.execute("alter table ledger.invoice drop constraint invoice_org_store_number_key")
    damaged.notebook("05_keys", [f"audit.check('{OTHER}')"])
    whole, part = damaged.run(), damaged.run(checks=[CHECK])
    _refuses_to_accept(damaged, whole, part)
    accept(part, "--partial", owner="bob")
    made = json.loads(baseline(damaged).read_text(encoding="utf-8"))["checks"]
    assert [*made] == [CHECK] and made[CHECK]["part"].startswith("narrowed to 1 check")
    done = accept(whole, "--check", OTHER)  # beside what was accepted
    assert [line.split(":")[0] for line in done.output.splitlines()[:2]] == [CHECK, OTHER]
    result = damaged.run().result
    assert (result["decision"], result["accepted"]["checks"], result["accepted"]["owners"]) == ("GO", 2, ["ada", "bob"])
    _refuses_what_was_changed(damaged, monkeypatch)
    accept(whole)
    assert "bob" not in baseline(damaged).read_text(encoding="utf-8")


OTHER = "source_keys_are_unique"


def _refuses_to_accept(damaged: Project, whole: Outcome, part: Outcome) -> None:
    today = datetime.now(UTC).date()
    cases: list[tuple[Outcome | Path, list[str], dict[str, str], str]] = [
        (whole, [], {"expires": today.isoformat()}, f"a day after {today} is needed"),
        (whole, [], {"expires": (today + timedelta(days=367)).isoformat()}, "at most 366 later"),
        (whole, [], {"expires": "2026-02-30"}, "is no day of the calendar"),
        (whole, [], {"owner": " "}, "owner: is empty"),
        (whole, ["--check", "one_refined_row_per_source_id"], {}, "has nothing to accept: it ended pass"),
        (whole, ["--check", "orphan"], {}, "the run has no check 'orphan'"),
        (part, [], {}, "is no whole run (narrowed to 1 check"),
        (whole.folder.parent, [], {}, "this is no folder of a run"),
    ]
    for run, more, terms, words in cases:
        done = accept(run, *more, **terms)
        assert done.exit_code == 3 and words in one_line(done), (words, done.output)
    assert not baseline(damaged).exists()


def _refuses_what_was_changed(damaged: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    path, written = baseline(damaged), baseline(damaged).read_text(encoding="utf-8")
    runs = len(list((damaged.root / "reports" / "ledger").iterdir()))
    for text, words in [
        (written.replace(SOON, (date.fromisoformat(SOON) + timedelta(days=9)).isoformat()), "was changed by hand"),
        (written.replace('"owner": "ada"', '"owner": "eve"'), "was changed by hand"),
        (written.replace('"reason"', '"reasons"', 1), f"checks.{CHECK}.reason: missing"),
        (written.replace('"reason"', '"more": 1, "reason"', 1), f"checks.{CHECK}.more: unknown key"),
        (written.replace('"seal"', '"more": 1, "seal"'), "more: unknown key"),
        (written.replace('"seal"', '"key": "k1", "seal"'), "key: given twice"),
        (written.replace('"ledger"', '"other"'), "was made for 'other'"),
        (written.replace(SOON, "2999-01-01"), "at most 366 later"),
        (written[:-20], "cannot be read"),
    ]:
        path.write_text(text, encoding="utf-8")
        done = command("run", str(damaged.ledger.parameters))
        assert done.exit_code == 3 and words in one_line(done), (words, done.output)
    path.write_text(written, encoding="utf-8")
    with monkeypatch.context() as changed:
        changed.setenv("DSAUDIT_MASK_KEY", "another key")
        done = command("run", str(damaged.ledger.parameters))
        assert done.exit_code == 3 and "was made under the mask key k" in one_line(done)
        told = command("check", str(damaged.ledger.parameters))
        assert told.exit_code == 3 and "✗ baseline: ledger/baseline.json: was made under the mask key k" in told.output
        (last, *_) = sorted((damaged.root / "reports" / "ledger").glob("2*"))
        assert "the run was made under the mask key k" in one_line(accept(last))
    assert len(list((damaged.root / "reports" / "ledger").iterdir())) == runs


def test_what_was_not_seen_is_not_accepted(project: Project, tmp_path: Path) -> None:
    results = [{"status": "fail", "total": 12_345}]
    verdict = {"check": CHECK, "status": "fail", "findings": ["k1:0a"] * 10_000, "results": results}
    result = {"schema": 1, "run": {"integration": "ledger"}, "limits": [], "parameters": {"file": "ledger.yml"}}
    for verdicts, words in [
        ([verdict], f"{CHECK} found 12\u2009345 rows and names 10\u2009000 of them; what was not seen is not accepted"),
        ([], "there is nothing to accept: no check of this run failed"),
    ]:
        (tmp_path / "result.json").write_text(json.dumps({**result, "verdicts": verdicts}), encoding="utf-8")
        assert words in one_line(accept(tmp_path))
    assert not baseline(project).exists()


def judged(*findings: str, status: str = "fail", total: int | None = None, expires: str = "2026-12-31") -> Verdict:
    """Return a verdict of these rows, judged on 2026-06-01 by a baseline that accepts a, b and b."""
    rows = len(findings) if total is None else total
    results = [Result({"tenant": "x"}, Status(status), total=rows), Result({"tenant": "y"}, Status.INCONCLUSIVE)]
    verdict = Verdict("c", "claim", "why", [], "high", Status(status), results, findings=[*findings])
    given = {"owner": "ada", "reason": "", "made": "2026-01-01", "expires": expires, "run": "r", "part": ""}
    accepted = Accepted.model_validate({**given, "findings": ["a", "b", "b"]})
    judge([verdict], Baseline(integration="i", key="k", checks={"c": accepted}), date(2026, 6, 1))
    return verdict


def test_every_row_has_to_be_among_the_accepted_as_often_as_it_is_found() -> None:
    for known in (["a"], ["b", "a", "b"], ["b", "b"]):
        verdict = judged(*known)
        assert verdict.results[0].status is Status.WAIVED and verdict.accepted
        assert verdict.accepted["rows"] == len(known)
        assert verdict.status is Status.INCONCLUSIVE  # what was not judged stays so
    for other in (["c"], ["a", "a"], ["a", "b", "b", "c"]):
        verdict = judged(*other)
        assert (verdict.status, verdict.accepted) == (Status.FAIL, None)
        assert "1 row of the check is new" in str(verdict.results[0].reason)


def test_neither_the_expired_nor_the_unseen_nor_the_undecided_is_waived() -> None:
    assert judged("a", expires="2026-06-01").accepted
    assert "expired on 2026-05-31; 1 row of it" in str(judged("a", expires="2026-05-31").results[0].reason)
    assert "only 1 of 2 rows have a name" in str(judged("a", total=2).results[0].reason)
    assert judged("a", status="error").results[0].status is Status.ERROR
