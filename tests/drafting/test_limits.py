"""A draft of a large database is a matter of seconds: no large table is ever read whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from dsaudit import server
from dsaudit.database import Answer, Database
from dsaudit.database import shape as shapes
from dsaudit.drafting import Request, draft
from dsaudit.parameters.database import Database as Settings
from tests.drafting import schemas

MORE = """
insert into "Crm"."Deal %" (workspace_id, deal_uid)
select 1, md5('more ' || n)::uuid from generate_series(1, 2000) as n;
insert into "Crm"."Deal Stage" (workspace_id, deal_uid, step)
select 1, md5('more ' || n)::uuid, 1 from generate_series(1, 2000) as n;
"""


class Watched(Database):
    """A database that keeps what it was asked, with its plan where no index is spared."""

    plans: list[tuple[str, str]]

    def queries(
        self,
        sqls: Sequence[str],
        values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        most: int | None = None,
        planner: Mapping[str, str] | None = None,
    ) -> list[Answer]:
        each = [values or {}] * len(sqls) if values is None or isinstance(values, Mapping) else values
        for one, given in zip(sqls, each, strict=True):
            if "pg_catalog" not in one:
                self.plans.append((one, json.dumps(self.explain(one, [given], scans=False))))
        return super().queries(sqls, values, most, planner)


def test_large_tables_are_sampled_or_searched_by_an_index(
    postgres: server.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes, "LARGE", 1)  # every table but the tenants' own counts as large
    with schemas.built(postgres.url, schemas.PARTED + MORE) as url:
        monkeypatch.setenv(schemas.URL_ENV, url)
        database = Watched.open(Settings(url_env=schemas.URL_ENV, snapshot_age=300, statement_timeout=30))
        database.plans = []
        try:
            made = draft(Request("large", schemas.URL_ENV, tmp_path), database)
        finally:
            database.close()
    of_large = [(query, plan) for query, plan in database.plans if '"Workspace"' not in query]
    assert of_large
    for query, plan in of_large:
        assert '"Seq Scan"' not in plan, query
    assert made.value("resources.deal.key") == "deal_uid", "what an index serves is still found"
    assert made.value("resources.deal_stage.nested") == {"in": "deal", "at": "history.stages"}
    assert sum("tablesample" in query for query, _ in database.plans) > 0


def test_what_takes_too_long_is_left_open(
    postgres: server.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = """
    create table landing (id bigint primary key, kind text, source_id text, payload jsonb, received_at timestamptz);
    create view raw_landing as
    select id, source_id, payload, received_at, kind || pg_sleep(5) as object_type from landing;
    insert into landing values (1, 'order', '1', '{}', now());
    create table "order" (id uuid primary key default gen_random_uuid(), order_id text not null unique);
    """
    with schemas.built(postgres.url, slow) as url:
        monkeypatch.setenv(schemas.URL_ENV, url)
        database = Database.open(Settings(url_env=schemas.URL_ENV, snapshot_age=300, statement_timeout=0.5))
        try:
            made = draft(Request("slow", schemas.URL_ENV, tmp_path), database)
        finally:
            database.close()
    assert made.value("resources.order.key") == "order_id"
    assert "raw_landing could not be sampled: canceling statement" in str(made.open)
