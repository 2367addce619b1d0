"""Starts the sample: PostgreSQL with a filled database, the marketplace, and the app's API."""

import compileall
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dsaudit import server
from dsaudit.attached import private_folder
from examples import databases
from examples.migrations import Migrations
from examples.processes import on_free_ports, until_closed

from .filling import fill
from .processes import BACKEND, start_api, start_marketplace
from .sample import FAULTS_FILE, RESULTS, Sample, copied_project
from .testing import Tests


@contextmanager
def running(size: int = 200, seed: int = 7, answers: Path | None = None) -> Iterator[Sample]:
    """A sample of its own, ended with the block or with this process.

    `size` is how many listings it has; `answers` is the folder for the answer keys of faults.
    """

    def start(stack: ExitStack) -> Sample:
        folder = stack.enter_context(private_folder("dsaudit-listings-"))
        return _start(stack, folder, size, seed, answers or folder / "answers")

    with on_free_ports(start) as sample:
        yield sample


def _start(stack: ExitStack, folder: Path, size: int, seed: int, answers: Path) -> Sample:
    migrations = until_closed(stack, Migrations(BACKEND, folder))
    market = until_closed(stack, start_marketplace(folder / "marketplace.log", seed))
    postgres = stack.enter_context(server.running())
    # On somebody's own server nothing of ours may bear a name that is there already, or stay.
    suffix = "" if postgres.binaries else f"_{secrets.token_hex(4)}"
    if suffix:
        stack.callback(_forget, postgres.url, suffix)
    owner_url, audit_url = databases.create(postgres.url, "listings", suffix)
    token = secrets.token_hex(16)
    compileall.compile_dir(BACKEND, quiet=2)  # once, and not in each copy
    code = copied_project(folder)
    tests = until_closed(stack, Tests(code, folder / RESULTS))
    variables = {
        "LISTINGS_DATABASE_URL": owner_url,
        "LISTINGS_API_TOKEN": token,
        "LISTINGS_FAULTS_FILE": str(folder / FAULTS_FILE),
    }
    api = until_closed(stack, start_api(code, folder / "api.log", variables))
    migrations.run(owner_url)
    fill(owner_url, size, seed)
    name = databases.name_of(owner_url)
    databases.copy(postgres.url, name, f"{name}_start", suffix)
    market.wait("")
    api.wait("")
    tests.wait()
    shutil.copytree(folder / RESULTS, folder / f"{RESULTS}_start")
    environment = {
        "LISTINGS_AUDIT_URL": audit_url,
        "LISTINGS_API": api.url,
        "LISTINGS_API_TOKEN": token,
        "LISTINGS_MARKETPLACE": market.url,
        "LISTINGS_METRICS": f"{api.url}/metrics",
        "LISTINGS_TEST_RESULTS": str(folder / RESULTS),
    }
    return Sample(environment, owner_url, postgres.url, api.url, market.url, suffix, size, seed, answers, copy=folder)


def _forget(server_url: str, suffix: str) -> None:
    databases.drop(server_url, f"listings{suffix}_start", f"listings{suffix}")
    databases.drop_roles(server_url, suffix)
