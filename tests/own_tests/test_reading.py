"""Results of tests as tools write them: JUnit XML, Cobertura, coverage.py's JSON, LCOV; and what is none of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dsaudit.own_tests import Measured, Report, coverage, files, junit, percent, together
from tests.own_tests.results import BOMB, COBERTURA, JUNIT, LCOV, OF_COVERAGE_PY, OUTSIDE, PASSED

AT = "1772366400000"


def written(folder: Path, text: str, name: str = "one.xml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def report(folder: Path, text: str) -> Report:
    return junit.read(written(folder, text))


def measured(folder: Path, text: str, name: str = "one.xml") -> Measured:
    return coverage.read(written(folder, text, name))


def test_each_test_is_read_with_its_class_its_name_and_how_it_ended(tmp_path: Path) -> None:
    found = report(tmp_path, JUNIT.format(commit="0bc3d1a7e9"))
    assert [(one.name, one.outcome, one.message) for one in found.cases] == [
        ("test_rating[10-good]", "passed", ""),
        ("test_price", "failed", "assert 3 == 4"),
        ("test_refused", "skipped", "no browser"),
        ("test_stored", "error", "failed on setup"),
    ]
    assert found.cases[0].classname == "tests.test_deals.TestDeals" and found.commit == "0bc3d1a7e9"
    assert found.at is not None and found.at.isoformat() == "2026-03-01T12:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "outcomes"),
    [
        ("<testsuites/>", []),
        ("<testsuite tests='0'/>", []),
        ('<testsuite errors="2"><testcase name="a"/></testsuite>', ["passed", "error"]),
        ('<testsuites><testsuite><testsuite failures="1"><testcase name="a"><failure/></testcase></testsuite>'
         "</testsuite></testsuites>", ["failed"]),
        ('<testsuite><testcase name="a"><rerunFailure message="x"/></testcase></testsuite>', ["passed"]),
    ],
)  # fmt: skip
def test_suites_are_counted_whatever_their_shape(text: str, outcomes: list[str], tmp_path: Path) -> None:
    assert [one.outcome for one in report(tmp_path, text).cases] == outcomes


@pytest.mark.parametrize("name", ["ci.commit", "GIT_COMMIT", "vcs.ref.head.revision", "GITHUB_SHA", "sha"])
def test_a_commit_is_known_by_its_property(name: str, tmp_path: Path) -> None:
    text = PASSED.replace("git.commit", name).format(at="", commit="ABCDEF1234")
    assert report(tmp_path, text).commit == "abcdef1234"
    assert report(tmp_path, PASSED.replace("git.commit", name).format(at="", commit="main")).commit is None


@pytest.mark.parametrize("text", [COBERTURA.format(at=AT), OF_COVERAGE_PY, LCOV])
def test_all_forms_of_coverage_say_the_same(text: str, tmp_path: Path) -> None:
    found = measured(tmp_path, text).files
    assert [(name.rpartition("app/")[2], one.hit, one.there, one.missed) for name, one in found.items()] == [
        ("deals.py", 4, 4, []),
        ("prices.py", 3, 6, [3, 4]),
    ]
    assert percent(found.values()) == 70.0  # as coverage.py has it, branches included


def test_what_several_runs_covered_is_put_together(tmp_path: Path) -> None:
    other = LCOV.replace("DA:3,0", "DA:3,2").replace("BRDA:2,0,1,-", "BRDA:2,0,1,4")
    both = together([measured(tmp_path, LCOV), measured(tmp_path, other)])
    assert percent(both.values()) == 90.0 and both["app/prices.py"].missed == [4]
    assert percent([]) is None


def test_a_time_is_read_in_seconds_and_in_milliseconds(tmp_path: Path) -> None:
    for at in (AT, AT[:-3], "2026-03-01T12:00:00Z"):
        found = measured(tmp_path, COBERTURA.format(at=at)).at
        assert found is not None and found.isoformat() == "2026-03-01T12:00:00+00:00"
    assert measured(tmp_path, COBERTURA.format(at="soon")).at is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "1: no element found"),
        ("<testsuites>\n<testsuite>", "2: no element found"),
        ("<testsuites>\n<a></b></testsuites>", "2: mismatched tag"),
        ("<html/>", "it is no JUnit XML: html stands where testsuites or testsuite is expected"),
        ('<testsuite errors="many"/>', "'many' is no number"),
        (BOMB, "it declares entities, which are refused"),
        (OUTSIDE, "it declares entities, which are refused"),
    ],
)
def test_what_is_no_junit_xml_is_told_with_its_line(text: str, words: str, tmp_path: Path) -> None:
    held, (problem,) = files.each([written(tmp_path, text, "junit.xml")], junit.read)
    assert not held and problem.startswith("junit.xml:") and words in problem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{\n 5}", "2: it is no JSON"),
        ('{"files": [1]}', "it is no JSON of coverage.py's"),
        ("{" * 100_000, "it is no JSON"),
        ("SF:a.py\nDA:x,1\n", "2: DA is not as LCOV has it"),
        ("<testsuites/>", "it is no Cobertura XML"),
        ("hello", "none of Cobertura's XML, coverage.py's JSON and LCOV"),
        (COBERTURA.replace('hits="3"', 'hits="few"'), "'few' is no number"),
    ],
)
def test_what_is_no_coverage_is_told_with_its_line(text: str, words: str, tmp_path: Path) -> None:
    held, (problem,) = files.each([written(tmp_path, text, "coverage")], coverage.read)
    assert not held and problem.startswith("coverage:") and words in problem


def test_a_file_is_known_by_its_beginning(tmp_path: Path) -> None:
    known = {
        "a.xml": JUNIT,
        "b.xml": COBERTURA,
        "c.json": OF_COVERAGE_PY,
        "d.info": LCOV,
        "e.xml": "<a/>",
        "f.json": "{}",
    }
    kinds = {name: files.kind(written(tmp_path, text, name)) for name, text in known.items()}
    assert kinds == dict(zip(known, ["junit", "coverage", "coverage", "coverage", None, None], strict=True))


TESTS = """
import pytest

@pytest.fixture
def broken():
    raise OSError("no disk")

@pytest.fixture
def untidy():
    yield
    raise OSError("left open")

def test_passes(): pass
def test_fails(): assert 1 == 2, "not <one>"
def test_is_not_set_up(broken): pass
def test_is_not_cleared_away(untidy): pass
@pytest.mark.skip(reason="no browser")
def test_is_skipped(): pass
@pytest.mark.xfail
def test_is_known_to_fail(): assert False
class TestSizes:
    @pytest.mark.parametrize("size", [1, "\\x00"])
    def test_size(self, size): pass
"""


def test_what_pytest_writes_is_read(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    written(tmp_path, TESTS, "test_all.py")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--junitxml", "junit.xml", "test_all.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    found = junit.read(tmp_path / "junit.xml")
    outcomes = {outcome: [one.name for one in found.of(outcome)] for outcome in ("failed", "error", "skipped")}
    assert outcomes == {
        "failed": ["test_fails"],
        "error": ["test_is_not_set_up", "test_is_not_cleared_away"],
        "skipped": ["test_is_skipped", "test_is_known_to_fail"],
    }
    assert "not <one>" in found.of("failed")[0].message and "no disk" in found.of("error")[0].message
    assert [one.classname for one in found.of("passed")][-2:] == ["test_all.TestSizes"] * 2
    assert found.at is not None
