"""Syncs against a strict API, migrations up and down, a restart, the verification script, the documents."""

import ast
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dsaudit import server
from examples import databases
from examples.control import SampleError
from examples.migrations import Migrations
from examples.storefront.processes import BACKEND, start_backend, start_source
from examples.storefront.sample import TENANTS, Sample
from tests.storefront.backend_kit import ACME, an_order, deliver, objects, refined, rows

pytestmark = pytest.mark.xdist_group("backend_sync")  # one sample for all of them

SECRETS = {
    "STOREFRONT_TOKEN": "token-of-the-test",
    "STOREFRONT_WEBHOOK_SECRET": "secret-of-the-test",
    "STOREFRONT_CONTROL_TOKEN": "control-of-the-test",
}
DOCUMENTS = BACKEND / "docs" / "integrations"


class Strict:
    """Both processes with a provider that lets few calls through, and a backend that can be started again."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.stack, self.folder = stack, folder
        postgres = stack.enter_context(server.running())
        # Nothing of ours stays on a server that somebody gave.
        self.server_url, self.suffix = postgres.url, f"_{secrets.token_hex(4)}"
        stack.callback(databases.drop_roles, postgres.url, self.suffix)
        stack.callback(databases.drop, postgres.url, f"storefront{self.suffix}", f"migrated{self.suffix}")
        self.owner_url, _ = databases.create(postgres.url, "storefront", self.suffix)
        options = ["--size", "20", "--bucket", "4", "--rate", "50"]
        self.source = start_source(folder / "source.sqlite", options, SECRETS)
        stack.callback(self.source.stop)
        Migrations(BACKEND, folder).run(self.owner_url)
        with psycopg.connect(self.owner_url) as connection:
            for name, (key, shop) in TENANTS.items():
                values = (key, name, json.dumps({"shop": shop}))
                connection.execute("insert into integration (id, name, metadata_info) values (%s, %s, %s)", values)
        self.source.wait(SECRETS["STOREFRONT_CONTROL_TOKEN"])

    def variables(self) -> dict[str, str]:
        return {**SECRETS, "DATABASE_URL": self.owner_url, "SHOPIFY_BASE_URL": self.source.url}

    def backend(self, **switches: object) -> Sample:
        """A backend that has just started, with these faults on from the start."""
        log = self.folder / "backend.log"
        process = start_backend(log, {**self.variables(), "STOREFRONT_FAULTS": json.dumps(switches)})
        self.stack.callback(process.stop)
        token = SECRETS["STOREFRONT_CONTROL_TOKEN"]
        process.wait(token)
        places = (self.folder, self.folder, self.server_url, self.source.url, process.url)
        return Sample(dict(SECRETS), self.owner_url, 1, *places, token, "")


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strict]:
    with ExitStack() as stack:
        yield Strict(stack, tmp_path_factory.mktemp("strict"))


@pytest.fixture(scope="module")
def synced(strict: Strict) -> Sample:
    sample = strict.backend()
    for _, shop in TENANTS.values():
        sample.integration("register", {"shop": shop})
        sample.sync(shop)
    return sample


def test_a_strict_rate_limit_is_waited_out_and_nothing_is_missed(strict: Strict, synced: Sample) -> None:
    log = (strict.folder / "backend.log").read_text()
    repeated = [json.loads(line) for line in log.splitlines() if '"call_repeated"' in line]
    assert {line["reason"] for line in repeated} == {"status 429"}
    stored = rows(synced, "select shopify_order_id from shopify_order where integration_id = %s", TENANTS["acme"][0])
    assert {order for (order,) in stored} == {order["id"] for order in patient(synced, "orders")}


def patient(sample: Sample, path: str) -> list[dict[str, Any]]:
    """The test keeps to the rate limit too."""
    time.sleep(0.2)
    return objects(sample, ACME, path)


def test_no_line_of_the_log_holds_a_secret_or_a_payload(strict: Strict, synced: Sample) -> None:
    log = (strict.folder / "backend.log").read_text()
    assert [secret for secret in SECRETS.values() if secret in log] == []
    assert "total_price" not in log
    assert {"sync_done", "page_read", "connected"} <= {json.loads(line)["event"] for line in log.splitlines()}


def test_a_missing_scope_fails_its_resource_alone_and_is_recorded(synced: Sample) -> None:
    synced.source_control("faults", {"revoked_scopes": ["read_gift_cards"]})
    with pytest.raises(SampleError, match=r"answered 502: .*gift_cards.*status 403"):
        synced.sync(ACME)
    synced.source_control("faults", {"revoked_scopes": None})
    query = "select object_type, error from shopify_sync_run order by id desc limit 14"
    failed = [(object_type, error) for object_type, error in rows(synced, query) if error]
    assert [object_type for object_type, _ in failed] == ["gift_card"]
    assert "status 403" in failed[0][1]


def test_an_unknown_shop_or_resource_is_refused(synced: Sample) -> None:
    with pytest.raises(SampleError, match=r"answered 404: .*unknown shop"):
        synced.sync("other.myshopify.example")
    with pytest.raises(SampleError, match=r"answered 422: .*no such resource: ordres; there are: locations"):
        synced.sync(ACME, resources=["ordres"])
    with pytest.raises(SampleError, match=r"answered 404: .*unknown shop"):
        synced.integration("register", {"shop": "other.myshopify.example"})


def test_a_restart_takes_up_what_was_pending(strict: Strict, synced: Sample) -> None:
    order = an_order()
    synced.backend_control("faults", {"skip_refinement": ["order"]})
    assert deliver(synced, "orders/create", order).status_code == 200
    synced.settle()
    again = strict.backend()
    again.settle()
    assert refined(again, "order", shopify_order_id=order["id"])["deleted_at"] is None
    synced.backend_control("faults", {"skip_refinement": None})
    assert deliver(synced, "orders/delete", {"id": order["id"]}).status_code == 200
    synced.settle()


def test_a_switch_of_the_environment_is_on_from_the_start(strict: Strict) -> None:
    assert strict.backend(page_limit=1).switches()[1] == {"page_limit": 1}


def test_subscriptions_follow_the_backend_to_its_new_address(strict: Strict, synced: Sample) -> None:
    moved = strict.backend()
    assert moved.integration("register", {"shop": ACME})["success_count"] == 34
    addresses = {one["address"] for one in patient(moved, "webhooks")}
    assert addresses == {f"{moved.backend_url}/api/v1/integrations/shopify/webhooks"}
    synced.integration("register", {"shop": ACME})


def run(strict: Strict, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **strict.variables(), "PUBLIC_URL": "http://127.0.0.1", **variables}
    return subprocess.run([sys.executable, *command], cwd=BACKEND, env=environment, capture_output=True, text=True)


def test_the_verification_script_passes_on_a_mirror_and_names_a_difference(strict: Strict, synced: Sample) -> None:
    for _, shop in TENANTS.values():
        synced.sync(shop)
    script = "scripts/verify_shopify_integrity.py"
    healthy = run(strict, script)
    assert (healthy.returncode, healthy.stderr) == (0, ""), healthy.stdout
    assert healthy.stdout.endswith("HEALTHY: every shop is mirrored\n")
    rows(synced, "update shopify_gift_card set deleted_at = now() returning 1")
    sick = run(strict, script)
    rows(synced, "update shopify_gift_card set deleted_at = null returning 1")
    assert sick.returncode == 1
    assert re.search(r"FAIL gift_card: \d+ at the source, 0 stored", sick.stdout)


def test_migrations_and_models_agree_and_go_down_and_up_again(strict: Strict) -> None:
    url = databases.address(strict.owner_url, database=f"migrated{strict.suffix}")
    with psycopg.connect(strict.server_url, autocommit=True) as connection:
        connection.execute(f"create database migrated{strict.suffix} owner owner{strict.suffix}")
    for command in ("upgrade head", "downgrade base", "upgrade head", "check"):
        done = run(strict, "-m", "alembic", *command.split(), DATABASE_URL=url)
        assert done.returncode == 0, done.stdout + done.stderr
    with psycopg.connect(url) as connection:
        assert connection.execute("select version_num from alembic_version").fetchall() == [("0006",)]


def _text(name: str) -> str:
    return (DOCUMENTS / f"shopify_{name}.md").read_text(encoding="utf-8")


def _texts(file: str, name: str) -> Any:
    """A list or dict of the code, or its names where the values are no literals."""
    tree = ast.parse((BACKEND / file).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            value = node.value
            return [key.value for key in value.keys] if isinstance(value, ast.Dict) else ast.literal_eval(value)
    raise AssertionError(f"{file} has no {name}")


def test_every_topic_has_a_handler_and_every_handler_a_topic() -> None:
    topics = _texts("app/services/shopify/oauth_service.py", "topics")
    assert len(topics) == len(set(topics)) == 34
    assert _texts("app/api/v1/endpoints/shopify_webhooks.py", "TOPIC_HANDLERS") == topics
    assert [topic for topic in topics if f"`{topic}`" not in _text("webhook_analysis")] == []
    assert [topic for topic in topics if f"`{topic}`" not in _text("api_coverage")] == []


def test_every_scope_is_explained() -> None:
    scopes = _texts("app/services/shopify/oauth_service.py", "SCOPES")
    explained = re.findall(r"^\| `(read_\w+)` \| .{20,} \|$", _text("integration"), re.MULTILINE)
    assert explained == scopes


def test_every_switch_and_setting_is_documented() -> None:
    source = (BACKEND / "app/core/faults.py").read_text(encoding="utf-8")
    switches = re.findall(r'^        "(\w+)",$', source, re.MULTILINE)
    assert len(switches) == 34
    settings = re.findall(r'environ\S*?\W"([A-Z_]+)"', (BACKEND / "app/core/config.py").read_text(encoding="utf-8"))
    assert [name for name in (*switches, *settings) if f"`{name}`" not in _text("integration")] == []


def test_every_sync_function_has_its_row() -> None:
    source = (BACKEND / "app/services/shopify/sync_service.py").read_text(encoding="utf-8")
    functions = re.findall(r"async def (fetch_and_ingest_\w+)", source)
    assert len(functions) == 13
    assert [name for name in functions if f"`{name}`" not in _text("api_coverage")] == []


def test_every_table_and_column_is_described_and_none_that_is_not_there(synced: Sample) -> None:
    query = """select table_name, array_agg(column_name::text order by ordinal_position)
        from information_schema.columns where table_schema = 'public' group by 1"""
    sections = re.split(r"^### `(\w+)`", _text("data_model"), flags=re.MULTILINE)[1:]
    described = dict(zip(sections[::2], sections[1::2], strict=True))
    shared = set(re.findall(r"^\| `(\w+)` \|", _text("data_model").split("### ")[0], re.MULTILINE))
    tables = dict(rows(synced, query))
    assert described.keys() == tables.keys()
    for table, columns in tables.items():
        named = re.findall(r"^\| `(\w+)` \|", described[table], re.MULTILINE)
        own = [column for column in columns if column not in shared or column in named]
        assert named == own, table
        assert set(columns) - set(named) in (set(), shared), table
