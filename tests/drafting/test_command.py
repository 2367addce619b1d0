"""`dsaudit init` at its edges: what is given wrongly is answered in a line, and nothing is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from dsaudit import server
from dsaudit.cli import main
from dsaudit.parameters import load
from tests.drafting import schemas


def init(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["init", *arguments])
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--database-url or --database-url-env"),
        (("--database-url-env", "NOT_SET_ANYWHERE"), "NOT_SET_ANYWHERE is not set"),
        (("--database-url", "mysql://u:hunter2@127.0.0.1/x"), "is not PostgreSQL"),
        (("--database-url", "postgresql://u:hunter2@127.0.0.1:1/x"), "AUDIT_URL"),
        (("--database-url", "nonsense hunter2"), "is no URL"),
    ],
)
def test_a_mistake_is_one_line_without_the_password(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    target = tmp_path / "parameters" / "x.yml"
    code, said = init(*arguments, "--to", str(target))
    assert code == 3
    assert words in said and "hunter2" not in said and "Traceback" not in said
    assert not target.exists()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--provider", "shopfy"), "did you mean shopify?"),
        (("--integration", "My Shop"), "make a name"),
    ],
)
def test_a_wrong_name_is_answered(
    option: tuple[str, str], words: str, postgres: server.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_URL", postgres.url)
    code, said = init("--database-url-env", "SOME_URL", "--to", str(tmp_path / "x.yml"), *option)
    assert code == 3 and words in said


@pytest.mark.parametrize("blueprint", [(), ("--blueprint", "partial_import")])
def test_code_with_migrations_and_alerts_alone_is_drafted_for_partial_imports(
    blueprint: tuple[str, ...], postgres: server.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, code = tmp_path / "parameters" / "shop.yml", tmp_path / "app"
    code.mkdir()
    (code / "alembic.ini").write_text("[alembic]\n", encoding="utf-8")
    (code / "rules.yml").write_text("groups: [{name: a, rules: [{alert: B, expr: c > 1}]}]\n", encoding="utf-8")
    with schemas.built(postgres.url, "create table orders (id int primary key)") as url:
        monkeypatch.setenv("SHOP_AUDIT_URL", url)
        given = ("--database-url-env", "SHOP_AUDIT_URL", "--code", str(code), "--to", str(target))
        done, said = init(*given, *blueprint)
    assert done == 0, said
    drafted = load(target)
    assert drafted.blueprints == ["partial_import"] and {*drafted.resources} == {"order"}
    assert drafted.monitoring and len(drafted.monitoring.rules) == 1


def test_an_empty_database_gives_a_file_that_says_so(
    postgres: server.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "parameters" / "empty.yml"
    with schemas.built(postgres.url, "select 1") as url:
        monkeypatch.setenv("EMPTY_URL", url)
        code, said = init("--database-url-env", "EMPTY_URL", "--to", str(target))
    assert code == 0, said
    assert load(target).resources == {}
    assert "no table was recognised" in target.read_text(encoding="utf-8")


def test_a_provider_of_ones_own_is_named_by_its_path(
    postgres: server.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "parameters").mkdir()
    own = tmp_path / "parameters" / "acme_api.yml"
    own.write_text("name: Acme\n", encoding="utf-8")
    target = tmp_path / "parameters" / "acme.yml"
    given = ("init", "--database-url", postgres.url, "--provider", str(own), "--to", str(target))
    done = CliRunner().invoke(main, [*given])
    assert done.exit_code == 0, done.output
    assert "provider: parameters/acme_api.yml" in target.read_text(encoding="utf-8")


def test_force_writes_over(postgres: server.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "parameters" / "again.yml"
    target.parent.mkdir()
    target.write_text("# mine\n")
    with schemas.built(postgres.url, schemas.ON_THE_ROW) as url:
        monkeypatch.setenv("AGAIN_URL", url)
        assert init("--database-url-env", "AGAIN_URL", "--to", str(target))[0] == 3
        assert target.read_text() == "# mine\n"
        assert init("--database-url-env", "AGAIN_URL", "--to", str(target), "--force")[0] == 0
    assert set(load(target).resources) == {"charge", "customer"}
