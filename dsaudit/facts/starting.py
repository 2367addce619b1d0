"""Asks the integration for one sync, by a request or by a command, and says what its answer means."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal
from urllib.parse import quote

import httpx

from dsaudit import handoff
from dsaudit.parameters.filling import filled, placeholders
from dsaudit.parameters.secret import SecretMissing, from_environment
from dsaudit.parameters.starting import why_unprotected
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.parameters import Parameters, Tenant
    from dsaudit.parameters.starting import Start

CONNECTING = 10.0  # seconds
LARGEST_ANSWER = 100_000  # bytes that are read of an answer
# By these an endpoint says that it does not know us, or not now; a redirect says as little. None is a sync's failure.
NOT_TAKEN = {401, 403, 404, 405, 407, 408, 409, 410, 425, 429, 502, 503, 504}
NOT_RUN = {125, 126, 127}  # by these a shell, or what starts containers, says that the command itself did not run
LAST_LINES, LAST_BYTES = 10, 4000  # of a command's output that are kept


@dataclass(frozen=True)
class Answer:
    """What the integration answered, and in which words.

    means: taken; refused; turned away (for a reason that says nothing of the sync); failed (a command that ended so);
    stopped (a command that took too long); open (it was not asked, or the sync may still be under way).
    """

    means: Literal["taken", "refused", "turned away", "failed", "stopped", "open"]
    told: str
    output: str = ""


class NotStarted(Exception):
    """Why a sync could not be asked for, in a few words."""


def names_resource(given: Start) -> bool:
    """Return whether what is asked for names the resource."""
    address = given.url or (os.environ.get(given.url_env, "") if given.url_env else "")
    return "resource" in placeholders([address, given.body, given.command])


def ask(parameters: Parameters, given: Start, tenant: Tenant, resource: str) -> Answer:
    """Ask for a sync of a resource, as its table of runs calls it, and return what is answered.

    Raises
    ------
    NotStarted
        Nobody was asked.
    """
    texts = {"tenant": tenant.name, "id": str(tenant.id), "account": tenant.account or "", "resource": resource}
    try:
        return (_run if given.command else _send)(parameters, given, texts)
    except SecretMissing as error:
        raise NotStarted(str(error).splitlines()[0]) from None


def _send(parameters: Parameters, given: Start, texts: dict[str, str]) -> Answer:
    """Send the request and return what is answered."""
    address = given.url or from_environment(given.url_env or "").reveal()
    target = filled(address, lambda name: quote(texts[name], safe="") if name in texts else f"{{{name}}}")
    if problem := why_unprotected(given, target, parameters.environment):
        raise NotStarted(problem)
    body = filled(given.body, lambda name: texts[name])
    headers = {"User-Agent": "dsaudit"}
    if given.token_env:
        headers["Authorization"] = f"Bearer {from_environment(given.token_env).reveal()}"
    patience = httpx.Timeout(given.wait_seconds, connect=min(given.wait_seconds, CONNECTING))
    begun, size = time.monotonic(), 0
    try:
        with (
            httpx.Client(follow_redirects=False, trust_env=False, timeout=patience) as client,
            client.stream(given.method, target, json=body, headers=headers) as answer,
        ):
            for part in answer.iter_raw():  # a sync may be done only when its answer is whole
                size += len(part)
                if size > LARGEST_ANSWER or time.monotonic() - begun > given.wait_seconds:
                    break
            return _meaning(answer.status_code)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise NotStarted(f"not reached: {type(error).__name__}") from None
    except httpx.HTTPError:
        return Answer("open", "not answered")  # or when the sync has ended, or not at all: its run tells


def _meaning(status: int) -> Answer:
    told = f"answered with {status}"
    if status < 300:
        return Answer("taken", told)
    return Answer("turned away" if status < 400 or status in NOT_TAKEN else "refused", told)


def _run(parameters: Parameters, given: Start, texts: dict[str, str]) -> Answer:
    """Run the command, without a shell, and return how it ended; what takes too long is ended, with all it started."""
    command = [filled(word, lambda name: texts[name]) for word in given.command or []]
    environment = {name: value for name, value in os.environ.items() if name != handoff.VARIABLE}
    with tempfile.TemporaryFile() as output:
        try:
            running = subprocess.Popen(
                command,
                cwd=parameters.path.parent.parent,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise NotStarted("the command was not started: there is no such program (syncs.run.command)") from None
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            raise NotStarted(f"the command was not started: {why}") from None
        try:
            code = running.wait(given.wait_seconds)
        except subprocess.TimeoutExpired:
            return Answer("stopped", f"the command was ended after {span(given.wait_seconds)}")
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()
        told = f"the command ended with {code}" if code >= 0 else f"the command was ended by signal {-code}"
        if code == 0:
            return Answer("taken", told)
        return Answer("turned away" if code in NOT_RUN else "failed", told, _last_lines(output, parameters))


def _last_lines(output: IO[bytes], parameters: Parameters) -> str:
    """Return the end of what a command said, without the secrets that dsaudit knows."""
    output.seek(max(output.seek(0, os.SEEK_END) - LAST_BYTES, 0))
    text = "\n".join(output.read().decode(errors="replace").replace("\0", "").splitlines()[-LAST_LINES:])
    for value in (os.environ.get(name) for name in parameters.secrets()):
        text = text.replace(value, "***") if value else text
    return text
