"""What an alert tells whoever is woken: labels that are there, a percentage that is one, and how urgent it is."""

from __future__ import annotations

from typing import Any

import pytest

from dsaudit.observability.kinds import Kinds
from dsaudit.observability.linting import difference, lint
from tests.watched.test_linting import problems


@pytest.mark.parametrize(
    ("expression", "label", "is_left"),
    [
        ("sum by (job) (a) > 1", "job", True),
        ("sum by (job) (a) > 1", "pod", False),
        ("sum(a) > 1", "instance", False),
        ("a > 1", "anything", True),
        ("max by (x, y) (sum by (x) (a)) > 1", "y", False),
        ("sum by (x) (a) / on (x) group_left (y) b > 1", "y", True),
        ("topk(3, sum by (x) (a)) > 1", "x", True),
        ("count_values('v', a) > 1", "v", True),
        ("absent(up{job='a', pod=~'b.*'})", "job", True),
        ("absent(up{job='a', pod=~'b.*'})", "pod", False),
        ("label_replace(sum(a), 'x', '1', '', '') > 1", "x", True),
        ("sum by (x) (a) > 1 or sum by (y) (b) > 1", "y", True),
        ("histogram_quantile(0.9, sum by (le, x) (rate(a_bucket[5m]))) > 1", "le", False),
    ],
)
def test_a_label_that_a_text_shows_has_to_be_left(expression: str, label: str, is_left: bool) -> None:
    found, _ = problems(expression, annotations={"summary": f"at {{{{ $labels.{label} }}}}"})
    assert bool(found) is not is_left, found
    assert is_left or f"summary shows the label {label}" in found[0]


def test_the_labels_of_what_a_text_queries_are_others() -> None:
    text = '{{ range query "up == 0" }}{{ .Labels.instance }} {{ end }}'
    assert problems("count(up == 0) > 2", annotations={"description": text})[0] == ()


@pytest.mark.parametrize(
    ("expression", "summary", "is_one"),
    [
        ('rate(requests_total{code=~"5.."}[5m]) > 0.05', "more than 5 % fail", False),
        ('rate(requests_total{code=~"5.."}[5m]) > 0.05', "{{ $value | humanizePercentage }} fail", False),
        ('rate(requests_total{code=~"5.."}[5m]) > 5', "more than 5 fail each second", True),
        ("sum(rate(a_total[5m])) / sum(rate(b_total[5m])) > 0.05", "more than 5 % fail", True),
        ("rate(process_cpu_seconds_total[5m]) > 0.9", "the CPU is at {{ $value | humanizePercentage }}", True),
        ("rate(gc_seconds_sum[5m]) > 0.05", "more than 5% of the time", True),
        ("rate(failed_total[5m]) > 0 and rate(done_total[5m]) == 0", "100% fail", True),
        ("job:errors:ratio > 0.1", "10 % fail", True),
        ("disk_used_percent > 90", "{{ $value }}% full", True),
    ],
)
def test_an_alert_that_tells_a_percentage_reckons_one(expression: str, summary: str, is_one: bool) -> None:
    found, _ = problems(expression, annotations={"summary": summary})
    assert [one for one in found if "percentage" in one] == ([] if is_one else [*found])


@pytest.mark.parametrize("labels", [None, [], ["severity"], "severity", 5])
def test_labels_that_are_none_are_completed(labels: Any) -> None:
    rule = {"alert": "A", "expr": "a > 1", "for": "5m", "labels": labels, "annotations": {"summary": "s"}}
    linted = lint(rule, Kinds())
    assert linted.rule["labels"] == {"severity": "warning"}
    assert difference(rule, linted.rule) == "labels: {severity: warning}"
