"""Starts the sample: PostgreSQL, the broker, the partner and the app, with its first scheduled syncs done."""

import secrets
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

from examples import databases
from examples.processes import copied_project, on_free_ports, postgresql, until_closed

from .platform import Control, Platform, Settings
from .processes import Broker, start_partner
from .sample import Sample


def running(
    seed: int = 7, interval: float = 6, rhythm: int = 3, answers: Path | None = None
) -> AbstractContextManager[Sample]:
    """A sample of its own, ended with the block or with this process.

    `interval` are the seconds between two scheduled syncs, of which it begins with as many as `rhythm` says; `answers`
    is the folder for the answer keys of faults.
    """
    start = partial(_start, seed=seed, interval=interval, rhythm=rhythm, answers=answers)
    return on_free_ports("referrals", start)


def _start(stack: ExitStack, folder: Path, seed: int, interval: float, rhythm: int, answers: Path | None) -> Sample:
    token, control, password, platform_token = (secrets.token_hex(16) for _ in range(4))
    hidden = {"REFERRALS_PARTNER_TOKEN": token, "REFERRALS_CONTROL_TOKEN": control}
    broker = until_closed(stack, Broker(folder, password))
    partner = until_closed(stack, start_partner(folder, seed, hidden))
    code = copied_project(folder, Sample.example, Sample.parameter_file)
    (folder / "logs").mkdir()
    server_url, suffix = postgresql(stack, "referrals")
    owner_url, audit_url = databases.create(server_url, "referrals", suffix)
    for migration in sorted((code / "migrations").iterdir()):
        databases.execute(owner_url, migration.read_text(encoding="utf-8"))
    databases.keep_start(server_url, owner_url, suffix)
    broker.wait()
    partner.wait(control)
    variables = {
        "HUNTER_DATABASE_URL": owner_url,
        "HUNTER_BROKER_URL": broker.url,
        "HUNTER_PARTNER_CENTER_URL": partner.url,
        "HUNTER_PARTNER_CENTER_TOKEN": token,
    }
    restore = partial(databases.restore_start, server_url, owner_url, suffix)
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
    answers = answers or folder / "answers"
    urls = partner.url, platform.api_url, url
    sample = Sample(environment, owner_url, seed, answers, folder, *urls, control, interval, rhythm)
    sample.first_syncs()
    return sample
