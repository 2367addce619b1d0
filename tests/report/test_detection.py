"""A report says how much of what was planted the audit finds, what it misses, and when that was measured."""

import json
from pathlib import Path
from typing import Any

import pytest

from dsaudit.evidence.provenance import finder
from dsaudit.exports import summary, text
from dsaudit.report import detection
from dsaudit.report.detection import TITLE
from dsaudit.verdict import Status
from tests.report import hostile, runs
from tests.report.reading import dangers
from tests.report.writing import banner_of, report_of, text_of


def part_of(page: str) -> str:
    """The section of a page, and that it is there."""
    return page[page.index('<section id="ds-detection">') : page.index('<section id="ds-checklist">')]


def told(tmp_path: Path, record: dict[str, Any]) -> str:
    return text_of(part_of(report_of(tmp_path, record))).replace("\xa0", " ").strip()


def test_the_rates_stand_with_their_intervals(tmp_path: Path) -> None:
    record = runs.result(detection=runs.detection())
    page = report_of(tmp_path, record)
    words = told(tmp_path, record)
    assert words.startswith(f"{TITLE} To try this audit, faults were planted")
    assert (
        "298 of 300 planted faults of 60 kinds were found (99.3 %, 95 % interval 97.6 to 99.9 %). "
        "No false alarm in 100 clean runs (0 %, at most 3.7 %). "
        "297 of 300 had the check named first that has to find them (99.0 %, 95 % interval 97.1 to 99.7 %). "
        "119 of 120 had the right cause told (99.2 %, 95 % interval 95.4 to 99.9 %). "
        "372 of 400 ways to break a check, of all blueprints, were noticed"
    ) in words
    shown = '<dt>Own detection rate</dt><dd><a href="#ds-detection">99.3 % of planted faults found</a></dd>'
    assert shown in banner_of(page)


def test_what_is_missed_is_named(tmp_path: Path) -> None:
    words = told(tmp_path, runs.result(detection=runs.detection()))
    assert "What this audit is known to miss storefront/late_delete, seeds 1, 4: orphans did not tell of it" in words
    words = told(tmp_path, runs.result(detection=runs.detection(survivors=[])))
    assert "Nothing that was planted is known to be missed." in words
    many = [{"kind": f"storefront/fault_{one}", "seed": 1, "what": "not seen"} for one in range(30)]
    page = part_of(report_of(tmp_path, runs.result(detection=runs.detection(survivors=many))))
    assert page.count("not seen") == 30 and "<summary>18 more</summary>" in page


def test_false_alarms_are_told(tmp_path: Path) -> None:
    words = told(tmp_path, runs.result(detection=runs.detection(false_alarms=2)))
    assert "A false alarm in 2 of 100 clean runs (2.0 %, 95 % interval 0.5 to 7.1 %)" in words
    words = told(tmp_path, runs.result(detection=runs.detection(clean_runs=0)))
    assert "False alarms were not looked for: there was no clean run." in words


@pytest.mark.parametrize(
    ("changes", "said", "short"),
    [
        ({}, "easured on 2026-11-28 with dsaudit 0.1.0, the code of this run.", ""),
        ({"is_same_code": False}, "; what finds has changed since, so this run may find more or less.", "other code"),
        ({"version": "0.0.9"}, "0.0.9; this run is of 0.1.0, whose checks may find more or less.", "other code"),
    ],
)
def test_figures_of_other_code_say_so(tmp_path: Path, changes: dict[str, Any], said: str, short: str) -> None:
    record = runs.result(detection=runs.detection(**changes))
    assert said in told(tmp_path, record)
    assert short in detection.in_short(record) and ("other code" in detection.in_short(record)) is bool(short)
    assert said.rstrip(".") in detection.in_words(record)


def test_checks_that_did_not_run_here_are_taken_off(tmp_path: Path) -> None:
    words = told(tmp_path, runs.result({"orphans": Status.SKIPPED}, detection=runs.detection()))
    assert "In this run 1 of the 2 checks that have to find them did not run: for 3 kinds nobody looked." in words
    record = runs.result({"orphans": Status.SKIPPED}, detection=runs.detection())
    assert "; in this run 1 of the 2 checks that have to find them did not run" in detection.in_words(record)
    assert "nobody looked" not in told(tmp_path, runs.result({"orphans": Status.FAIL}, detection=runs.detection()))


@pytest.mark.parametrize("given", [{}, {"detection": None}], ids=["an older run", "no figures"])
def test_what_was_not_measured_has_no_rate(tmp_path: Path, given: dict[str, Any]) -> None:
    record = runs.result(**given)
    said = "It has not been measured for the blueprint datasource of this version of dsaudit, 0.1.0"
    assert told(tmp_path, record) == f"{TITLE} {said}."
    assert "Own detection rate" not in report_of(tmp_path, record)
    assert said in text.report(record)
    assert "detection" not in summary.markdown(record)


def test_the_exports_tell_it_in_one_line() -> None:
    record = runs.result(detection=runs.detection())
    line = (
        "298 of 300 planted faults of 60 kinds were found (99.3 %, 95 % interval 97.6 to 99.9 %); no false alarm in "
        "100 clean runs (0 %, at most 3.7 %); it is known to miss storefront/late_delete; measured on 2026-11-28 with "
        "dsaudit 0.1.0, the code of this run"
    )
    assert f"{TITLE}\n{'-' * len(TITLE)}\n{line}\n" in text.report(record)
    assert f"{TITLE}: " in summary.markdown(record) and "298 of 300 planted faults" in summary.markdown(record)


def test_nothing_of_the_figures_can_act(tmp_path: Path) -> None:
    for payload in hostile.PAYLOADS:
        survivor = {"kind": payload, "seed": 1, "what": payload}
        record = runs.result(detection=runs.detection(measured=payload, version=payload, survivors=[survivor]))
        assert dangers(report_of(tmp_path, record)) == []


def test_figures_that_are_broken_cost_their_own_place(tmp_path: Path) -> None:
    page = report_of(tmp_path, runs.result(detection={"kinds": "many"}))
    assert f"{TITLE} cannot be shown; sign nothing by this page" in text_of(banner_of(page))
    assert "GO acme-shopify" in text_of(banner_of(page)) and 'id="ds-checklist"' in page


def test_a_run_takes_the_figures_of_its_blueprint(tmp_path: Path) -> None:
    file = tmp_path / "detection.json"
    assert detection.measured("datasource", file) is None
    general = {name: runs.detection()[name] for name in ("measured", "version", "mutants")}
    own = {name: value for name, value in runs.detection().items() if name not in {*general, "is_same_code"}}
    record = {**general, "code": finder(), "figures": "0" * 64, "blueprints": {"datasource": own}}
    file.write_text(json.dumps(record), encoding="utf-8")
    assert detection.measured("datasource", file) == runs.detection()
    assert detection.measured("partial_import", file) is None
    file.write_text(json.dumps({**record, "code": "another"}), encoding="utf-8")
    assert detection.measured("datasource", file) == runs.detection(is_same_code=False)
