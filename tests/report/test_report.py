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
from dsaudit.parameters import Part
from dsaudit.report import cards, outputs
from dsaudit.report.document import styles
from dsaudit.verdict import Status
from tests.report import runs
from tests.report.reading import Page, dangers

TITLES = (
    *("Configuration", "Sync coverage", "Webhooks", "Deduplication"),
    *("Accuracy", "Realtime", "Performance", "Documentation"),
)


def written(folder: Path, record: dict[str, Any], extra: dict[str, list[Any]] | None = None) -> dict[str, str]:
    """Write notebooks and report; return the pages by name."""
    runs.write_notebooks(folder, record, extra)
    report.write(folder, record)
    return {path.stem: path.read_text(encoding="utf-8") for path in folder.rglob("*.html")}


@pytest.fixture(scope="module")
def no_go(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return written(tmp_path_factory.mktemp("no_go"), runs.result(runs.NO_GO, runs.EXPLAINS))


def report_of(tmp_path: Path, record: dict[str, Any]) -> str:
    report.write(tmp_path, record, phases=False)
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def banner_of(page: str) -> str:
    return page[page.index("<header") : page.index("</header>")]


def text_of(html: str) -> str:
    """The words of some HTML, with one space between them and none before a comma or a full stop."""
    return re.sub(r" (?=[,.])", "", re.sub(r"\s+", " ", " ".join(Page(html).words)))


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
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").startswith("## GO: 6 of 26 checks ran: acme-shopify")
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
        *("checklist", "runs", "not-shown", "provenance", "phases"),
    ]


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
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "summary.md"]
    assert "phases/" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_what_a_kernel_says_of_its_phase_becomes_no_path(tmp_path: Path) -> None:
    record = runs.result()
    record["verdicts"][0]["phase"] = "../../outside"
    folder = tmp_path / "reports" / "run"
    folder.mkdir(parents=True)
    report.write(folder, record)
    assert not list(tmp_path.rglob("outside*"))


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


# What breaks


@pytest.mark.parametrize(
    "broken",
    [
        {"results": None},
        {"status": "splendid"},
        {"rows": [[{"masked": 1}]], "columns": [{"name": "a"}]},
        {"causes": None},
        {"claim": "x", "limits": 7},
        {"phase": "../../outside", "query": None},
    ],
)
def test_a_broken_record_costs_its_own_card_and_the_green(tmp_path: Path, broken: dict[str, Any]) -> None:
    record = runs.result()
    record["verdicts"][3] |= broken
    check = record["verdicts"][3]["check"]
    pages = written_again(tmp_path, record)
    page = pages["report"]
    banner = banner_of(page)
    assert 'class="banner ds-inconclusive"' in banner and "✓ GO" in text_of(banner)  # the decision is the record's
    assert f"The record of {check} cannot be shown; sign nothing by this page" in text_of(banner)
    assert f'<section class="ds-card ds-error" id="{check}">' in page and "Its record in result.json" in page
    assert all(page.count(f'id="{one["check"]}"') == 1 for one in runs.TERMS["checks"])
    assert page.count('class="ds-card ds-pass"') == len(runs.TERMS["checks"]) - 1
    phase = pages[record["plan"][3]["phase"]]
    assert "✗" not in phase and 'class="banner phase ds-error"' in phase


def written_again(folder: Path, record: dict[str, Any]) -> dict[str, str]:
    """Write a report of notebooks that are whole, from a record that is not."""
    runs.write_notebooks(folder, runs.result())
    report.write(folder, record)
    return {path.stem: path.read_text(encoding="utf-8") for path in folder.rglob("*.html")}


def test_a_verdict_that_is_missing_is_an_error(tmp_path: Path) -> None:
    record = runs.result()
    lost = record["verdicts"].pop(2)
    page = written_again(tmp_path, record)["report"]
    assert f'<section class="ds-card ds-error" id="{lost["check"]}">' in page and "(it is missing)" in page


@pytest.mark.parametrize("key", ["criteria", "checklist", "history"])
def test_a_broken_section_costs_no_other(tmp_path: Path, key: str) -> None:
    record = {**runs.result(runs.NO_GO), key: 7}
    page = report_of(tmp_path, record)
    assert "cannot be shown (TypeError)" in page or "cannot be shown (AttributeError)" in page
    assert all(page.count(f'id="{check["check"]}"') == 1 for check in runs.TERMS["checks"])
    assert "cannot be shown" in banner_of(page) and "NO-GO" in banner_of(page)
    assert dangers(page) == []


def test_without_a_first_screen_the_page_is_no_go_at_all(tmp_path: Path) -> None:
    page = report_of(tmp_path, {**runs.result(), "instant": None})
    banner = banner_of(page)
    assert 'class="banner ds-error"' in banner and "This report is not whole" in banner
    assert "The decision on record is GO. Sign nothing by this page" in banner
    assert page.count("<td") > 26


def test_an_output_that_breaks_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaking(html: str) -> str:
        return str(1 / (0 if "breaks" in html else 1)) and html

    monkeypatch.setattr(outputs, "cleaned", breaking)
    shown = [new_output("display_data", {"text/html": word}) for word in ("<p>whole</p>", "<p>breaks</p>")]
    pages = written(tmp_path, runs.result(), {"05_accuracy": shown})
    for page in (pages["report"], pages["05_accuracy"]):
        assert "An output cannot be shown (ZeroDivisionError); it is in 05_accuracy.ipynb." in page
        assert page.count("<p>whole</p>") == 1 and page.count('id="orphans"') == 1
