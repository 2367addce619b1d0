"""The checks of a project's own tests: green on sound results, each fails on its fault, none says much of nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dsaudit import server
from dsaudit.parameters import load
from dsaudit.run.preflight.own_tests import own_tests
from dsaudit.verdict import Status, Verdict
from tests.checks.auditing import all_rows, opened, told, variables
from tests.integrity.system import System, running
from tests.own_tests.results import COBERTURA, JUNIT, LCOV, PASSED

pytestmark = pytest.mark.xdist_group("own_tests")

PASS, COVER, THIS = CHECKS = "own_tests_pass", "own_tests_cover_enough", "own_tests_are_of_this_code"
PARAMETERS = """\
integration: shop
blueprints: [partial_import]
database: {url_env: SMALL_DISCOVERY_URL}
own_tests: {folder_env: SHOP_RESULTS, junit: "junit*.xml", coverage: coverage.xml, coverage_percent: 70, code: app}
"""


def later() -> str:
    """In a quarter of an hour, from now and not from when this module was read."""
    return f"{(datetime.now(UTC) + timedelta(days=0.01)).timestamp():.0f}"


def earlier() -> str:
    return f"{(datetime.now(UTC) - timedelta(days=3)).timestamp():.0f}"


class Project:
    """A project with code, a parameter file, and a folder of results."""

    def __init__(self, system: System) -> None:
        self.system, self.folder = system, system.parameters.parent.parent
        self.code, self.results = self.folder / "app", self.folder / "results"
        self.code.mkdir(exist_ok=True)
        self.results.mkdir(exist_ok=True)
        for name in ("deals.py", "prices.py"):
            self.write(self.code / name, "x = 1\n")
        self.left(PASSED.format(at=later(), commit=""), COBERTURA.format(at=later()))

    def write(self, path: Path, text: str, days_ago: float = 1) -> None:
        path.write_text(text, encoding="utf-8")
        at = (datetime.now(UTC) - timedelta(days=days_ago)).timestamp()
        os.utime(path, (at, at))

    def left(self, junit: str, coverage: str) -> None:
        self.write(self.results / "junit-1.xml", junit)
        self.write(self.results / "coverage.xml", coverage)

    @property
    def environment(self) -> dict[str, str]:
        return {**self.system.environment, "SHOP_RESULTS": str(self.results)}

    def judged(self, name: str) -> tuple[Verdict, list[dict[str, Any]]]:
        with opened(self.system.parameters, self.environment) as audit:
            verdict = audit.check(name)
            return verdict, all_rows(audit, verdict)

    def git(self, *arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        done = subprocess.run(
            ["git", *who, *arguments], cwd=self.folder, capture_output=True, text=True, check=True
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("init", "--quiet")
        self.git("add", "app")
        self.git("commit", "--quiet", "--message", "one")
        return self.git("rev-parse", "HEAD")


@pytest.fixture(scope="module")
def system(postgres: server.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("own-tests")
    with running(postgres.url, folder, schema="select 1", parameters=PARAMETERS, tables=()) as one:
        yield one


@pytest.fixture
def project(system: System, tmp_path: Path) -> Iterator[Project]:
    path = tmp_path / "parameters" / "shop.yml"
    path.parent.mkdir()
    path.write_text(PARAMETERS, encoding="utf-8")
    yield Project(System(system.owner_url, path, system.environment, system.app, system.auditor))


def test_all_are_green_on_sound_results_of_this_code(project: Project) -> None:
    found = {name: project.judged(name)[0] for name in CHECKS}
    assert [told(one) for one in found.values() if one.status is not Status.PASS] == []
    assert [one.results[0].examined for one in found.values()] == [2, 10, 2]
    with opened(project.system.parameters, project.environment) as audit:
        table = audit.frame("own_test_results").set_index("file")
    assert table.loc["junit-1.xml", "passed"] == 2 and table.loc["coverage.xml", "percent"] == 70.0


def test_what_failed_is_named_by_class_and_name_and_what_was_skipped_is_told(project: Project) -> None:
    project.left(JUNIT.format(commit=""), COBERTURA.format(at=later()))
    verdict, rows = project.judged(PASS)
    assert verdict.status is Status.FAIL and verdict.limits == ["1 test skipped: no browser"]
    assert [(row["class"], row["test"], row["outcome"], row["said"]) for row in rows] == [
        ("tests.test_deals", "test_price", "failed", "assert 3 == 4"),
        ("tests.test_deals", "test_stored", "error", "failed on setup"),
    ]


@pytest.mark.parametrize(
    ("junit", "reason"),
    [
        ("<testsuites/>", "junit-1.xml holds no test"),
        ("<testsuites>\n<a", "junit-1.xml:2: unclosed token"),
        ('<testsuite><testcase name="a"><skipped/></testcase></testsuite>', "all of 1 test were skipped"),
    ],
)
def test_results_without_a_test_prove_nothing(junit: str, reason: str, project: Project) -> None:
    project.left(junit, COBERTURA.format(at=later()))
    verdict, _ = project.judged(PASS)
    assert verdict.status is Status.INCONCLUSIVE and reason in str(verdict.results[0].reason)


def test_too_little_is_told_with_the_files_that_miss_most(project: Project) -> None:
    text = PARAMETERS.replace("70", "70.1")
    project.system.parameters.write_text(text, encoding="utf-8")
    verdict, rows = project.judged(COVER)
    assert verdict.status is Status.FAIL and verdict.results[0].expected == "at least 70.1 % (lines and branches)"
    assert [(row["path"], row["percent"], row["missed"], row["lines"]) for row in rows] == [
        ("prices.py", "50.0", 3, "3-4")
    ]


def test_a_file_of_which_nothing_is_covered_is_among_them(project: Project) -> None:
    project.left(PASSED.format(at=later(), commit=""), "SF:a.py\nDA:1,0\nSF:b.py\nDA:1,0\nDA:2,0\nSF:empty.py\n")
    _, rows = project.judged(COVER)
    assert [(row["path"], row["percent"], row["lines"]) for row in rows] == [
        ("b.py", "0.0", "1-2"),
        ("a.py", "0.0", "1"),
    ]


def test_code_that_nothing_measured_is_told(project: Project) -> None:
    project.write(project.code / "forgotten.py", "x = 1\n")
    project.write(project.code / "test_deals.py", "x = 1\n")
    verdict, _ = project.judged(COVER)
    assert verdict.limits == ["1 file of the code not measured: forgotten.py"]
    project.left(PASSED.format(at=later(), commit=""), "<coverage/>")
    verdict, _ = project.judged(COVER)
    assert verdict.status is Status.INCONCLUSIVE and verdict.results[0].reason == "the files name no code"


def test_results_that_are_older_than_the_code_are_of_other_code(project: Project) -> None:
    project.left(PASSED.format(at=earlier(), commit=""), LCOV)
    verdict, rows = project.judged(THIS)
    assert verdict.status is Status.FAIL and [row["file"] for row in rows] == ["junit-1.xml"]
    assert "the code was changed 2 days later (deals.py)" in rows[0]["problem"] or "prices.py" in rows[0]["problem"]
    assert verdict.limits == ["coverage.xml does not tell its time; it was taken to be as old as the file"]
    project.left(PASSED.format(at=earlier(), commit=""), COBERTURA.format(at=later()))
    project.system.parameters.write_text(PARAMETERS.replace("code: app", "max_age_days: 2"), encoding="utf-8")
    _, rows = project.judged(THIS)
    assert [row["problem"] for row in rows] == ["they are 3 days old, and 2 days are allowed"]


def test_a_commit_that_the_results_name_decides(project: Project) -> None:
    commit = project.commit()
    project.left(PASSED.format(at=earlier(), commit=commit), COBERTURA.format(at=later()))
    assert project.judged(THIS)[0].status is Status.PASS  # whatever the clock says
    project.write(project.code / "deals.py", "x = 22\n")
    verdict, (row,) = project.judged(THIS)
    assert verdict.status is Status.FAIL and row["commit"] == commit[:10]
    assert row["problem"] == f"they are of commit {commit[:10]}, and not as there are deals.py"


def test_with_git_the_newest_commit_decides_and_what_is_not_committed(project: Project) -> None:
    project.commit()
    project.left(PASSED.format(at=earlier(), commit="f" * 40), COBERTURA.format(at=later()))
    verdict, (row,) = project.judged(THIS)
    assert "later (commit " in row["problem"] and "which git does not know here" in verdict.limits[0]
    project.left(PASSED.format(at=later(), commit=""), COBERTURA.format(at=later()))
    assert project.judged(THIS)[0].status is Status.PASS
    project.write(project.code / "new.py", "x = 1\n", days_ago=-1)
    _, rows = project.judged(THIS)
    assert len(rows) == 2 and all("later (new.py)" in row["problem"] for row in rows)


def tried(project: Project) -> list[str]:
    with variables(project.environment):
        return [f"{one.ok} {one.words}" for one in own_tests(load(project.system.parameters))]


def test_the_files_are_tried_before_a_run(project: Project) -> None:
    assert tried(project) == ["True 2 tests in 1 file", "True 70 % covered, by 1 file"]
    project.left("<testsuites>\n<a", "{")
    first, second = tried(project)
    assert "shop.yml:4:" in first and first.endswith("junit-1.xml:2: unclosed token") and "coverage.xml:1: " in second


@pytest.mark.parametrize("pattern", ["a**.xml", "", "nowhere/[", "results"])
def test_a_pattern_that_names_nothing_is_told(pattern: str, project: Project) -> None:
    project.system.parameters.write_text(PARAMETERS.replace("junit*.xml", pattern), encoding="utf-8")
    assert tried(project)[0].endswith(f"own_tests.junit: there is no file {pattern}")


@pytest.mark.parametrize("pattern", ["../results/*.xml", "**/junit-?.xml"])
def test_a_pattern_begins_in_the_folder_of_the_variable(pattern: str, project: Project) -> None:
    project.system.parameters.write_text(PARAMETERS.replace("junit*.xml", pattern), encoding="utf-8")
    (project.results / "coverage.xml").unlink()
    assert "True 2 tests in 1 file" in tried(project)


def test_a_variable_that_is_not_set_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Project, "environment", project.system.environment)
    verdict, _ = project.judged(PASS)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.results[0].reason == "the environment variable SHOP_RESULTS is not set"
