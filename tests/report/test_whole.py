"""The whole report in one file: every phase as a fold, why records differ, what mends and re-runs a check."""

import re
from pathlib import Path

import pytest

from dsaudit import report
from dsaudit.parameters import Part
from dsaudit.report import cards
from dsaudit.verdict import Status
from tests.report import runs
from tests.report.writing import report_of, text_of, written

TITLES = (
    *("Configuration", "Sync coverage", "Webhooks", "Deduplication"),
    *("Accuracy", "Realtime", "Performance", "Documentation"),
)


@pytest.fixture(scope="module")
def no_go(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return written(tmp_path_factory.mktemp("no_go"), runs.result(runs.NO_GO, runs.EXPLAINS))


# The phases in the report


def test_the_report_holds_every_phase_folded(no_go: dict[str, str]) -> None:
    page = no_go["report"]
    folds = re.findall(r'<details class="phase ds-(\w+)">\n<summary><h2>(.*?)</h2> (.*?)</summary>', page)
    assert [title for _, title, _ in folds] == [f"0{number} {title}" for number, title in enumerate(TITLES, 1)]
    assert ("fail", "✗ 2 fail ✓ 2 pass") in [(status, text_of(told).strip()) for status, _, told in folds]
    assert page.count("<details") == page.count("</details>")
    for fold in page.split('<details class="phase')[1:]:
        assert '<div class="prose"><h3>' in fold and '<details class="code">' in fold
    links = re.findall(r'href="#(ds-phase-\w+)"', page[page.index('<nav class="strip"') : page.index("</nav>")])
    assert links == [f"ds-phase-{name}" for name in sorted(set(no_go) - {"report"})]


def test_a_card_that_stands_above_is_linked_to_and_not_repeated(no_go: dict[str, str]) -> None:
    page = no_go["report"]
    folds = page[page.index('<section id="ds-phases">') :]
    for check, status in runs.NO_GO.items():
        assert (f'id="{check}"' in folds) == (status is Status.SKIPPED)
        link = f'<a href="#{check}">Its card</a>'
        assert folds.count(link) == (status is not Status.SKIPPED), check
    assert "Its card" not in no_go["05_accuracy"]


def test_what_a_notebook_marks_for_the_front_stands_before_the_phases(no_go: dict[str, str]) -> None:
    page = no_go["report"]
    assert page.count("<img") == 1
    front = page[page.index('<section id="ds-coverage">') : page.index('<section id="ds-passes">')]
    assert "<img" in front and 'href="#ds-phase-07_performance"' in front
    assert "before the phases" in page[page.index('id="ds-phase-07_performance"') :]
    assert "before the phases" not in no_go["07_performance"]


def test_a_phase_that_is_too_large_is_left_to_its_own_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MOST_SIZE", 20_000)
    pages = written(tmp_path, runs.result(runs.NO_GO))
    page = pages["report"]
    assert "would make this file too large to mail. It is on its own page, phases/08_documentation.html." in page
    assert "too large" not in page[: page.index('id="ds-phase-02')]  # what there is room for is there
    assert all(page.count(f'id="{check["check"]}"') == 1 for check in runs.TERMS["checks"])


# What mends it, and what changed


def test_each_card_says_how_to_run_its_check_again(no_go: dict[str, str]) -> None:
    for name in ("orphans", "null_hashes"):
        card = no_go["report"][no_go["report"].index(f'id="{name}"') :].partition("</section>")[0]
        assert f'<pre class="ds-copied">dsaudit run parameters/acme.yml --check {name}</pre>' in card
    assert "<dd><code>dsaudit run parameters/acme.yml</code></dd>" in no_go["report"]


def test_the_command_is_that_of_the_run(tmp_path: Path) -> None:
    record = runs.result()
    record["parameters"] |= {"path": "my files/a.yml", "overrides": {"policy.x": "a b"}}
    record["parameters"]["values"]["blueprints"] = ["datasource", "other"]
    record["run"]["part"] = Part.given(["order"], ["acme"], since="2026-11-01").to_json()
    record["plan"][0]["acts"] = "changes a record"
    check = record["plan"][0]["check"]
    assert cards.again(record, check) == (
        f"dsaudit run 'my files/a.yml' --blueprint datasource --check {check} --resource order --tenant acme "
        "--since 2026-11-01 --set 'policy.x=a b' --live"
    )
    assert "--live" not in cards.again(record, record["plan"][1]["check"])
    del record["parameters"]["path"]
    assert cards.again(record, check) == "" and "Run it again" not in report_of(tmp_path, record)


def test_causes_stand_before_the_failures_in_plain_words(tmp_path: Path) -> None:
    record = runs.result(runs.NO_GO, runs.EXPLAINS)
    told = {verdict["check"]: verdict for verdict in record["verdicts"]}
    told["orphans"]["causes"] = {"TOPIC_NOT_SUBSCRIBED": 3, "UNEXPLAINED": 1}
    told["source_missing_in_refined"]["causes"] = {"TOPIC_NOT_SUBSCRIBED": 1200, "SOMETHING_NEW": 2}
    page = report_of(tmp_path, record)
    assert page.index('id="ds-criteria"') < page.index('id="ds-causes"') < page.index('id="ds-failures"')
    part = page[page.index('<section id="ds-causes">') : page.index('<section id="ds-failures">')]
    assert "not sent The source did not send it, or was not asked for it. 1 203 1 200:" in text_of(part)
    assert "Register the missing topics again, then fetch what they did not tell TOPIC_NOT_SUBSCRIBED" in text_of(part)
    assert "unexplained No cause is proven. Look at these first. 3" in text_of(part)
    assert part.count('href="#orphans"') == part.count('href="#source_missing_in_refined"') == 2
    assert 'id="ds-causes"' not in report_of(tmp_path, runs.result(runs.NO_GO))


def test_what_is_no_fault_is_said_to_be_none(tmp_path: Path) -> None:
    record = runs.result()
    record["verdicts"][0]["causes"] = {"IN_FLIGHT": 2}
    assert "late (no fault)" in text_of(report_of(tmp_path, record))


def test_what_changed_since_the_last_run_is_told_by_check(tmp_path: Path) -> None:
    record = runs.result(runs.NO_GO)
    record["changes"]["checks"] = {
        "orphans": {"new": 2, "known": 0, "fixed": 1},
        "null_hashes": {"new": 0, "known": 0, "fixed": 3},
        "shared_hashes": {"new": 0, "known": 0, "fixed": 0},
    }
    page = report_of(tmp_path, record)
    part = page[page.index('<section id="ds-since">') : page.index('<section id="ds-passes">')]
    assert "Rows of 2 checks, compared with the run 20261120T060000Z-0a20 of 2026-11-20 06:00" in text_of(part)
    assert re.findall(r'href="#(\w+)".*?<td[^>]*>(\d)</td><td[^>]*>(\d)</td><td[^>]*>(\d)</td>', part) == [
        ("orphans", "2", "0", "1"),
        ("null_hashes", "0", "0", "3"),
    ]
    card = page[page.index('id="orphans"') :].partition("</section>")[0]
    assert "since the last run 2 new, 1 fixed" in text_of(card)


def test_parameters_stand_in_the_provenance(no_go: dict[str, str]) -> None:
    fold = no_go["report"].partition('<details class="parameters">')[2].partition("</details>")[0]
    assert "integration: acme-shopify\ndatabase:\n  url_env: AUDIT_URL\n" in fold
