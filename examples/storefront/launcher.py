"""Starts the sample: PostgreSQL, the provider's side and the integration, filled and at rest."""

import json
import os
import secrets
import shutil
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from examples import databases
from examples.control import SampleError
from examples.migrations import Migrations
from examples.processes import START_SECONDS, Process, copied_project, on_free_ports, postgresql, until_closed

from .logs import LOG, rotated
from .processes import BACKEND, start_backend, start_source
from .sample import SHOPS, TENANTS, Sample, Start, side_by_side

GENERATED_A_SECOND = 500  # orders, at the least
SECRETS = ("STOREFRONT_TOKEN", "STOREFRONT_WRITE_TOKEN", "STOREFRONT_WEBHOOK_SECRET", "STOREFRONT_CONTROL_TOKEN")
# 28 for each of the eleven resources that have webhooks: deletions left out, that is the 20 that a percentile needs.
LIVE_CHANGES = 308


def running(
    size: int = 100, seed: int = 7, live: bool = True, cloneable: bool = True, answers: Path | None = None
) -> AbstractContextManager[Sample]:
    """A sample of its own, ended with the block or with this process.

    `live` lets changes arrive by webhook once everything was read; without `cloneable` the start is a little shorter;
    `answers` is the folder for the answer keys of planted faults.
    """

    def start(stack: ExitStack, folder: Path) -> Sample:
        sample = _start(stack, folder, size, seed, answers or folder / "answers")
        _fill(sample, live)
        return _keep_start(sample, folder) if cloneable else sample

    return on_free_ports("storefront", start)


def cloned(sample: Sample) -> AbstractContextManager[Sample]:
    """A copy of a sample as it had just started, on the same PostgreSQL server."""
    if sample.start is None:
        raise SampleError("this sample was started without what its clones are made of")
    return on_free_ports("storefront", partial(_start_clone, sample=sample, origin=sample.start))


def _start(stack: ExitStack, folder: Path, size: int, seed: int, answers: Path) -> Sample:
    hidden = {name: os.environ.get(name) or secrets.token_hex(16) for name in SECRETS}
    token = hidden["STOREFRONT_CONTROL_TOKEN"]
    options = ["--size", str(size), "--seed", str(seed)]
    source = until_closed(stack, start_source(folder / "source.sqlite", options, hidden))
    migrations = until_closed(stack, Migrations(BACKEND, folder))
    server_url, suffix = postgresql(stack, "storefront")
    owner_url, audit_url = databases.create(server_url, "storefront", suffix)
    code = copied_project(folder, Sample.example, Sample.parameter_file)
    backend = until_closed(stack, _backend(folder, hidden, owner_url, source.url, code))
    migrations.run(owner_url)
    source.wait(token, START_SECONDS + size / GENERATED_A_SECOND)
    backend.wait(token)
    sample = Sample({}, owner_url, seed, answers, folder, server_url, source.url, backend.url, token, suffix)
    return replace(sample, environment=_environment(sample, audit_url, hidden))


def _start_clone(stack: ExitStack, folder: Path, sample: Sample, origin: Start) -> Sample:
    token = sample.control_token
    hidden = {name: {**sample.environment, "STOREFRONT_CONTROL_TOKEN": token}[name] for name in SECRETS}
    database = f"storefront_{secrets.token_hex(4)}"
    owner_url = databases.address(sample.owner_url, database=database)
    data = shutil.copyfile(origin.data, folder / "source.sqlite")
    source = until_closed(stack, start_source(data, [], hidden, often=True))
    stack.callback(databases.drop, sample.server_url, database)
    rotated(origin.log, folder / f"{LOG}.1.gz")
    code = copied_project(folder, Sample.example, Sample.parameter_file)
    backend = until_closed(stack, _backend(folder, hidden, owner_url, source.url, code, often=True))
    databases.copy(sample.server_url, origin.database, database, sample.role_suffix)
    clone = replace(
        sample,
        owner_url=owner_url,
        source_url=source.url,
        backend_url=backend.url,
        answers=folder / "answers",
        copy=folder,
    )
    audit_url = databases.address(sample.environment["STOREFRONT_AUDIT_URL"], database=database)
    source.wait(token)
    backend.wait(token)
    _move_webhooks(clone, origin.backend_url)
    return replace(clone, environment=_environment(clone, audit_url, hidden))


def _environment(sample: Sample, audit_url: str, hidden: dict[str, str]) -> dict[str, str]:
    """The variables that the parameter file names."""
    return {
        "STOREFRONT_AUDIT_URL": audit_url,
        "STOREFRONT_API": sample.source_url,
        "STOREFRONT_SYNC": f"{sample.backend_url}/api/v1/integrations/shopify/sync",
        "STOREFRONT_LOGS": f"{sample.copy / LOG}*",
        "STOREFRONT_TOKEN": hidden["STOREFRONT_TOKEN"],
        "STOREFRONT_WRITE_TOKEN": hidden["STOREFRONT_WRITE_TOKEN"],
        "STOREFRONT_WEBHOOK_SECRET": hidden["STOREFRONT_WEBHOOK_SECRET"],
    }


def _backend(
    folder: Path, hidden: dict[str, str], owner_url: str, source_url: str, code: Path, often: bool = False
) -> Process:
    variables = {**hidden, "DATABASE_URL": owner_url, "SHOPIFY_BASE_URL": source_url}
    del variables["STOREFRONT_WRITE_TOKEN"]  # the integration reads, and nothing else
    if "STOREFRONT_FAULTS" in os.environ:
        variables["STOREFRONT_FAULTS"] = os.environ["STOREFRONT_FAULTS"]
    return start_backend(folder / LOG, variables, code, often)


def _fill(sample: Sample, live: bool) -> None:
    """Let both shops install the app: subscriptions, the first reading, then live traffic."""
    with sample.owner() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into integration (id, provider, name, is_active, metadata_info)"
            " values (%s, 'shopify', %s, true, %s::jsonb)",
            [(key, name, json.dumps({"shop": shop})) for name, (key, shop) in TENANTS.items()],
        )

    def install(shop: str) -> None:
        sample.integration("register", {"shop": shop})
        sample.sync(shop)

    side_by_side(install, SHOPS)
    sample.settle(timeout=600)
    if live:
        sample.change(LIVE_CHANGES, sample.seed)
        sample.settle(timeout=120)


def _keep_start(sample: Sample, folder: Path) -> Sample:
    data, log = folder / "start.sqlite", folder / "start.log"
    sample.backend_control("disconnect", {})
    database = databases.keep_start(sample.server_url, sample.owner_url, sample.role_suffix)
    sample.source_control("copy", {"path": str(data)})
    shutil.copyfile(folder / LOG, log)
    return replace(sample, start=Start(database, data, log, sample.backend_url))


def _move_webhooks(clone: Sample, old: str) -> None:
    """Let the copied shops deliver to the copied integration, and its record of it agree."""
    clone.source_control("webhooks/move", {"from": old, "to": clone.backend_url})
    with clone.owner() as connection:
        connection.execute(
            "update integration set metadata_info = replace(metadata_info::text, %s, %s)::jsonb",
            (old, clone.backend_url),
        )
