"""Starts the sample: PostgreSQL, the broker, the partner and the app, with its first scheduled syncs done."""

import compileall
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from dsaudit import server
from dsaudit.attached import private_folder
from examples import databases
from examples.processes import PROJECT, on_free_ports, until_closed

from .platform import Control, Platform, Settings, restored
from .processes import BACKEND, Broker, start_partner
from .sample import Sample


@contextmanager
def running(seed: int = 7, interval: float = 6, rhythm: int = 3, answers: Path | None = None) -> Iterator[Sample]:
    """A sample of its own, ended with the block or with this process.

    `interval` are the seconds between two scheduled syncs, of which it begins with as many as `rhythm` says; `answers`
    is the folder for the answer keys of faults.
    """

    def start(stack: ExitStack) -> Sample:
        folder = stack.enter_context(private_folder("dsaudit-referrals-"))
        sample = _start(stack, folder, seed, interval, rhythm, answers or folder / "answers")
        sample.first_syncs()
        return sample

    with on_free_ports(start) as sample:
        yield sample


def _start(stack: ExitStack, folder: Path, seed: int, interval: float, rhythm: int, answers: Path) -> Sample:
    token, control, password, platform_token = (secrets.token_hex(16) for _ in range(4))
    hidden = {"REFERRALS_PARTNER_TOKEN": token, "REFERRALS_CONTROL_TOKEN": control}
    broker = until_closed(stack, Broker(folder, password))
    partner = until_closed(stack, start_partner(folder, seed, hidden))
    code = _copy_project(folder)
    postgres = stack.enter_context(server.running())
    # On somebody's own server nothing of ours may bear a name that is there already, or stay.
    suffix = "" if postgres.binaries else f"_{secrets.token_hex(4)}"
    if suffix:
        stack.callback(_forget, postgres.url, suffix)
    owner_url, audit_url = databases.create(postgres.url, "referrals", suffix)
    start = f"referrals{suffix}_start"
    for migration in sorted((code / "migrations").iterdir()):
        databases.execute(owner_url, migration.read_text(encoding="utf-8"))
    databases.copy(postgres.url, databases.name_of(owner_url), start, suffix)
    broker.wait()
    partner.wait(control)
    variables = {
        "HUNTER_DATABASE_URL": owner_url,
        "HUNTER_BROKER_URL": broker.url,
        "HUNTER_PARTNER_CENTER_URL": partner.url,
        "HUNTER_PARTNER_CENTER_TOKEN": token,
    }
    restore = partial(restored, postgres.url, owner_url, start, suffix)
    settings = Settings(enabled=True, seconds=interval)
    platform = Platform(folder, code, settings, variables, partner, control, broker, restore)
    stack.callback(platform.close)
    platform.start()
    url = until_closed(stack, Control(platform, platform_token)).url
    environment = {
        "REFERRALS_AUDIT_URL": audit_url,
        "REFERRALS_PARTNER_API": partner.url,
        "REFERRALS_PARTNER_TOKEN": token,
        "REFERRALS_API": platform.api_url,
        "REFERRALS_BROKER": broker.url,
        "REFERRALS_LOGS": f"{platform.logs}/*.log",
        "REFERRALS_PLATFORM": url,
        "REFERRALS_PLATFORM_TOKEN": platform_token,
    }
    return Sample(
        environment,
        owner_url,
        partner.url,
        platform.api_url,
        url,
        control,
        seed,
        interval,
        rhythm,
        answers,
        copy=folder,
    )


def _copy_project(folder: Path) -> Path:
    """Copy what a fault may edit to the places that it has in the project; return the copied backend."""
    (folder / "logs").mkdir()
    (folder / "parameters").mkdir()
    shutil.copyfile(PROJECT / "parameters" / "referrals.yml", folder / "parameters" / "referrals.yml")
    compileall.compile_dir(BACKEND, quiet=2)  # once, and not in each copy
    return shutil.copytree(BACKEND, folder / BACKEND.relative_to(PROJECT))


def _forget(server_url: str, suffix: str) -> None:
    databases.drop(server_url, f"referrals{suffix}_start", f"referrals{suffix}")
    databases.drop_roles(server_url, suffix)
