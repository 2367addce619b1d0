"""Migrations, dashboards and tests of alert rules are offered where they lie beside the code, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from dsaudit import codebase
from dsaudit.drafting import Draft
from dsaudit.drafting.beside import offer_migrations, put_watching
from dsaudit.drafting.code import Told
from dsaudit.drafting.outside import put_monitoring
from dsaudit.drafting.writing import written

FILES = {
    "app/alembic.ini": "[alembic]\nscript_location = migrations\n",
    "app/migrations/env.py": "import os\nurl, mode = os.environ['SHOP_DB_URL'], os.getenv('SHOP_MODE')\n",
    "app/settings.py": "import os\nother = os.environ['OTHER_URL']\n",
    "app/watch/board.json": '{"dashboard": {"schemaVersion": 39, "panels": []}}',
    "app/watch/bare.json": '{"schemaVersion": 39, "panels": []}',
    "app/watch/by-hand.json": '{"dashboard": {"panels": [{"targets": [{"expr": "a"}]}]}}',
    "app/metrics.py": "from prometheus_client import Counter, Gauge\na = Counter('a', 'b')\nc = Gauge('c', 'd')\n",
    "app/other.py": "from prometheus_client import Counter\ne = Counter('e', 'f')\n",
    "app/broken.py": "import prometheus_client (",
    "app/watch/rules.yml": "groups: [{name: a, rules: [{alert: B, expr: c > 1}]}]\n",
    "app/package.json": '{"panels": []}',
    "app/watch/broken.json": '{"panels": [',
    "app/watch/rules-test.yaml": "rule_files: [rules.yml]\ntests: []\n",
    "app/watch/ci.yml": "tests: [a]\n",
    "app/node_modules/board.json": '{"schemaVersion": 39, "panels": []}',
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def drafted(folder: Path) -> str:
    made, told = Draft(), Told(codebase.read(folder / "app"), folder / "app")
    put_monitoring(made, told, folder)
    put_watching(made, told, folder)
    offer_migrations(made, told, folder)
    return written(made)


def test_dashboards_and_tests_of_rules_are_taken_in_and_other_files_are_not(folder: Path) -> None:
    assert yaml.safe_load(drafted(folder)) == {
        "monitoring": {
            "rules": "app/watch/rules.yml",
            "dashboards": ["app/watch/bare.json", "app/watch/board.json", "app/watch/by-hand.json"],
            "tests": "app/watch/rules-test.yaml",
            "module": "app/metrics.py",
        }
    }


def test_without_alert_rules_the_rest_is_named_and_the_file_stays_valid(folder: Path) -> None:
    (folder / "app" / "watch" / "rules.yml").unlink()
    text = drafted(folder)
    assert yaml.safe_load(text) is None
    assert "no alert rules were found" in text and "module: app/metrics.py" in text.replace("\n#  ", "")


def test_migrations_are_offered_with_the_variable_of_their_address(folder: Path) -> None:
    assert "\n# migrations: {config: app/alembic.ini, url_env: SHOP_DB_URL}" in drafted(folder)
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").touch()
    assert "config: app/alembic.ini, python: .venv/bin/python, url_env" in drafted(folder)


def test_of_several_projects_the_topmost_is_offered_and_the_others_are_named(folder: Path) -> None:
    (folder / "app" / "old").mkdir()
    (folder / "app" / "old" / "alembic.ini").write_text("[alembic]\n", encoding="utf-8")
    text = drafted(folder).replace("\n#  ", "")
    assert "also there: app/old/alembic.ini" in text and "config: app/alembic.ini" in text


def test_without_such_files_nothing_is_offered(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "alembic.ini").write_text("[loggers]\n", encoding="utf-8")
    assert "migrations" not in drafted(tmp_path) and "monitoring" not in drafted(tmp_path)
