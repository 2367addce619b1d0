"""What pending revisions demand of the audited rows: what these break is told, and what nothing breaks is no fault."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dsaudit.verdict import Status
from tests.checks.auditing import all_rows, opened, told
from tests.migrating.faults import revision
from tests.migrating.projects import Shop

pytestmark = pytest.mark.xdist_group("migrating")

DROP = 'op.drop_constraint("{}", "{}")'.format
REVISIONS = [
    ('op.create_unique_constraint("uq_title", "listings", ["title"])', DROP("uq_title", "listings")),
    (
        'op.create_index("uq_dear", "listings", ["seller_id"], unique=True, postgresql_where=sa.text("price_usd > 5"))',
        'op.drop_index("uq_dear", "listings")',
    ),
    ('op.create_check_constraint("ck_price", "listings", "price_usd <> 7")', DROP("ck_price", "listings")),
    (
        'op.create_foreign_key("fk_id", "sellers", "listings", ["id"], ["id"], deferrable=True)',
        DROP("fk_id", "sellers"),
    ),
    ('op.alter_column("listings", "missing_fields", nullable=False)', "pass"),
    # no fault: they are met, ask nothing of the rows there, or mend these first
    ('op.create_unique_constraint("uq_both", "listings", ["id", "title"])', DROP("uq_both", "listings")),
    (
        'op.execute("alter table listings add constraint ck_new check (price_usd <> 7) not valid")',
        DROP("ck_new", "listings"),
    ),
    (
        'op.execute("update listings set quality = id::text"); '
        'op.create_unique_constraint("uq_quality", "listings", ["quality"])',
        DROP("uq_quality", "listings"),
    ),
]
BROKEN = {"0003": 3, "0004": 2, "0005": 1, "0006": 1, "0007": 1}


def test_audited_rows_that_a_pending_revision_forbids_are_counted(new: Callable[..., Shop], clean: Shop) -> None:
    shop = new(clean)
    for number, (up, down) in enumerate(REVISIONS, 3):
        revision(shop, f"{number:04}", "Demands", up, down)
    shop.execute(
        "insert into sellers (id, name) values (1, 'Zoë'), (9, 'Ann')",
        "insert into listings (id, seller_id, title, price_usd) values (1, 1, 'Lamp', 9.5), (2, 1, 'Lamp', 7), "
        "(3, 1, 'Lamp', 2), (4, 9, 'Bulb', null)",
        "update listings set missing_fields = null where id = 4",
    )
    with opened(shop.parameters, shop.environment) as audit:
        verdict = audit.check("migrations_apply")
        rows = {str(row["revision"]): row for row in all_rows(audit, verdict)}
    assert verdict.status is Status.FAIL, told(verdict)
    assert {name: row["in_the_audited_database"] for name, row in rows.items()} == BROKEN, told(verdict)
    assert {name: row["told"] for name, row in rows.items() if row["on"] == "the audited rows"} == {
        "0003": "rows of public.listings break uq_title: unique (title)",
        "0005": "rows of public.listings break ck_price: (price_usd <> (7)::numeric)",
    }
    (open_one,) = [one for one in verdict.limits if "pending revisions are done" in one]
    assert open_one.startswith("0010: public.listings, uq_quality: unique (quality): 4 audited rows would break it")
