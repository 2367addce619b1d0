"""The metrics move with what happens, and promtool takes the alert rules and their tests."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest
import yaml

from examples.listings.sample import Sample
from tests.listings.reading import measured
from tests.samples import value

pytestmark = pytest.mark.xdist_group("listings_app")
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def differences(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Which of the app's own series have moved, and by how much; sums of seconds aside."""
    ours = ("import_", "imports_", "partial_")
    return {
        name: after[name] - before[name]
        for name in after
        if name.startswith(ours) and not re.search("_bucket|_sum", name) and after[name] != before[name]
    }


def test_every_series_is_there_before_anything_has_happened(sample: Sample) -> None:
    found = measured(sample)
    results = [name for name in found if name.startswith("import_results_total{")]
    assert len(results) == 9 and "imports_in_progress" in found
    assert found["partial_imports_pending"] == value(sample, "select count(*) from listings where quality = 'partial'")


def test_metrics_move_with_imports_and_completions_and_a_completion_is_no_import(sample: Sample) -> None:
    before = measured(sample)
    told = sample.imported(*(sample.page(kind, "measured") for kind in ("no-price", "full", "gone")))
    after = measured(sample)
    other = 'marketplace="other"'
    assert differences(before, after) == {
        f"import_attempts_total{{{other}}}": 3,
        f'import_results_total{{{other},quality="partial",result="success"}}': 1,
        f'import_results_total{{{other},quality="full",result="success"}}': 1,
        f'import_results_total{{{other},quality="none",result="failed"}}': 1,
        f'import_duration_seconds_count{{{other},result="success"}}': 2,
        f'import_duration_seconds_count{{{other},result="failed"}}': 1,
        "partial_imports_pending": 1,
    }
    key = told["per_row_status"][0]["listing_id"]
    sample.api(f"listings/{key}/complete", {"price": 10}, method="PATCH")
    assert differences(after, measured(sample)) == {
        "partial_import_completions_total": 1,
        "partial_completion_duration_seconds_count": 1,
        "partial_imports_pending": -1,
    }
    sample.heal()


def test_a_refused_completion_moves_nothing(sample: Sample) -> None:
    before = measured(sample)
    for key, price in (("99999", 1), ("1", -1)):
        assert sample.ask(f"listings/{key}/complete", {"price": price}, method="PATCH")[0] >= 400
    assert differences(before, measured(sample)) == {}


def test_rules_and_dashboard_name_metrics_that_are_exposed(sample: Sample) -> None:
    folder = sample.code / "monitoring"
    rules = yaml.safe_load((folder / "alert-rules.yml").read_text())["groups"][0]["rules"]
    panels = json.loads((folder / "partial-imports.json").read_text())["panels"]
    expressions = [rule["expr"] for rule in rules] + [one["expr"] for panel in panels for one in panel["targets"]]
    named = {
        name for one in expressions for name in re.findall(r"\b(?:partial_)?imports?_[a-z_]+|partial_comp\w+", one)
    }
    exposed = {name.partition("{")[0] for name in measured(sample)}
    assert len(named) >= 8 and named <= exposed


@needs_promtool
@pytest.mark.parametrize("words", [("check", "rules", "alert-rules.yml"), ("test", "rules", "alert-tests.yml")])
def test_promtool_takes_the_rules_and_their_tests(words: tuple[str, ...], sample: Sample) -> None:
    folder = sample.code / "monitoring"
    done = subprocess.run(["promtool", *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "SUCCESS" in done.stdout, done.stdout + done.stderr
