"""With a part of the system away nothing that needs it passes, and one line says which part it is."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from dsaudit.checks import all_checks
from dsaudit.verdict import Status
from tests.background_sync.auditing import CHECKS, audited
from tests.checks.auditing import decision, told
from tests.command_lines import DSAUDIT

pytestmark = pytest.mark.xdist_group("referrals-1")
OF_THE_WORKER = [name for name in CHECKS if "worker" in all_checks()[name].listed("needs")]
RUN = [*DSAUDIT, "run"]


@contextlib.contextmanager
def away(environment: dict[str, str], *names: str) -> Iterator[dict[str, str]]:
    """Yield the environment with these addresses moved to ports that are taken, and at which nobody listens."""
    moved = {}
    with contextlib.ExitStack() as held:
        for name in names:
            taken = held.enter_context(socket.socket())
            taken.bind(("127.0.0.1", 0))
            parts = urlsplit(environment[name])
            netloc = parts.netloc.replace(f":{parts.port}", f":{taken.getsockname()[1]}")
            moved[name] = urlunsplit(parts._replace(netloc=netloc))
        yield {**environment, **moved}


def test_with_the_broker_down_what_asks_the_workers_is_not_known(referrals: Any) -> None:
    with away(referrals.environment, "REFERRALS_BROKER") as environment:
        found, _, parameters = audited(referrals, environment=environment)
    for name in OF_THE_WORKER:
        assert found[name].status is Status.INCONCLUSIVE, told(found[name])
        reasons = [result.reason or "" for result in found[name].results]
        assert all("the broker does not answer (worker.broker_env)" in one and "\n" not in one for one in reasons)
    assert decision(parameters, found)["decision"] == "INCONCLUSIVE"
    assert found["source_missing_in_refined"].status is Status.PASS  # the rest is audited all the same


def test_with_nothing_running_nothing_that_was_to_be_done_passes(referrals: Any) -> None:
    names = ("REFERRALS_BROKER", "REFERRALS_API", "REFERRALS_PARTNER_API", "REFERRALS_PLATFORM")
    with away(referrals.environment, *names) as environment:
        found, _, parameters = audited(referrals, environment=environment)
    acting = [name for name in CHECKS if "acts" in all_checks()[name].headers]
    for name in [*acting, "api_is_healthy", "source_missing_in_refined"]:
        assert found[name].status is Status.INCONCLUSIVE, told(found[name])
    assert decision(parameters, found)["decision"] == "INCONCLUSIVE"


def test_with_the_database_down_the_run_is_refused_in_one_line(referrals: Any, tmp_path: Any) -> None:
    command = [*RUN, str(referrals.parameters), "--out", str(tmp_path)]
    with away(referrals.environment, "REFERRALS_AUDIT_URL") as environment:
        done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
    assert done.returncode == 3
    (line,) = done.stderr.strip().splitlines()
    assert "REFERRALS_AUDIT_URL" in line and not list(tmp_path.rglob("result.json"))
