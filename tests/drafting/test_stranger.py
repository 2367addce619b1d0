"""A database of which nothing but the address is known: drafted, and the draft is run at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from dsaudit import checks, server
from dsaudit.cli import main
from dsaudit.parameters import load
from dsaudit.verdict import Status, Verdict
from tests.checks.auditing import Verdicts, opened, told
from tests.drafting import schemas

pytestmark = pytest.mark.xdist_group("stranger")
SHAPES = (Path(__file__).parent / "stranger.sql").read_text(encoding="utf-8")
NOTEBOOKS = Path(__file__).parents[2] / "notebooks" / "data_integrity"

# Two tenants, kept apart by row security; countries are everybody's.
TENANTS = """
create role stranger_app login;
create role stranger_report login;
create table country (code text primary key);
create table orders (
  id integer primary key, org uuid not null, team integer not null, country text not null references country);
create index on orders (country);
create table items (
  id integer primary key, org uuid not null, team integer not null, order_id integer not null references orders);
create index on items (order_id);
alter table orders enable row level security;
alter table orders force row level security;
alter table items enable row level security;
alter table items force row level security;
create policy own on orders using (org = nullif(current_setting('app.org', true), '')::uuid
  and team = nullif(current_setting('app.team', true), '')::integer);
create policy own on items using (org = nullif(current_setting('app.org', true), '')::uuid
  and team = nullif(current_setting('app.team', true), '')::integer);
grant select, insert, update, delete on orders, items to stranger_app;
grant select on country, orders, items to stranger_app, stranger_report;
insert into country values ('DE'), ('FR');
insert into orders select n, md5((n % 2)::text)::uuid, 1, 'DE' from generate_series(1, 20) as n;
insert into items select n, md5((n % 2)::text)::uuid, 1, n from generate_series(1, 20) as n;
"""
# In most tables, and nothing else speaks of tenants.
NAMED = """
create table country (code text primary key);
create table orders (id integer primary key, tenant_id integer);
create table items (id integer primary key, tenant_id integer);
create table bills (id integer primary key, tenant_id integer);
"""


@dataclass(frozen=True)
class Drafted:
    """A draft, what was said of it, and the database."""

    file: Path
    said: str
    environment: dict[str, str]

    @property
    def text(self) -> str:
        """The file."""
        return self.file.read_text(encoding="utf-8")

    @property
    def values(self) -> dict[str, Any]:
        """What the file says."""
        read: dict[str, Any] = yaml.safe_load(self.text)
        return read

    def verdicts(self) -> Verdicts:
        """What the checks of the blueprint say that a run of the draft does not skip."""
        plan = checks.plan(NOTEBOOKS, load(self.file))
        with opened(self.file, self.environment) as audit:
            return {one.check.name: audit.check(one.check.name) for one in plan if not one.skipped}


def drafted(postgres: server.Server, statements: str, folder: Path) -> Iterator[Drafted]:
    with schemas.built(postgres.url, statements) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRANGER_URL", url)
        target = folder / "parameters" / "stranger.yml"
        done = CliRunner().invoke(main, ["init", "--database-url-env", "STRANGER_URL", "--to", str(target)])
        assert done.exit_code == 0, done.output
        yield Drafted(target, done.output, {"STRANGER_URL": url})


@pytest.fixture(scope="module")
def stranger(postgres: server.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drafted]:
    """The draft of a database of many shapes."""
    yield from drafted(postgres, SHAPES, tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def judged(stranger: Drafted) -> Verdicts:
    return stranger.verdicts()


def test_every_table_is_a_resource_by_a_name_of_its_own(stranger: Drafted) -> None:
    assert stranger.values["blueprints"] == ["data_integrity"]
    assert {name: (one["table"], one.get("key")) for name, one in stranger.values["resources"].items()} == {
        "beside": ("Types.beside", "id"),
        "country": ("Shop Floor.Country", "code"),
        "maker": ("Shop Floor.Maker", "Maker Id"),
        "shop_floor_part": ("Shop Floor.part", ["maker", "number"]),
        "public_part": ("public.part", "id"),
        "note": ("note", None),
        "old_note": ("old_note", None),
        "sale": ("sale", ["id", "day"]),
    }
    assert stranger.text.count("# left out: key: there is no primary key") == 2
    assert "1 view, on which no constraint can be: parts" in stranger.text
    assert "1 materialised view, on which no constraint can be: makers" in stranger.text


def test_foreign_keys_are_relations_as_the_database_has_them(stranger: Drafted) -> None:
    assert stranger.values["relations"] == [
        {"child": "maker.Country Code", "parent": "country.code", "on_delete": "no_action"},
        {"child": "maker.Parent Id", "parent": "maker.Maker Id", "nullable": True, "on_delete": "set_null"},
        {"child": "shop_floor_part.maker", "parent": "maker.Maker Id", "on_delete": "cascade"},
        {"child": "sale.part_id", "parent": "public_part.id", "nullable": True},
    ]
    said = re.sub(r"\n\s*#\s+", " ", stranger.text)
    assert "guess: 1 of 2 partitions have a foreign key, the table itself has none" in said
    assert "a foreign key of several columns: public_part (maker, number) → shop_floor_part (maker, number)" in said


def test_what_only_the_values_say_is_offered_with_its_orphans(stranger: Drafted) -> None:
    said = re.sub(r"\n\s*#   ", " ", stranger.text)
    assert "95.24 % of 21 different values are there; 1 row refer to none" not in said
    assert "95.24 % of 21 different values are there; 1 row refers to none" in said
    assert "\n  # - {child: note.part_id, parent: public_part.id}\n" in stranger.text
    assert "old_note.part_id, parent: note" not in stranger.text  # an heir refers to nothing


def test_what_is_offered_can_be_taken_in_as_it_stands(stranger: Drafted, tmp_path: Path) -> None:
    target = tmp_path / "parameters" / "taken.yml"
    target.parent.mkdir()
    offered = r"^( *)# (?=- \{|performance:|  queries:|  - name:|    (?:sql|drawn):)"
    text = re.sub(offered, r"\1", stranger.text, flags=re.MULTILINE)
    target.write_text(text, encoding="utf-8")
    taken = load(target)
    assert "note.part_id → public_part.id" in [one.name for one in taken.relations]
    assert taken.performance and len(taken.performance.queries) == 1


def test_the_draft_is_judged_at_once_and_accuses_nothing_that_is_not_so(judged: Verdicts) -> None:
    failed = {name: one for name, one in judged.items() if one.status is Status.FAIL}
    assert set(failed) == {"references_are_indexed"}, {name: told(one) for name, one in failed.items()}
    assert [row["relation"] for row in _rows(failed["references_are_indexed"])] == ["sale.part_id → public_part.id"]
    undecided = {name for name, one in judged.items() if one.status is not Status.PASS} - set(failed)
    assert not undecided, {name: told(judged[name]) for name in undecided}


def _rows(verdict: Verdict) -> list[dict[str, Any]]:
    names = [column["name"] for column in verdict.columns]
    return [dict(zip(names, row, strict=True)) for row in verdict.rows]


def test_the_copy_has_the_types_of_other_schemas_and_a_time_set_by_a_trigger_proves_nothing(judged: Verdicts) -> None:
    limits = judged["constraints_refuse_what_they_forbid"].limits
    assert not [one for one in limits if "does not exist" in one]
    assert any("Country.changed: a trigger or rule changes the row before it is checked" in one for one in limits)


def test_suggestions_count_the_orphans(stranger: Drafted) -> None:
    with opened(stranger.file, stranger.environment) as audit:
        found = audit.frame("suggested_relations").to_dict("records")
    assert [(row["child"], row["column"], row["parent"], row["orphans"]) for row in found] == [
        ("public.note", "part_id", "public.part", 1),
        # One value proves nothing, so that of the heir is not suggested.
    ]


def test_a_run_of_the_draft_ends_with_a_decision(stranger: Drafted, tmp_path: Path) -> None:
    given = ["run", str(stranger.file), "--phase", "1", "--out", str(tmp_path / "reports")]
    done = CliRunner().invoke(main, given)
    assert done.exit_code == 1 and "An index finds the children of a parent: not so, 1 case" in done.output, done.output
    assert "Traceback" not in done.output


def test_row_security_tells_columns_settings_role_and_what_is_shared(postgres: server.Server, tmp_path: Path) -> None:
    for one in drafted(postgres, TENANTS, tmp_path):
        assert one.values["tenancy"] == {
            "columns": ["org", "team"],
            "settings": {"org": "app.org", "team": "app.team"},
            "role": "stranger_app",
            "shared": ["country"],
        }
        found = one.verdicts()
        wrong = {name: told(verdict) for name, verdict in found.items() if verdict.status is not Status.PASS}
        assert not wrong
        assert {"tables_have_row_security", "children_share_the_tenancy", "tenants_cannot_be_broken_into"} <= set(found)


def test_a_column_that_some_of_the_tenants_tables_lack_is_told_and_not_taken(
    postgres: server.Server, tmp_path: Path
) -> None:
    narrow = """
    create table a (id integer primary key, org text, team text);
    create table b (id integer primary key, org text, team text);
    create table c (id integer primary key, org text);
    alter table a enable row level security;
    alter table b enable row level security;
    alter table c enable row level security;
    create policy own on a using (org = current_setting('app.org') and team = current_setting('app.team'));
    create policy own on b using (org = current_setting('app.org') and team = current_setting('app.team'));
    create policy own on c using (org = current_setting('app.org'));
    """
    for one in drafted(postgres, narrow, tmp_path):
        assert one.values["tenancy"] == {"columns": ["org"], "settings": {"org": "app.org"}}
        assert "team: policies bind it too, but some of the tenants' tables lack it" in one.text
        assert "role: as which the application connects" in one.text


def test_a_column_that_is_called_like_a_tenants_is_offered_and_not_declared(
    postgres: server.Server, tmp_path: Path
) -> None:
    for one in drafted(postgres, NAMED, tmp_path):
        assert "tenancy" not in one.values
        assert "# offered: 3 of 4 tables have tenant_id, and none row security" in one.text
        assert "#   columns: [tenant_id]" in one.text and "#   shared: [country]" in one.text
