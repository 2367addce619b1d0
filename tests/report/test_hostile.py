"""Nothing from the data can run, load, lead away or forge in a report: told from the pages' own markup."""

from pathlib import Path
from typing import Any

import pytest

from dsaudit import report
from dsaudit.report import outputs
from tests.report import hostile, runs
from tests.report.reading import Page, dangers

# What the runner itself decides, and no data can fill.
FIXED = {"status", "decision", "check", "checks", "phase", "name", "path", "order", "consequences", "plan", "schema"}
SCREEN = ("ds-badge", "ds-card", "banner")


def filled(node: Any, text: str, key: str = "") -> Any:
    """A result with `text` in the place of every string that is not fixed, keys of scopes and causes too."""
    if key in FIXED:
        return node
    if isinstance(node, dict):
        names = {name: text if key in ("scope", "causes", "versions") else name for name in node}
        return {names[name]: filled(value, text, name) for name, value in node.items()}
    if isinstance(node, list):
        return [filled(value, text, key) for value in node]
    return text if isinstance(node, str) else node


def pages(folder: Path, record: dict[str, Any]) -> list[Page]:
    folder.mkdir()
    report.write(folder, record)
    return [Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))]


def full() -> dict[str, Any]:
    record = runs.result(runs.NO_GO, runs.EXPLAINS, limits=["narrowed"], problems=["a problem"])
    record["instant"]["may_write"] = ["it is a superuser"]
    for verdict in record["verdicts"]:
        verdict["causes"] = {"NEVER_RECEIVED": 3}
    record["phases"][0]["ended_by"] = "KeyError in a cell"
    return record


@pytest.fixture(scope="module")
def harmless(tmp_path_factory: pytest.TempPathFactory) -> list[Page]:
    return pages(tmp_path_factory.mktemp("harmless") / "run", filled(full(), "harmless"))


@pytest.mark.parametrize("payload", hostile.PAYLOADS)
def test_a_payload_in_every_field_is_text(tmp_path: Path, payload: str, harmless: list[Page]) -> None:
    hit = pages(tmp_path / "run", filled(full(), payload))
    assert len(hit) == len(harmless) == 9
    for page, same in zip(hit, harmless, strict=True):
        assert page.structure() == same.structure()
        assert dangers(page.text) == []
    assert "\u202e" not in hit[0].text and "\x1b" not in hit[0].text and "\x00" not in hit[0].text


def test_payloads_as_names_of_columns_and_checks(tmp_path: Path) -> None:
    record = full()
    for verdict, payload in zip(record["verdicts"], hostile.PAYLOADS, strict=False):
        for planned in record["plan"]:
            planned["check"] = payload if planned["check"] == verdict["check"] else planned["check"]
        verdict["check"] = payload
        verdict["columns"] = [{"name": payload, "role": "key"} for _ in verdict["columns"]]
    assert all(dangers(page.text) == [] for page in pages(tmp_path / "run", record))


PAGES = ("phases/05_accuracy.html", "report.html")


@pytest.fixture(scope="module", params=PAGES, ids=["phase", "report"])
def shown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Page]:
    """A phase's page, and the whole report, whose notebook holds every payload as every kind of output."""
    folder = tmp_path_factory.mktemp("shown")
    record = runs.result(runs.NO_GO)
    runs.write_notebooks(folder, record, {"05_accuracy": hostile.outputs()})
    report.write(folder, record)
    return request.param, Page((folder / request.param).read_text(encoding="utf-8"))


def test_outputs_hold_nothing_that_acts(shown: tuple[str, Page]) -> None:
    assert dangers(shown[1].text) == []
    assert "secret of Ann" not in shown[1].text


def test_outputs_forge_no_verdict(tmp_path: Path, shown: tuple[str, Page]) -> None:
    name, page = shown
    record = runs.result(runs.NO_GO)
    runs.write_notebooks(tmp_path, record)
    report.write(tmp_path, record)
    clean = Page((tmp_path / name).read_text(encoding="utf-8"))
    for kind in SCREEN:
        assert page.having(kind) == clean.having(kind)
    assert "Forged" not in page.text
    assert page.text.count("is none of this run, is left out") == 6
    names = [one.attributes["id"] for one in page.elements if "id" in one.attributes]
    assert len(set(names)) == len(names)


def test_markdown_keeps_words_and_drops_the_rest() -> None:
    for payload in hostile.PAYLOADS:
        html = outputs.markdown(f"# A *title*\n\n{payload}\n\n- an item")
        assert html.startswith("<h2>A <em>title</em></h2>")
        assert [danger for danger in dangers(html) if "href=https:" not in danger] == []


def test_markdown_links_lead_to_https_alone() -> None:
    assert 'href="https://example.com/"' in outputs.markdown("[a](https://example.com/)")
    for address in ("javascript:x", "http://example.com/", "//example.com", "file:///etc/passwd", "data:text/html,x"):
        assert "href" not in outputs.markdown(f"[a]({address})")


def test_html_keeps_tables_and_folds() -> None:
    html = (
        '<div class="ds-table"><table><caption>c</caption><thead><tr><th scope="col">a</th></tr></thead>'
        '<tbody><tr><td class="ds-number">1</td></tr></tbody></table></div><details><summary>s</summary>t</details>'
    )
    assert outputs.cleaned(html) == html
    assert outputs.cleaned('<td class="ds-badge ds-pass" style="color:red" id="x">a</td>').count("class") == 0


@pytest.mark.parametrize("encoded", ["", "bm8gcG5n", 'iVBORw0KGgo="><script>', "%%%", ["iVBOR", "x y"], 7, None])
def test_only_a_png_is_a_picture(encoded: Any) -> None:
    assert "<img" not in outputs.picture(encoded, {})


def test_very_long_outputs_are_cut() -> None:
    assert len(outputs.plain("x" * 1_000_000)) < 21_000
    assert "is left out" in outputs.cleaned("x" * 1_000_000)
