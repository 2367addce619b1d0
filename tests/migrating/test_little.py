"""Projects in which there is little to judge, or for which rows have to be made to fit: what is right passes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dsaudit.verdict import Status
from tests.checks.auditing import opened, told, verdicts
from tests.migrating.faults import revision
from tests.migrating.projects import Shop

pytestmark = pytest.mark.xdist_group("migrating")

CHECKS = ["migrations_keep_the_data", "migration_defaults_hold", "former_rows_are_still_accepted"]
NO_COLUMN = "no revision that is tried adds a column to a table that was there"
NO_ROWS = "no revision that is tried finds a table with rows"


def since_the_third(shop: Shop) -> None:
    shop.edit("parameters", "  rows: 1600\n", '  rows: 1600\n  since: "0003"\n')


def test_a_project_of_one_revision_passes_and_says_that_nothing_was_there_before(shop: Shop) -> None:
    (shop.backend / "migrations" / "versions" / "0002.py").unlink()
    shop.edit("parameters", '  downgrades: {"0002": {deletes: {listings: price_usd is null}}}\n', "")
    found = verdicts(shop.parameters, shop.environment, CHECKS)
    for name, words in zip(CHECKS, (NO_ROWS, NO_COLUMN, NO_ROWS), strict=True):
        assert (found[name].status, found[name].examined) == (Status.PASS, 1), told(found[name])
        assert found[name].limits == [words]


def test_rows_are_made_to_fit_what_a_later_revision_demands(new: Callable[..., Shop], clean: Shop) -> None:
    shop = new(clean)
    since_the_third(shop)
    up = 'op.create_check_constraint("ck", "listings", "title in (\'Lamp\', \'Bulb\')"); '
    up += 'op.alter_column("listings", "missing_fields", nullable=False); '
    up += 'op.create_index("uq", "listings", ["seller_id"], unique=True)'
    down = 'op.drop_constraint("ck", "listings"); op.drop_index("uq", "listings"); '
    revision(shop, "0003", "Demands", up, f'{down}op.alter_column("listings", "missing_fields", nullable=True)')
    with opened(shop.parameters, shop.environment) as audit:
        found = {name: audit.check(name) for name in ["migrations_apply", *CHECKS]}
        upgrade = audit.frame("revisions").set_index("revision").loc["0003", "upgrade"]
    for verdict in found.values():
        assert verdict.status is Status.PASS, told(verdict)
    assert found["migrations_keep_the_data"].examined == 8  # columns of both tables
    for verdict in found.values():
        assert any("0003 up on rows, and goes through with rows that meet" in one for one in verdict.limits)
    assert NO_COLUMN in found["migration_defaults_hold"].limits
    assert upgrade == "applies to rows that meet it"


def test_models_that_the_project_has_not_got_are_held_against_nothing(shop: Shop) -> None:
    shop.edit("migrations/env.py", ", target_metadata=Base.metadata", "")
    shop.edit("parameters", "  rows: 1600\n", "  rows: 1600\n  models: false\n")
    check = "models_match_the_migrated_schema"
    verdict = verdicts(shop.parameters, shop.environment, [check])[check]
    assert verdict.status is Status.SKIPPED, told(verdict)
    assert "migrations.models" in str(verdict.results[0].reason)


def test_without_rows_nothing_is_proven(new: Callable[..., Shop], clean: Shop) -> None:
    shop = new(clean)
    since_the_third(shop)
    revision(shop, "0003", "Wrong", "1 / 0", "pass")
    for verdict in verdicts(shop.parameters, shop.environment, CHECKS).values():
        assert verdict.status is Status.INCONCLUSIVE, told(verdict)
