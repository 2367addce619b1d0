"""Starts the sample: PostgreSQL with a filled database, and the app's API."""

import compileall
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dsaudit import server
from dsaudit.attached import private_folder
from examples import databases
from examples.processes import PROJECT, on_free_ports, until_closed

from .filling import migrated_and_filled
from .processes import BACKEND, start_api
from .sample import APPLICATION, FAULTS_FILE, PARAMETERS, Sample


@contextmanager
def running(size: int = 200, seed: int = 7, answers: Path | None = None) -> Iterator[Sample]:
    """A sample of its own, ended with the block or with this process.

    `size` is how many assets it has; `answers` is the folder for the answer keys of faults.
    """

    def start(stack: ExitStack) -> Sample:
        folder = stack.enter_context(private_folder("dsaudit-discovery-"))
        return _start(stack, folder, size, seed, answers or folder / "answers")

    with on_free_ports(start) as sample:
        yield sample


def _start(stack: ExitStack, folder: Path, size: int, seed: int, answers: Path) -> Sample:
    postgres = stack.enter_context(server.running())
    # On somebody's own server nothing of ours may bear a name that is there already, or stay.
    suffix = "" if postgres.binaries else f"_{secrets.token_hex(4)}"
    if suffix:
        stack.callback(_forget, postgres.url, suffix)
    owner_url, audit_url = databases.create(postgres.url, "discovery", suffix)
    application_url = databases.add_application(postgres.url, owner_url, APPLICATION, suffix)
    # Who migrates and who audits sees the rows of every tenant.
    databases.execute(postgres.url, f"alter role owner{suffix} bypassrls; alter role auditor{suffix} bypassrls")
    code, token = _copy_project(folder, suffix), secrets.token_hex(16)
    variables = {
        "DISCOVERY_DATABASE_URL": application_url,
        "DISCOVERY_MIGRATIONS_URL": owner_url,
        "DISCOVERY_API_TOKEN": token,
        "DISCOVERY_FAULTS_FILE": str(folder / FAULTS_FILE),
    }
    api = until_closed(stack, start_api(code, folder / "api.log", variables))
    migrated_and_filled(owner_url, code / "migrations", size, seed)
    name = databases.name_of(owner_url)
    databases.copy(postgres.url, name, f"{name}_start", suffix, APPLICATION)
    api.wait("")
    environment = {"DISCOVERY_AUDIT_URL": audit_url, "DISCOVERY_API": api.url, "DISCOVERY_API_TOKEN": token}
    return Sample(environment, owner_url, postgres.url, api.url, suffix, size, seed, answers, copy=folder)


def _copy_project(folder: Path, suffix: str) -> Path:
    """Copy what a fault may edit to the places that it has in the project; return the copied backend."""
    parameters = (PROJECT / PARAMETERS).read_text(encoding="utf-8")
    (folder / PARAMETERS).parent.mkdir()
    (folder / PARAMETERS).write_text(
        parameters.replace(f"role: {APPLICATION}", f"role: {APPLICATION}{suffix}"), encoding="utf-8"
    )
    compileall.compile_dir(BACKEND, quiet=2)  # once, and not in each copy
    return shutil.copytree(BACKEND, folder / BACKEND.relative_to(PROJECT))


def _forget(server_url: str, suffix: str) -> None:
    databases.drop(server_url, f"discovery{suffix}_start", f"discovery{suffix}")
    databases.drop_roles(server_url, suffix, APPLICATION)
