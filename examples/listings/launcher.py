"""Starts the sample: PostgreSQL with a filled database, the marketplace, and the app's API."""

import secrets
import shutil
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

from examples import databases
from examples.migrations import Migrations
from examples.processes import copied_project, on_free_ports, postgresql, until_closed

from .filling import fill
from .processes import BACKEND, start_api, start_marketplace
from .sample import FAULTS_FILE, RESULTS, Sample
from .testing import Tests


def running(size: int = 200, seed: int = 7, answers: Path | None = None) -> AbstractContextManager[Sample]:
    """A sample of its own, ended with the block or with this process.

    `size` is how many listings it has; `answers` is the folder for the answer keys of faults.
    """
    return on_free_ports("listings", partial(_start, size=size, seed=seed, answers=answers))


def _start(stack: ExitStack, folder: Path, size: int, seed: int, answers: Path | None) -> Sample:
    migrations = until_closed(stack, Migrations(BACKEND, folder))
    market = until_closed(stack, start_marketplace(folder / "marketplace.log", seed))
    server_url, suffix = postgresql(stack, "listings")
    owner_url, audit_url = databases.create(server_url, "listings", suffix)
    token = secrets.token_hex(16)
    code = copied_project(folder, Sample.example, Sample.parameter_file)
    tests = until_closed(stack, Tests(code, folder / RESULTS))
    variables = {
        "LISTINGS_DATABASE_URL": owner_url,
        "LISTINGS_API_TOKEN": token,
        "LISTINGS_FAULTS_FILE": str(folder / FAULTS_FILE),
    }
    api = until_closed(stack, start_api(code, folder / "api.log", variables))
    migrations.run(owner_url)
    fill(owner_url, size, seed)
    databases.keep_start(server_url, owner_url, suffix)
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
    answers = answers or folder / "answers"
    return Sample(environment, owner_url, seed, answers, folder, server_url, api.url, market.url, suffix, size)
