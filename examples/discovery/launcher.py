"""Starts the sample: PostgreSQL with a filled database, and the app's API."""

import secrets
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

from examples import databases
from examples.processes import copied_project, on_free_ports, postgresql, until_closed

from .filling import migrated_and_filled
from .processes import start_api
from .sample import APPLICATION, FAULTS_FILE, Sample


def running(size: int = 200, seed: int = 7, answers: Path | None = None) -> AbstractContextManager[Sample]:
    """A sample of its own, ended with the block or with this process.

    `size` is how many assets it has; `answers` is the folder for the answer keys of faults.
    """
    return on_free_ports("discovery", partial(_start, size=size, seed=seed, answers=answers))


def _start(stack: ExitStack, folder: Path, size: int, seed: int, answers: Path | None) -> Sample:
    server_url, suffix = postgresql(stack, "discovery", APPLICATION)
    owner_url, audit_url = databases.create(server_url, "discovery", suffix)
    application_url = databases.add_application(server_url, owner_url, APPLICATION, suffix)
    # Who migrates and who audits sees the rows of every tenant.
    databases.execute(server_url, f"alter role owner{suffix} bypassrls; alter role auditor{suffix} bypassrls")
    code, token = copied_project(folder, Sample.example, Sample.parameter_file), secrets.token_hex(16)
    variables = {
        "DISCOVERY_DATABASE_URL": application_url,
        "DISCOVERY_MIGRATIONS_URL": owner_url,
        "DISCOVERY_API_TOKEN": token,
        "DISCOVERY_FAULTS_FILE": str(folder / FAULTS_FILE),
    }
    api = until_closed(stack, start_api(code, folder / "api.log", variables))
    migrated_and_filled(owner_url, code / "migrations", size, seed)
    databases.keep_start(server_url, owner_url, suffix, APPLICATION)
    api.wait("")
    environment = {"DISCOVERY_AUDIT_URL": audit_url, "DISCOVERY_API": api.url, "DISCOVERY_API_TOKEN": token}
    answers = answers or folder / "answers"
    sample = Sample(environment, owner_url, seed, answers, folder, server_url, api.url, suffix, size)
    text = sample.parameters.read_text(encoding="utf-8")
    sample.parameters.write_text(text.replace(f"role: {APPLICATION}", f"role: {sample.application}"), encoding="utf-8")
    return sample
