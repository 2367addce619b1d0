"""A run: what it writes, what narrows it, and what keeps it from starting."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner, Result

from dsaudit.checks import CheckError
from dsaudit.cli import main
from dsaudit.run import RunError
from dsaudit.run.rows import write_rows
from tests.command_lines import DSAUDIT
from tests.run.conftest import Project

DAMAGE = "update ledger.invoice_line set void = true where org = 'N'"


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def reports(project: Project) -> list[Path]:
    return sorted((project.root / "reports").glob("ledger/*/result.json"))


def test_a_run_leaves_its_evidence_and_nothing_unfinished(project: Project) -> None:
    outcome = project.run()
    names = {path.relative_to(outcome.folder).as_posix() for path in outcome.folder.rglob("*") if path.is_file()}
    assert {"result.json", "report.html", "phases/04_once.ipynb", "phases/04_once.html"} <= names
    assert not any(".draft" in name for name in names)
    assert not (outcome.folder.parent / "unfinished").exists()
    assert stat.S_IMODE((outcome.folder / "private").stat().st_mode) == 0o700
    assert not (outcome.folder / "private" / "handoff.json").exists()


def test_a_page_with_two_bar_charts_is_small(project: Project) -> None:
    bars = "import matplotlib.pyplot as plt; plt.bar([f'topic {n}' for n in range(12)], range(12)); plt.title('{}')"
    shown = [bars.replace("{}", title) for title in ("by topic", "by tenant")]
    project.notebook("05_bars", ["audit.check('null_keys')", *shown])
    page = (project.run().folder / "phases" / "05_bars.html").read_text(encoding="utf-8")
    assert page.count("<img ") == 2 and len(page.encode()) <= 150 * 1024


def test_the_result_says_what_was_planned_found_and_decided(project: Project) -> None:
    project.ledger.execute(DAMAGE)
    project.notebook("05_more", ["audit.check('parents_have_their_children')"])
    result = project.run().result
    assert (result["schema"], result["decision"], result["exit"]) == (1, "NO-GO", 1)
    assert [planned["check"] for planned in result["plan"]] == [verdict["check"] for verdict in result["verdicts"]]
    failed = next(verdict for verdict in result["verdicts"] if verdict["status"] == "fail")
    assert failed["check"] == "parents_have_their_children"
    assert {one["scope"]["tenant"]: one["total"] for one in failed["results"]} == {"north": 6, "south": 0}
    assert len(failed["findings"]) == 6 and len(set(failed["findings"])) == 6
    assert result["reasons"][0]["check"] == "parents_have_their_children"
    assert result["instant"]["may_write"] == ()


def test_the_same_data_give_the_same_digest_and_other_data_another(project: Project) -> None:
    first, second = project.run().result, project.run().result
    assert first["digest"] == second["digest"] != ""
    project.ledger.execute("insert into ledger.invoice (org, store, number) values ('N', 'x', 'y')")
    assert project.run().result["digest"] != first["digest"]


def test_findings_are_new_known_and_fixed(project: Project) -> None:
    project.notebook("04_once", ["audit.check('parents_have_their_children')"])
    changes = [project.run().result["changes"]]
    project.ledger.execute(DAMAGE)
    changes += [project.run().result["changes"], project.run().result["changes"]]
    project.ledger.execute(DAMAGE.replace("true", "false"))
    changes.append(project.run().result["changes"])
    told = [(one["new"], one["known"], one["fixed"]) for one in changes]
    assert told == [(0, 0, 0), (6, 0, 0), (0, 6, 0), (0, 0, 6)]
    assert changes[2]["since"] is not None
    folders = sorted(path.name for path in (project.root / "reports" / "ledger").glob("2*"))
    told = [json.loads((project.root / "reports" / "ledger" / one / "result.json").read_text()) for one in folders]
    assert [one["run"]["started"] for one in told] == sorted(one["run"]["started"] for one in told)
    assert [one["changes"]["against"] for one in told] == [None, *folders[:-1]]  # in order, though within a second


def test_runs_are_compared_only_where_that_says_something(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.notebook("04_once", ["audit.check('parents_have_their_children')", "audit.check('orphans')"])
    project.ledger.execute(DAMAGE)
    broken = project.root / "reports" / "ledger" / "20000101T000000Z-0000" / "result.json"
    broken.parent.mkdir(parents=True)
    broken.write_text('{"run": {"blueprint": "datasource"}}', encoding="utf-8")
    first = project.run().result
    assert (first["history"], first["changes"]["against"]) == ([], None)
    narrowed = project.run(checks=["orphans"]).result["changes"]
    assert (narrowed["against"], narrowed["fixed"]) == (None, 0)  # what it did not look at is not mended
    monkeypatch.setenv("DSAUDIT_MASK_KEY", "another key, under which every finding has another name")
    renamed = project.run().result["changes"]
    assert (renamed["against"], renamed["new"], renamed["fixed"]) == (None, 6, 0)


def test_a_run_can_be_narrowed_and_says_so(project: Project) -> None:
    project.notebook("05_more", ["audit.check('parents_have_their_children')"])
    result = project.run(checks=["orphans"]).result
    assert [verdict["check"] for verdict in result["verdicts"]] == ["orphans"]
    assert result["limits"] == ["narrowed to 1 check by the command line; nothing else was audited"]
    assert [phase["name"] for phase in project.run(phases=["5"]).result["phases"]] == ["05_more"]
    with pytest.raises(RunError, match=r"^orphans is in phase 04_once, which --phase leaves out$"):
        project.run(checks=["orphans"], phases=["5"])


def test_what_is_not_known_is_refused_before_anything_is_written(project: Project) -> None:
    for arguments, words in [
        (["--check", "orphan"], "calls the check 'orphan'; did you mean orphans?"),
        (["--phase", "9"], "there is no phase '9'"),
        (["--set", "policy.latency=1"], "--set policy.latency: unknown key; did you mean latency_days?"),
        (["--set", "policy"], "written as key=value"),
        (["--blueprint", "nothing"], "there is no blueprint 'nothing'"),
        (["--out", str(project.ledger.parameters)], "the report cannot be written here: Not a directory"),
    ]:
        result = command("run", str(project.ledger.parameters), *arguments)
        assert result.exit_code == 3 and words in result.output, result.output
    assert not (project.root / "reports").exists()


def one_line(result: Result) -> str:
    lines = result.output.strip().splitlines()
    assert len(lines) == 1 and "Traceback" not in lines[0], result.output
    return lines[0]


def test_what_cannot_start_says_why_in_one_line_and_writes_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, url = project.ledger.parameters, project.ledger.environment["LEDGER_URL"]
    text = path.read_text(encoding="utf-8")
    password = url.split(":")[2].split("@")[0]
    start, end = text.index("source:"), text.index("deliveries:")
    rest = f"{text[:start]}source: {{kind: rest, base_url_env: LEDGER_API}}\n{text[end:]}"
    cases: list[tuple[str, str, str, str]] = [
        (text.replace("environment", "x").replace("table_prefix", "table_prefixx"), url, "unknown key", "bad file"),
        (text.replace("/code,", "/nowhere,"), url, "code.folder: there is no folder", "missing code"),
        (text, "", "LEDGER_URL is not set", "no database"),
        (text, url.replace(password, "wrong"), "password authentication failed", "wrong password"),
        (text, url.rsplit("/", 1)[0] + "/nothing", 'database "nothing" does not exist', "missing database"),
        (rest, url, "LEDGER_API is not set", "no source"),
        (text + "environment: production\n", project.ledger.owner_url, "could write in production", "writing role"),
    ]
    for file, value, words, name in cases:
        path.write_text(file, encoding="utf-8")
        monkeypatch.setenv("LEDGER_URL", value)
        result = command("run", str(path))
        assert result.exit_code == 3, (name, result.output)
        assert words in one_line(result), name
        assert not (project.root / "reports").exists(), name


def test_a_role_that_can_write_is_named_loudly_outside_production(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_URL", project.ledger.owner_url)
    outcome = project.run()
    assert outcome.result["instant"]["may_write"]
    assert "can write" in (outcome.folder / "report.html").read_text(encoding="utf-8")


def test_with_only_a_database_what_can_run_runs_and_the_rest_is_said(project: Project) -> None:
    path = project.ledger.parameters
    text = path.read_text(encoding="utf-8")
    start, end = text.index("source:"), text.index("deliveries:")
    path.write_text(text[:start] + text[end:], encoding="utf-8")
    project.notebook("05_more", ["audit.check('source_missing_in_refined')", "audit.check('null_hashes')"])
    project.notebook("06_most", ["audit.check('raw_missing_in_refined')"])
    outcome = project.run()
    told = {verdict["check"]: verdict["status"] for verdict in outcome.result["verdicts"]}
    assert told["source_missing_in_refined"] == told["null_hashes"] == "skipped"
    assert outcome.result["decision"] == "GO"
    page = (outcome.folder / "report.html").read_text(encoding="utf-8")
    assert "the parameter file has no source" in page and "the parameter file has no raw" in page
    done = command("run", str(path), "--attach")
    assert done.exit_code == 3 and "--attach is for a sample that is up" in one_line(done)
    assert command("run", str(path)).output.startswith("GO: 2 of 5 checks ran ")


def test_rows_are_written_whole_and_privately(project: Project, tmp_path: Path) -> None:
    project.ledger.execute("""update ledger."Member" set "Full Name" = '=cmd()' where code = 'n-00'""")
    project.notebook("04_once", ["audit.check('field_differences')"])
    folder = project.run().folder
    target = tmp_path / "rows.csv"
    result = command("rows", str(folder), "field_differences", "--to", str(target))
    assert result.exit_code == 0, result.output
    text = target.read_text(encoding="utf-8")
    assert "Zoë Ångström" in text and "'=cmd()" in text
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    page = (folder / "phases" / "04_once.html").read_text(encoding="utf-8")
    assert "Zoë Ångström" not in page
    target.chmod(0o644)
    command("rows", str(folder), "field_differences", "--to", str(target))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    other = tmp_path / "kept.parquet"
    other.write_text("mine", encoding="utf-8")
    refused = command("rows", str(folder), "field_differences", "--to", str(other))
    assert refused.exit_code == 3 and other.read_text(encoding="utf-8") == "mine"
    missing = command("rows", str(folder), "orphans", "--to", str(target))
    assert missing.exit_code == 3 and "holds no rows of orphans" in missing.output


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_rows_of_any_text_are_written(tmp_path: Path, ending: str) -> None:
    folder = tmp_path / "private" / "rows"
    folder.mkdir(parents=True)
    texts = ["a line\u2028of two", "half a pair \ud800", "next\u0085line"]
    lines = [json.dumps({"text": text}, ensure_ascii="ud800" in repr(text)) for text in texts]
    (folder / "some_check.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert write_rows(tmp_path, "some_check", tmp_path / f"rows{ending}") == 3
    assert "half a pair" in (tmp_path / f"rows{ending}").read_text(encoding="utf-8")


def test_waivers_of_the_file_are_applied_by_the_runner(project: Project) -> None:
    project.ledger.execute(DAMAGE)
    checks = ["parents_have_their_children", "one_refined_row_per_source_id"]
    project.notebook("04_once", [f"audit.check('{name}')" for name in checks])
    path = project.ledger.parameters
    waiver = "waivers: [{check: parents_have_their_children, reason: known, owner: ada, expires: 2999-01-01}]\n"
    path.write_text(path.read_text(encoding="utf-8") + waiver, encoding="utf-8")
    result = project.run().result
    assert result["decision"] == "GO"
    assert [verdict["status"] for verdict in result["verdicts"]] == ["waived", "pass"]


OWN = """\
-- title: No invoice is without a member
-- why: nobody would pay it
-- requirement: own
-- severity: low
-- key: store, number
-- examined: select count(*) as examined from ledger.invoice
select store, number, currency from ledger.invoice where member is null and org = 'N' order by 1, 2
"""


def test_a_check_of_ones_own_is_planned_run_and_judged(project: Project) -> None:
    folder = project.ledger.parameters.with_suffix("") / "checks"
    folder.mkdir(parents=True)
    (folder / "invoice_without_member.sql").write_text(OWN, encoding="utf-8")
    with pytest.raises(CheckError, match=r"no notebook of datasource calls audit\.own_checks"):
        project.run()
    project.notebook("08_closing", ["audit.own_checks()"])
    assert "✓ invoice_without_member.sql: can be run" in command("check", str(project.ledger.parameters)).output
    (folder / "mistyped.sql").write_text(OWN.replace("from ledger.invoice where", "fro ledger.invoice where"))
    told = command("check", str(project.ledger.parameters))
    assert told.exit_code == 3 and "✗ mistyped.sql: syntax error at or near" in told.output
    (folder / "mistyped.sql").unlink()
    outcome = project.run()
    verdict = next(one for one in outcome.result["verdicts"] if one["check"] == "invoice_without_member")
    assert (verdict["status"], verdict["results"][0]["total"]) == ("fail", 1)
    # What a check of one's own shows is masked like everything else; a key that is a number may be read.
    store, number, currency = verdict["rows"][0]
    assert isinstance(store, dict) and isinstance(currency, dict) and number == "1"


def test_explain_list_and_role_say_what_they_should() -> None:
    assert "select" in command("explain", "orphans").output
    assert "did you mean orphans?" in command("explain", "orphan").output
    assert command("explain", "orphan").exit_code == 3
    assert "04_deduplication" in command("list").output
    assert "create role" in command("role", "--schema", 'odd"name').output


def test_the_printed_role_can_read_and_is_accepted_in_production(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = command("role", "--name", f"r{project.root.stat().st_ino}", "--schema", "ledger").output
    project.ledger.execute(statements)
    url = project.ledger.owner_url.split("@")[1]
    monkeypatch.setenv("LEDGER_URL", f"postgresql://r{project.root.stat().st_ino}:choose one@{url}")
    path = project.ledger.parameters
    path.write_text(path.read_text(encoding="utf-8") + "environment: production\n", encoding="utf-8")
    result = command("check", str(path))
    assert result.exit_code == 0, result.output


def test_a_fault_of_its_own_exits_with_3_and_not_like_a_no_go(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any) -> None:
        raise RuntimeError("something that nobody foresaw")

    monkeypatch.setattr("dsaudit.run.run", broken)
    result = command("run", str(project.ledger.parameters))
    assert result.exit_code == 3 and "something that nobody foresaw" in result.output


def test_usage_errors_exit_with_3() -> None:
    assert command("run").exit_code == 3
    assert command("nonsense").exit_code == 3


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_kernel_outlives_a_run_that_is_stopped_or_killed(project: Project, how: signal.Signals) -> None:
    started = project.root / "started"
    cell = f"import os, pathlib, time; pathlib.Path({str(started)!r}).write_text(str(os.getpid())); time.sleep(600)"
    project.notebook("04_once", [cell, "audit.check('orphans')"])
    running = subprocess.Popen(
        [*DSAUDIT, "run", str(project.ledger.parameters)],
        cwd=project.root,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (started.is_file() and started.read_text(encoding="utf-8")):
        assert running.poll() is None, running.communicate()[1]
        time.sleep(0.05)
    kernel = psutil.Process(int(started.read_text(encoding="utf-8")))
    running.send_signal(how)
    said = running.communicate(timeout=300)[1]  # the cell alone would take longer
    if how is signal.SIGINT:
        assert said.strip().splitlines()[-1].startswith("stopped; go on with: dsaudit run ")
        assert running.returncode == 3
        assert not kernel.is_running()
    kernel.wait(timeout=60)
    assert not reports(project)
