"""Columns that a revision drops: a change of name that loses the values is a fault, and whatever goes is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dsaudit.verdict import Status
from tests.checks.auditing import all_rows, opened, told
from tests.migrating.faults import revision
from tests.migrating.projects import Shop

pytestmark = pytest.mark.xdist_group("migrating")

TEXT = 'op.add_column("{0}", sa.Column("{1}", sa.String({2}){3})); '.format
DROP = 'op.drop_column("{0}", "{1}")'.format
DEFAULT = ', server_default="new", nullable=False'
# By revision: whether it is a fault, and what it does.
REVISIONS = {
    "0003": (True, TEXT("sellers", "full_name", 80, "") + DROP("sellers", "name")),
    "0004": (
        False,  # the values are copied
        TEXT("sellers", "whole_name", 80, "")
        + "op.execute(\"update sellers set whole_name = coalesce(full_name, 'none')\"); "
        + DROP("sellers", "full_name"),
    ),
    "0005": (False, DROP("listings", "price_usd")),
    "0006": (
        False,
        TEXT("listings", "state", 20, DEFAULT) + DROP("listings", "quality"),
    ),  # a default that says something
    "0007": (True, TEXT("listings", "label", 200, ', server_default=""') + DROP("listings", "title")),
}


def test_a_change_of_name_that_loses_the_values_is_told_and_a_column_that_goes_is_counted(
    new: Callable[..., Shop], clean: Shop
) -> None:
    shop = new(clean)
    for name, (_, up) in REVISIONS.items():
        revision(shop, name, "Drops", up, "raise NotImplementedError('restore the backup')")
    shop.edit("parameters", "  rows: 1600\n", '  rows: 1600\n  since: "0003"\n')
    shop.execute(
        "insert into sellers (id, name) values (1, 'Zoë')",
        "insert into listings (id, seller_id, title, price_usd) values (1, 1, 'Lamp', 9.5), (2, 1, 'Bulb', null)",
    )
    with opened(shop.parameters, shop.environment) as audit:
        verdict = audit.check("migrations_keep_the_data")
        rows = all_rows(audit, verdict)
    assert verdict.status is Status.FAIL, told(verdict)
    words = "the column is gone, and {} of the same type, which is new, has none of its values"
    assert [(row["revision"], row["column"], row["problem"]) for row in rows] == [
        ("0003", "name", words.format("full_name")),
        ("0007", "title", words.format("label")),
    ]
    meant = [one for one in verdict.limits if "as meant" in one]
    assert meant[1:] == [
        "0005: public.listings.price_usd: the column is gone, as meant; with it 1 value of the audited database",
        "0006: public.listings.quality: the column is gone, as meant; with it 2 values of the audited database",
    ]
    assert meant[0].startswith("0004: public.sellers.full_name: the column is gone, as meant; how much")
