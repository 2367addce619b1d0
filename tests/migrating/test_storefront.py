"""The storefront's own Alembic project: its last revision is tried on rows of the one before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dsaudit.verdict import Status
from tests.checks.auditing import told, verdicts
from tests.migrating.projects import Shop

pytestmark = pytest.mark.xdist_group("migrating")

BACKEND = Path(__file__).parents[2] / "examples" / "storefront" / "backend"
CHECKS = ["migrations_have_one_head", "database_is_at_the_head", "migrations_apply", "models_match_the_migrated_schema"]
CHECKS += ["database_matches_the_migrated_schema", "migrations_keep_the_data", "former_rows_are_still_accepted"]
CHECKS += ["downgrades_are_complete_or_refused", "downgrades_delete_what_is_declared"]
SECTION = f"""integration: shop
blueprints: [partial_import]
database: {{url_env: SHOP_AUDIT_URL}}
resources:
  order: {{table: shopify_order, key: id}}
migrations: {{config: "{BACKEND / "alembic.ini"}", url_env: DATABASE_URL, since: "0006"}}
"""


def test_a_real_project_is_green_and_its_files_are_left_as_they_are(shop: Shop) -> None:
    before = sorted(path for path in BACKEND.rglob("*") if "__pycache__" not in path.parts)
    environment = {**os.environ, "DATABASE_URL": shop.url}
    command = [sys.executable, "-m", "alembic", "upgrade", "head"]
    subprocess.run(command, cwd=BACKEND, env=environment, check=True, capture_output=True)
    shop.parameters.write_text(SECTION, encoding="utf-8")
    for verdict in verdicts(shop.parameters, shop.environment, CHECKS).values():
        assert verdict.status is Status.PASS, told(verdict)
        assert verdict.examined > 0
    assert sorted(path for path in BACKEND.rglob("*") if "__pycache__" not in path.parts) == before
