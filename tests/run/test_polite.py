"""A run that gives way says so in its report, never outlasts its instant, and is no more sessions than it says."""

from __future__ import annotations

import os

from tests.run.conftest import Project

ONCE = "audit.check('one_refined_row_per_source_id')"
ORPHANS = "audit.check('orphans')"
AT_WORK = """import psycopg, os, threading, time
other = psycopg.connect(os.environ['LEDGER_URL'], autocommit=True)
threading.Thread(target=lambda: other.execute("select pg_sleep({seconds})"), daemon=True).start()
while not other.info.transaction_status.name == 'ACTIVE': time.sleep(0.01)"""
BUSY = "more than 0 other sessions at work"
SESSIONS = """with audit.database.now().transaction() as one:
    print(one.run("select array_agg(application_name order by 1) from pg_catalog.pg_stat_activity "
                  "where datname = current_database() and starts_with(application_name, 'dsaudit')").scalar_one())"""


def polite(project: Project, limits: str) -> None:
    project.ledger.edit("parameters/ledger.yml", "{url_env: LEDGER_URL}", f"{{url_env: LEDGER_URL, {limits}}}")


def test_what_a_run_waited_for_is_told_in_its_report(project: Project) -> None:
    polite(project, "polite: {active: 0, rest: 0}")
    project.notebook("04_once", [AT_WORK.format(seconds=1.5), ONCE, ORPHANS])
    outcome = project.run()
    assert outcome.result["decision"] == "GO", outcome.result["reasons"]
    assert outcome.result["pauses"].keys() == {BUSY}
    assert f"for {BUSY}" in (outcome.folder / "report.html").read_text(encoding="utf-8")


def test_a_run_on_a_server_that_stays_busy_is_inconclusive_and_says_why(project: Project) -> None:
    polite(project, "polite: {active: 0, rest: 0}")
    no_time_left = "audit.database._politeness._until = 1.0"
    project.notebook("04_once", [AT_WORK.format(seconds=60), no_time_left, ONCE, ORPHANS])
    result = project.run().result
    assert result["decision"] == "INCONCLUSIVE"
    reasons = {one["reason"] for verdict in result["verdicts"] for one in verdict["results"]}
    assert reasons == {
        f"the server was too busy to be read ({BUSY}) when half of database.snapshot_age (300 s) was over; "
        "audit at a quieter time, or see database.polite"
    }


def test_a_run_that_gives_way_to_nobody_tells_of_no_pause(project: Project) -> None:
    outcome = project.run()
    assert outcome.result["pauses"] == {}
    assert "left alone" not in (outcome.folder / "report.html").read_text(encoding="utf-8")


def test_a_phase_is_one_session_and_the_runner_two(project: Project) -> None:
    for name, check in (("04_once", ONCE), ("05_twice", ORPHANS)):
        project.notebook(name, [check, SESSIONS])
    outcome = project.run(jobs=2)
    for name in ("04_once", "05_twice"):
        notebook = (outcome.folder / "phases" / f"{name}.ipynb").read_text(encoding="utf-8")
        assert [notebook.count(f"'dsaudit/{one}'") for one in (f"datasource/{name}", "runner")] == [1, 2]


def test_limits_of_the_server_on_idle_sessions_do_not_end_the_instant(project: Project) -> None:
    with project.ledger.owner() as owner:
        named = f'in database "{owner.info.dbname}" set idle_in_transaction_session_timeout = 200'
        reader = os.environ["LEDGER_URL"].split("://")[1].split(":")[0]
        owner.execute(f'alter role "{reader}" {named}'.encode())
    project.notebook("04_once", ["import time; time.sleep(0.5)", ONCE, ORPHANS])
    assert project.run().result["decision"] == "GO"
