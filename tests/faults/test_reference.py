"""Planters, reference and dsaudit say the same of what is wrong, and of clean samples that nothing is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from examples.answer_key import Expected, Planted
from tests.faults.reference.checks import OF_SAMPLE, OF_TABLES
from tests.faults.reference.forms import in_form, plain
from tests.faults.triangle import Findings, against_the_key, held_clean, held_edited, held_together

SEED = 3
# What is planted side by side in one clone; no two of it are in the rows of one check, tenant and resource.
PLANTED = {
    "storefront": (
        (
            *("hash_missing", "hash_without_id", "object_refined_twice", "raw_id_empty", "key_null"),
            *("parent_unknown", "parent_of_another_tenant", "zero_decimals_divided", "id_used_twice"),
        ),
        (
            *("delivery_stored_twice", "older_delivery_wins", "orders_update_dropped", "refinement_skipped"),
            *("delete_without_children", "payout_without_transactions"),
        ),
        ("wrong_tenant", "partial_key", "timezone_dropped"),
    ),
    "discovery": (
        ("tenant_is_null", "processed_counted_wrong", "raw_record_lost_its_data_import"),
        ("reference_crosses_tenants", "flows_left_unlinked"),
    ),
    "listings": (("job_disagrees_with_rows",),),
    "referrals": (("domain_not_normalised",),),
}
# What none of these faults shows in; other tests plant it.
UNPLANTED = {
    "storefront": set[str](),
    "discovery": {*OF_TABLES},
    "listings": {*OF_SAMPLE["listings"]} - {"counts_are_conserved"},
    "referrals": {*OF_SAMPLE["referrals"]} - {"field_differences"},
}


SAMPLES = {name: pytest.param(name, marks=pytest.mark.xdist_group(f"reference-{name}")) for name in PLANTED}


@pytest.fixture(scope="module", params=[*SAMPLES.values()])
def sample(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A running sample; what is planted is planted in a clone, or healed."""
    with import_module(f"examples.{request.param}").running() as one:
        yield one


def test_clean_is_clean_to_the_reference_too(sample: Any) -> None:
    assert held_clean(sample).disagreements == []


def test_planters_reference_and_dsaudit_name_the_same_rows(sample: Any) -> None:
    held = [held_together(sample, SEED, *faults) for faults in PLANTED[sample.example]]
    assert [str(one) for each in held for one in each.disagreements] == []
    shown = {check for each in held for check, rows in each.reference.items() if rows}
    assert shown == {*OF_SAMPLE[sample.example]} - UNPLANTED[sample.example]


@pytest.mark.parametrize("sample", [SAMPLES["storefront"]], indirect=True)
def test_what_was_edited_at_random_is_found_alike(sample: Any) -> None:
    held = held_edited(sample, SEED, 40)
    assert [str(one) for one in held.disagreements] == []
    assert sum(bool(rows) for rows in held.reference.values()) >= 12


# The reference by itself


def test_the_reference_needs_nothing_of_dsaudit() -> None:
    modules = [path for path in (Path(__file__).parent / "reference").glob("*.py") if path.name != "__main__.py"]
    assert len(modules) > 5
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] == "dsaudit"], path.name


@pytest.mark.parametrize(
    ("form", "there", "here"),
    [
        ("money", "12.50", Decimal("12.5")),
        ("money", 1050, Decimal("1050.00")),
        ("integer", "7", 7),
        ("instant", "2024-03-10T02:30:00-05:00", "2024-03-10T07:30:00+00:00"),
        ("text", 12, "12"),
        ("date", "2024-02-29", "2024-02-29"),
        ("boolean", None, None),
    ],
)
def test_one_value_in_two_writings_is_one(form: str, there: object, here: object) -> None:
    assert in_form(there, form) == in_form(here, form)


@pytest.mark.parametrize(
    ("form", "there", "here"),
    [
        ("money", "1234567890123456.7891", Decimal("1234567890123456.789")),
        ("text", "Zoe\u0308", "Zo\u00eb"),
        ("text", "hall ", "hall"),
        ("text", "", None),
        ("boolean", True, 1),
        ("integer", "12", "twelve"),
        ("instant", "2024-03-10T02:30:00-05:00", "2024-03-10T02:30:00+00:00"),
    ],
)
def test_two_values_are_two(form: str, there: object, here: object) -> None:
    assert in_form(there, form) != in_form(here, form)


def test_json_is_compared_by_value() -> None:
    assert plain({"a": 1, "b": None, "c": [Decimal("1.0")]}) == plain({"a": Decimal("1.0"), "c": [1]})
    assert plain({"a": 1}) != plain({"a": True})
    assert plain([1, None]) != plain([1])


def test_a_key_that_says_too_little_or_too_much_is_seen() -> None:
    scope = {"tenant": "acme", "resource": "order"}
    found: Findings = {"field_differences": {("acme", "order", "1", "note"), ("acme", "order", "2", "note")}}
    found |= {"orphans": {("acme", "order.id → x.id", "1", "5")}, "null_hashes": set()}
    right = Expected("field_differences", scope=scope, keys=["1", "2"], fields=["note"])
    wrong = [
        (Expected("field_differences", scope=scope, keys=["1"], fields=["note"]), "key and reference, source_id"),
        (Expected("field_differences", scope=scope, fields=["note", "tags"]), "key and reference, field"),
        (Expected("field_differences", scope={"tenant": "borealis"}), "key and reference, any row"),
        (Expected("field_differences", scope={**scope, "resource": "refund"}), "key and reference, beside it"),
    ]
    key = Planted("a_fault", mode=0, how="caused", must=[right], may=["orphans"])
    assert list(against_the_key("a_fault", 1, key, found)) == []
    for expected, between in wrong:
        key = Planted("a_fault", mode=0, how="caused", must=[expected], may=["orphans"])
        assert between in {one.between for one in against_the_key("a_fault", 1, key, found)}
    alone = Planted("a_fault", mode=0, how="caused", must=[right])
    assert [one.check for one in against_the_key("a_fault", 1, alone, found)] == ["orphans"]
