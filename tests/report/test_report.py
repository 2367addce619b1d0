"""The pages say what the result says, in an order that a reviewer can read."""

import base64
import hashlib
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_output

from dsaudit import report
from dsaudit.audit.display import Shown
from dsaudit.exports import summary
from dsaudit.report.document import styles
from dsaudit.verdict import Status
from dsaudit.wording import span
from tests.report import runs
from tests.report.reading import Page, dangers
from tests.report.writing import banner_of, report_of, text_of, written


@pytest.fixture(scope="module")
def no_go(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return written(tmp_path_factory.mktemp("no_go"), runs.result(runs.NO_GO, runs.EXPLAINS))


# The page


def test_every_page_lets_in_its_own_style_sheet_and_nothing_else(no_go: dict[str, str]) -> None:
    for page in no_go.values():
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
        blocks = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(blocks[0].encode()).digest()).decode()
        assert len(blocks) == 1 and policy
        assert policy[1] == (
            f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        )
        assert page.index("Content-Security-Policy") < min(page.index("<title"), page.index("<style"))
        assert dangers(page) == []


def test_every_page_can_be_read_without_seeing_it(no_go: dict[str, str]) -> None:
    for name, text in no_go.items():
        page = Page(text)
        levels = [int(one.tag[1]) for one in page.elements if re.fullmatch("h[1-6]", one.tag)]
        assert levels.count(1) == 1 and levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels)), name
        names = [one.attributes["id"] for one in page.elements if "id" in one.attributes]
        assert len(set(names)) == len(names)
        tables = sum(one.tag == "table" for one in page.elements)
        assert tables == sum(one.tag == "caption" for one in page.elements)
        assert all(one.attributes.get("scope") for one in page.elements if one.tag == "th")
        assert all(one.attributes.get("alt") for one in page.elements if one.tag == "img")
        assert all(f'id="{target}"' in text for target in re.findall(r'href="#([^"]+)"', text))


def test_every_card_stands_once_and_links_lead_to_it(no_go: dict[str, str]) -> None:
    page = no_go["report"]
    for check in runs.TERMS["checks"]:
        assert len(re.findall(rf'<section class="ds-card ds-\w+" id="{check["check"]}">', page)) == 1
    # Each fold, the list of what passed and the sentence at a notebook's end lead there.
    assert all(page.count(f'href="#{check["check"]}"') >= 1 for check in runs.TERMS["checks"])


def test_links_to_other_files_lead_to_files(tmp_path: Path) -> None:
    pages = written(tmp_path, runs.result(runs.NO_GO, runs.EXPLAINS))
    links = set(re.findall(r'href="([^"#]+)', pages["report"]))
    assert links == {f"phases/{name}.html" for name in set(pages) - {"report"}}
    assert all((tmp_path / link).is_file() for link in links)
    for name in set(pages) - {"report"}:
        assert all((tmp_path / "phases" / link).is_file() for link in re.findall(r'href="([^"#]+)', pages[name]))


def channels(colour: str) -> list[float]:
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    return [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]


def brightness(rgb: list[float]) -> float:
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_contrast_is_enough(mode: int) -> None:
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", styles())
    colours = {(name, pair[mode]) for name, *pair in pairs if name in {"ds-c", "ds-soft", "ink", "soft", "accent"}}
    papers = {pair[mode] for name, *pair in pairs if name in {"paper", "panel"}}
    assert len(colours) >= 8 and len(papers) == 2
    for paper in papers:
        for _, tint in {one for one in colours if one[0] == "ds-c"}:
            mixed = [0.94 * a + 0.06 * b for a, b in zip(channels(paper), channels(tint), strict=True)]
            for name, colour in colours:
                dark, bright = sorted([brightness(channels(colour)), brightness(mixed)])
                assert (bright + 0.05) / (dark + 0.05) >= 4.5, (name, colour, paper, tint)


# The first screen


def test_the_banner_answers_what_a_reviewer_asks(no_go: dict[str, str]) -> None:
    banner = banner_of(no_go["report"])
    told = text_of(banner)
    assert "✗ NO-GO acme-shopify, staging" in told
    assert "✗ 4 fail ! 1 error ? 1 inconclusive ✓ 17 pass ◌ 1 waived – 2 not run of 26 checks" in told
    assert "NO-GO since 2026-11-18 06:00 UTC, 4 runs in a row." in told
    assert "Rows found since the last whole run: 2 new, 13 known, 4 fixed." in told
    assert "What was not audited 2 checks not run: the parameter file has no source" in told
    assert "2 checks could not be decided" in told
    assert "acme, nordlicht" in told and "2026-11-20 14:02:58 UTC" in told and runs.RUN in told
    first = re.findall(r'<li><a href="#(\S+)">[^<]*: not so', banner)[0]
    assert first == "wanted_topics_registered"
    assert "To mend it: re-read the ids above from the source and ingest them." in told
    assert "Waived by data platform until 2026-12-01: No two objects share a content hash." in told
    assert "Reason: backfill runs next week." in told
    assert "On the final checklist: 2 open, for reviewer, integration owner" in told
    assert runs.NONCE not in "".join(no_go.values())


@pytest.mark.parametrize(
    ("statuses", "given", "decision", "kind"),
    [
        ({}, {}, "✓ GO", "ds-pass"),
        ({}, {"limits": ["narrowed to 3 checks by the command line"]}, "✓ GO for a part only", "ds-pass"),
        ({"null_hashes": Status.ERROR}, {}, "? INCONCLUSIVE", "ds-inconclusive"),
        ({}, {"problems": ["05_accuracy did not reach its end"]}, "? INCONCLUSIVE", "ds-inconclusive"),
        ({"null_hashes": Status.FAIL}, {}, "✗ NO-GO", "ds-fail"),
    ],
)
def test_the_banner_has_word_sign_and_colour(
    tmp_path: Path, statuses: dict[str, Status], given: dict[str, Any], decision: str, kind: str
) -> None:
    banner = banner_of(report_of(tmp_path, runs.result(statuses, **given)))
    assert f'class="banner {kind}"' in banner
    assert f"{decision} acme-shopify" in text_of(banner)
    for limit in given.get("limits", []) + given.get("problems", []):
        assert limit[:1].upper() + limit[1:] in banner


def test_a_go_of_few_checks_says_so(tmp_path: Path) -> None:
    names = [check["check"] for check in runs.TERMS["checks"]]
    record = runs.result(dict.fromkeys(names[:20], Status.SKIPPED))
    told = text_of(banner_of(report_of(tmp_path, record)))
    assert "✓ GO: 6 of 26 checks ran acme-shopify, staging" in told
    assert "Only 6 of 26 checks ran: the parameter file has no source (the provider's API)." in told
    assert summary.markdown(record).startswith("## GO: 6 of 26 checks ran: acme-shopify")
    half = runs.result(dict.fromkeys(names[:13], Status.SKIPPED))
    assert "checks ran" not in report_of(tmp_path, half)


def test_a_role_that_can_write_is_told_loudly(tmp_path: Path) -> None:
    instant = {**runs.result()["instant"], "may_write": ["it is a superuser"]}
    banner = banner_of(report_of(tmp_path, runs.result(instant=instant)))
    assert '<ul class="warnings"' in banner and "can write here: it is a superuser" in banner
    assert "can write" not in report_of(tmp_path, runs.result())


def test_problems_beyond_the_reasons_are_still_told(tmp_path: Path) -> None:
    problems = [f"phase {number} did not reach its end" for number in range(5)]
    banner = banner_of(report_of(tmp_path, runs.result(problems=problems)))
    assert all(banner.count(problem) == 1 for problem in problems)


def test_the_first_run_has_nothing_to_compare_with(tmp_path: Path) -> None:
    changes = {"against": None, "new": 0, "known": 0, "fixed": 0, "since": "2026-11-20T14:03:32+00:00"}
    told = text_of(banner_of(report_of(tmp_path, runs.result(history=[], changes=changes))))
    assert "GO at the first run; nothing to compare with." in told


# What follows


def test_sections_stand_in_their_order(no_go: dict[str, str]) -> None:
    names = re.findall(r'<section id="ds-([\w-]+)">', no_go["report"])
    assert names == [
        *("criteria", "failures", "unknown", "waived", "coverage", "passes", "skipped"),
        *("detection", "checklist", "runs", "times", "not-shown", "provenance", "phases"),
    ]


def test_the_slowest_checks_are_listed_with_their_time(tmp_path: Path) -> None:
    record = runs.result()
    for place, verdict in enumerate(record["verdicts"], 1):
        verdict["seconds"] = place / 10
    page = report_of(tmp_path, record)
    part = page[page.index('id="ds-times"') : page.index('id="ds-not-shown"')]
    told = [re.sub("<.*?>", "", cell) for cell in re.findall(r'<td[^>]* class="ds-number">.*?</td>', part)]
    count = len(record["verdicts"])
    assert told == [span(place / 10) for place in range(count, count - 10, -1)]
    assert text_of(part).count(record["verdicts"][-1]["claim"]) == 1


def test_consequences_stand_folded_under_their_root(no_go: dict[str, str]) -> None:
    part = no_go["report"]
    part = part[part.index('id="ds-failures"') : part.index('id="ds-unknown"')]
    explained = part[part.index('<details class="explained">') :]
    assert part.index('id="wanted_topics_registered"') < part.index("Would follow from it: 2 further failing checks")
    assert 'id="source_missing_in_refined"' in explained and 'id="orphans"' in explained
    assert len(re.findall('class="ds-card ds-fail"', part)) == 4


def test_failures_that_explain_each_other_are_all_shown(tmp_path: Path) -> None:
    failing = dict.fromkeys(("orphans", "fields_differ", "null_hashes"), Status.FAIL)
    circle = {"orphans": ["fields_differ"], "fields_differ": ["orphans"]}
    page = report_of(tmp_path, runs.result(failing, circle))
    assert all(page.count(f'class="ds-card ds-fail" id="{name}"') == 1 for name in failing)
    assert "Would follow from it" not in page  # neither is the other's root


def test_criteria_have_target_actual_status_and_trend(no_go: dict[str, str]) -> None:
    told = text_of(no_go["report"])
    assert "Metric Target Actual Status Last runs" in told
    assert re.search(r"Data accuracy ≥ 99 % 99\.\d+ % match ✗ fail", told)
    assert 'aria-label="pass, pass, pass, pass, fail, fail, fail, fail"' in no_go["report"]


def test_the_checklist_leaves_to_people_what_is_theirs(no_go: dict[str, str]) -> None:
    told = text_of(no_go["report"])
    assert "☐ open Code reviewed by a senior engineer — owner: reviewer" in told
    assert "✓ pass All scopes granted" in told and "✗ fail Data accurate" in told


def test_waivers_are_told_with_owner_and_end(no_go: dict[str, str]) -> None:
    assert "Waived by data platform until 2026-12-01:" in text_of(no_go["report"])


def test_uncommitted_code_is_told(tmp_path: Path) -> None:
    run = {**runs.result()["run"], "dirty": True}
    assert "with changes that are not committed" in report_of(tmp_path, runs.result(run=run))


# The phases


def test_each_phase_page_has_the_banner_and_the_way_to_the_others(no_go: dict[str, str]) -> None:
    names = sorted(set(no_go) - {"report"})
    assert len(names) == 8
    for name in names:
        banner = banner_of(no_go[name])
        assert 'class="banner phase ds-' in banner and "the whole run:" in banner and "✗ NO-GO" in banner
        assert "../report.html" in no_go[name] and all(f'href="{other}.html"' in no_go[name] for other in names)
    assert "✗ FAIL 05 Accuracy" in text_of(banner_of(no_go["05_accuracy"]))
    assert "✓ PASS 08 Documentation" in text_of(banner_of(no_go["08_documentation"]))


def test_each_check_has_its_card_once(no_go: dict[str, str]) -> None:
    for check in runs.TERMS["checks"]:
        assert no_go[check["phase"]].count(f'id="{check["check"]}"') == 1


def test_verdicts_come_from_the_result(tmp_path: Path) -> None:
    """The notebook shows a pass; the record that counts says fail, since a waiver expired."""
    shown = runs.result()
    runs.write_notebooks(tmp_path, shown)
    counted = runs.result({"null_hashes": Status.FAIL})
    report.write(tmp_path, counted)
    page = (tmp_path / "phases" / "04_deduplication.html").read_text(encoding="utf-8")
    assert 'class="ds-card ds-fail" id="null_hashes"' in page
    assert "✗ FAIL 04 Deduplication" in text_of(banner_of(page))


def test_plots_and_tables_stay(no_go: dict[str, str]) -> None:
    page = Page(no_go["07_performance"])
    pictures = [one.attributes for one in page.elements if one.tag == "img"]
    assert [one["alt"] for one in pictures] == ["Records an hour; none between 13:02 and 14:01"]
    assert base64.b64decode(pictures[0]["src"].partition(",")[2]).startswith(b"\x89PNG")
    assert "Records by source" in text_of(no_go["07_performance"])
    assert len(page.having("ds-table")) == 2


def test_a_plot_says_in_words_what_stands_out(tmp_path: Path) -> None:
    picture = {"image/png": base64.b64encode(runs.plot()).decode()}
    alternative = {"image/png": {"alt": "Records <an> hour: none between 13:02 and 14:01."}}
    shown = new_output("display_data", picture, metadata=alternative)
    page = written(tmp_path, runs.result(), {"06_realtime": [shown]})["06_realtime"]
    assert '<figcaption aria-hidden="true">None between 13:02 and 14:01.</figcaption>' in page
    assert 'alt="Records &lt;an&gt; hour: none between' in page


def test_code_cells_that_follow_each_other_are_one_fold(no_go: dict[str, str]) -> None:
    page = no_go["07_performance"]
    folds = re.findall(r'<details class="code"><summary>Code</summary><pre>(.*?)</pre></details>', page, re.DOTALL)
    assert [fold for fold in folds if "ingest_by_source" in fold and "ingest_over_time" in fold]
    assert not re.search(r"</details>\s*<details class=\"code\">", page)


def test_each_phase_says_in_the_end_what_it_found(no_go: dict[str, str], tmp_path: Path) -> None:
    told = text_of(no_go["03_webhooks"])
    assert "2 checks failed" in told or "1 check failed" in told
    last = no_go["03_webhooks"].rpartition('<details class="code">')[2]
    assert re.findall(r'<li>✗ fail, [^:]*: <a href="#(\w+)">', last)[0] == "wanted_topics_registered"
    clean = written(tmp_path, runs.result())["03_webhooks"].rpartition('<details class="code">')[2]
    assert re.search(r"<p>Nothing that speaks against it: \d+ checks passed\.</p>", clean)


def test_columns_that_hold_nothing_are_left_out_and_named() -> None:
    columns = [{"name": name} for name in ("scope", "missing_at", "rows", "hides")]
    shown = Shown("Scopes", columns, [["read_orders", "", 0, None], ["read_refunds", "", 0, ""]], 2).without_empty()
    page = Page(shown._repr_mimebundle_()["text/html"])
    assert [one.attributes for one in page.elements if one.tag == "th"] == [
        {"scope": "col"},
        {"scope": "col", "class": "ds-number"},
    ]
    assert "Scopes; empty and left out: missing at, hides" in page.words
    nothing = Shown("Scopes", columns, [], 0)
    assert nothing.without_empty() is nothing


def test_a_phase_without_a_notebook_has_a_page(tmp_path: Path) -> None:
    record = runs.result({"null_hashes": Status.INCONCLUSIVE})
    runs.write_notebooks(tmp_path, record)
    record["phases"][3]["ended_by"] = "DeadKernelError: the kernel died or did not answer"
    (tmp_path / "phases" / "04_deduplication.ipynb").unlink()
    (tmp_path / "phases" / "05_accuracy.ipynb").write_text('{"cells": [{"cell_ty')
    report.write(tmp_path, record)
    lost = (tmp_path / "phases" / "04_deduplication.html").read_text(encoding="utf-8")
    assert "This phase did not reach its end: DeadKernelError" in banner_of(lost)
    assert "Checks that the notebook does not show" in lost and 'id="null_hashes"' in lost
    half = (tmp_path / "phases" / "05_accuracy.html").read_text(encoding="utf-8")
    assert "no executed notebook that can be read" in half and 'id="orphans"' in half


def test_a_phase_that_ended_early_is_not_green(tmp_path: Path) -> None:
    record = runs.result()
    record["phases"][7]["ended_by"] = "KeyError in a cell"
    banner = banner_of(written(tmp_path, record)["08_documentation"])
    assert "? INCONCLUSIVE 08 Documentation" in text_of(banner)


def test_an_exception_is_named_and_its_text_is_not(tmp_path: Path) -> None:
    failed = new_output(
        "error", ename="KeyError", evalue="ann@example.com", traceback=["Key (email)=(ann@example.com)"]
    )
    page = written(tmp_path, runs.result(), {"08_documentation": [failed]})["08_documentation"]
    assert "KeyError stopped this cell." in page and "08_documentation.ipynb" in page
    assert "ann@example.com" not in page


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, no_go: dict[str, str]) -> None:
    assert written(tmp_path, runs.result(runs.NO_GO, runs.EXPLAINS)) == no_go


def test_without_phases_only_the_report_is_written(tmp_path: Path) -> None:
    report.write(tmp_path, runs.result(runs.NO_GO), phases=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html"]
    assert "phases/" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_what_a_kernel_says_of_its_phase_becomes_no_path(tmp_path: Path) -> None:
    record = runs.result()
    record["verdicts"][0]["phase"] = "../../outside"
    folder = tmp_path / "reports" / "run"
    folder.mkdir(parents=True)
    report.write(folder, record)
    assert not list(tmp_path.rglob("outside*"))
