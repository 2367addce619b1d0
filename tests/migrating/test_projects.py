"""Projects that cannot be run, that print, ask and go astray: each is told in one line, and nothing else is touched."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
import pytest

from dsaudit.verdict import Status, Verdict
from tests.checks.auditing import all_rows, opened, told, verdicts
from tests.migrating.faults import revision
from tests.migrating.projects import Shop

pytestmark = pytest.mark.xdist_group("migrating")


def judged(shop: Shop, check: str = "models_match_the_migrated_schema", more: Mapping[str, str] = {}) -> Verdict:
    with opened(shop.parameters, {**shop.environment, **more}) as audit:
        return audit.check(check)


def reason(verdict: Verdict) -> str:
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    (result,) = verdict.results
    return str(result.reason)


def raising(shop: Shop) -> None:
    shop.edit("models.py", "class Base", "raise RuntimeError('no licence')\n\n\nclass Base")


def leaving(shop: Shop) -> None:
    shop.edit("models.py", "class Base", "raise SystemExit('bye')\n\n\nclass Base")


def asking(shop: Shop) -> None:
    shop.edit("models.py", "class Base", "import os\nREGION = os.environ['SHOP_REGION']\n\n\nclass Base")


def astray(shop: Shop) -> None:
    shop.edit("migrations/env.py", 'os.environ["SHOP_URL"]', f'"{shop.url}"')


PROBLEMS: dict[str, tuple[Callable[[Shop], None], str]] = {
    "raises on import": (raising, "RuntimeError: no licence (models.py, line 7)"),
    "ends the process on import": (leaving, "SystemExit: bye (models.py, line 7)"),
    "needs a variable": (asking, "it needs the environment variable SHOP_REGION (models.py, line 8)"),
    "lacks a module": (
        lambda shop: shop.edit("models.py", "class Base", "import shopkeeping\n\n\nclass Base"),
        "No module named 'shopkeeping' (models.py, line 7)",
    ),
    "runs nothing": (
        lambda shop: shop.edit("migrations/env.py", "context.run_migrations()", "pass"),
        "env.py ran no migration",
    ),
    "goes to another database": (astray, "it connects to the database shop_"),
    "has no such configuration": (
        lambda shop: shop.edit("parameters", "backend/alembic.ini", "backend/other.ini"),
        "migrations.config: there is no file backend/other.ini",
    ),
    "has a configuration that is none": (
        lambda shop: shop.edit("alembic.ini", "script_location = %(here)s/migrations", "script_location = elsewhere"),
        "migrations.config: backend/alembic.ini: CommandError: Path doesn't exist: elsewhere.",
    ),
    "has no such Python": (
        lambda shop: shop.edit("parameters", "  rows:", "  python: backend/bin/python\n  rows:"),
        "migrations.python: backend/bin/python cannot be started: No such file or directory",
    ),
    "has no such revision": (
        lambda shop: shop.edit("parameters", "  rows:", '  since: "0021"\n  rows:'),
        "migrations.since: the project has no revision 0021; the last is 0002",
    ),
    "has no models": (
        lambda shop: shop.edit("migrations/env.py", ", target_metadata=Base.metadata", ""),
        "env.py gives Alembic no target_metadata, so the models are not known",
    ),
    "has a revision that does not apply": (
        lambda shop: shop.edit_second("def upgrade():", "def upgrade():\n    op.drop_table('offers')"),
        'the revisions do not apply, 0002: table "offers" does not exist (migrations/versions/0002.py, line 10)',
    ),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_project_that(name: str, shop: Shop) -> None:
    damage, words = PROBLEMS[name]
    damage(shop)
    said = reason(judged(shop))
    assert said.startswith(words) and "\n" not in said
    with psycopg.connect(shop.url) as connection:
        assert connection.execute("select count(*) from pg_class where relname like 'alembic%'").fetchall() == [(0,)]


SLIPS = {
    "a revision": ("migrations/versions/0002.py", "op.drop_index(", "op.drop_index(,", "invalid syntax"),
    "env.py": (
        "migrations/env.py",
        "from models import Base",
        "from models import Bases",
        "cannot import name 'Bases'",
    ),
    "the models": ("models.py", "class Seller(Base)", "class Seller(Basis)", "NameError: name 'Basis' is not defined"),
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_fails_whatever_the_machine_is(name: str, shop: Shop) -> None:
    file, old, new, words = SLIPS[name]
    shop.edit(file, old, new)
    with opened(shop.parameters, shop.environment) as audit:
        verdict = audit.check("migrations_apply")
        (row,) = all_rows(audit, verdict)
    assert verdict.status is Status.FAIL, told(verdict)
    assert row["revision"] == "all" and words in row["told"]


def test_a_python_without_alembic_is_told(shop: Shop, tmp_path: Path) -> None:
    program = tmp_path / "shop" / "python"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E "$@"\n')
    program.chmod(0o755)
    shop.edit("parameters", "  rows:", "  python: ./python\n  rows:")
    words = "migrations.python: ./python has no Alembic; name the one that runs the project's migrations"
    assert reason(judged(shop)) == words


def test_a_project_that_prints_and_logs_is_heard_all_the_same(shop: Shop) -> None:
    noise = "import logging, sys\nprint('{\"error\": 1}')\nlogging.basicConfig(level=0)\nsys.stdout.flush()\n"
    shop.edit("migrations/env.py", "import os\n", f"{noise}import os\nos.system('echo shouted')\n")
    assert judged(shop).status is Status.PASS


def test_a_project_never_sees_the_audited_database(shop: Shop) -> None:
    seen = "import os, pathlib\nfound = [one for one in os.environ.values() if NAME in one]\n"
    seen += "pathlib.Path('seen').write_text(str(found))\n"
    name = shop.url.rpartition("/")[2]
    shop.edit("migrations/env.py", "import os\n", seen.replace("NAME", repr(name)))
    assert judged(shop, more={"SHOP_OTHER": shop.url.replace("://", "+psycopg://")}).status is Status.PASS
    assert (shop.backend / "seen").read_text() == "[]"


def test_an_address_in_the_configuration_will_do(shop: Shop) -> None:
    shop.edit("alembic.ini", "path_separator = os\n", "sqlalchemy.url = postgresql+psycopg://nobody@nowhere/shop\n")
    shop.edit("migrations/env.py", 'os.environ["SHOP_URL"]', 'context.config.get_main_option("sqlalchemy.url")')
    shop.edit("parameters", "  url_env: SHOP_URL\n", "")
    assert judged(shop).status is Status.PASS


def test_the_version_of_a_database_without_one_is_not_known(shop: Shop) -> None:
    said = "the audited database has no table alembic_version that the auditor may read"
    assert reason(judged(shop, "database_is_at_the_head")) == said
    assert reason(judged(shop, "database_matches_the_migrated_schema")) == said


def test_a_project_without_a_revision_proves_nothing(shop: Shop) -> None:
    for name in ("0001", "0002"):
        (shop.backend / "migrations" / "versions" / f"{name}.py").unlink()
    shop.edit("parameters", '  downgrades: {"0002": {deletes: {listings: price_usd is null}}}\n', "")
    said = "backend/alembic.ini: the project has no revision"
    assert reason(judged(shop, "migrations_apply")) == reason(judged(shop, "migrations_have_one_head")) == said


ASYNC = """import asyncio, os
from alembic import context
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from models import Base


def run(connection):
    context.configure(connection=connection, target_metadata=[Base.metadata], version_table="versions")
    with context.begin_transaction():
        context.run_migrations()


async def main():
    engine = create_async_engine(make_url(os.environ["SHOP_URL"]).set(drivername="postgresql+psycopg"))
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()


asyncio.run(main())
"""


def test_branches_that_meet_again_and_an_env_of_asyncio_are_walked_through(shop: Shop) -> None:
    shop.add("migrations/env.py", ASYNC)
    for name in ("0003a", "0003b"):
        column = f'op.add_column("sellers", sa.Column("of_{name}", sa.Text))'
        revision(shop, name, name, column, f'op.drop_column("sellers", "of_{name}")', before="0002")
    revision(shop, "0004", "Both", "pass", "pass", before="0003a")
    shop.edit("migrations/versions/0004.py", '"0004", "0003a"', '"0004", ("0003a", "0003b")')
    names = ["migrations_have_one_head", "migrations_apply", "migrations_keep_the_data"]
    names += ["downgrades_are_complete_or_refused", "migrations_lock_briefly"]
    found = verdicts(shop.parameters, shop.environment, names)
    for verdict in found.values():
        assert verdict.status is Status.PASS, told(verdict)
    assert found["migrations_have_one_head"].examined == 5
    assert found["downgrades_are_complete_or_refused"].examined == 5
