"""The section on the project's own tests is offered where they have left something beside the code."""

from __future__ import annotations

from pathlib import Path

import yaml

from dsaudit.drafting import outside
from dsaudit.drafting.code import Told
from dsaudit.drafting.draft import Draft
from dsaudit.drafting.writing import written
from dsaudit.parameters import load
from tests.own_tests.results import COBERTURA, JUNIT, LCOV


def offered(root: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = root / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    draft = Draft()
    outside.offer_own_tests(draft, Told(folder=root / "app"), root)
    return written(draft)


def test_what_tests_have_left_is_offered_and_can_be_taken_in(tmp_path: Path) -> None:
    others = {"pom.xml": "<project/>", "package.json": "{}", "node_modules/x/junit.xml": JUNIT, ".tox/junit.xml": JUNIT}
    left = {"reports/junit.xml": JUNIT, "reports/coverage.xml": COBERTURA, "lcov.info": LCOV}
    text = offered(tmp_path, left | others)
    assert "# offered: left by a run of the tests" in text
    section = text[text.index("# own_tests") :].replace("# ", "")
    path = tmp_path / "shop.yml"
    path.write_text(f"integration: shop\ndatabase: {{url_env: U}}\n{section}", encoding="utf-8")
    assert load(path).own_tests is not None
    assert yaml.safe_load(section)["own_tests"] == {
        "junit": ["app/reports/junit.xml"],
        "coverage": ["app/lcov.info", "app/reports/coverage.xml"],
        "code": "app",
    }


def test_where_they_have_left_nothing_the_section_is_not_named(tmp_path: Path) -> None:
    assert "own_tests" not in offered(tmp_path, {"pom.xml": "<project/>"})
