"""Asks the integration by HTTP, or runs a command, and says in a few words what came of it.

There is one sender and one runner of commands. Both have their limits: of time, and of what is kept of an answer.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Any

import httpx

from dsaudit import handoff
from dsaudit.parameters.action import why_unprotected
from dsaudit.parameters.secret import SecretMissing, from_environment, hidden
from dsaudit.wording import span

if TYPE_CHECKING:
    from dsaudit.parameters import Parameters
    from dsaudit.parameters.action import Action
    from dsaudit.parameters.api import Api

CONNECTING = 10.0  # seconds
LARGEST_ANSWER = 100_000  # bytes that are read of an answer
LAST_LINES, LAST_BYTES = 10, 4000  # of a command's output that are kept


@dataclass(frozen=True)
class Answered:
    """What was answered.

    `status` is the answer's, None where there was none or a command was run; `body` the object of JSON in it, of what
    was read of it, `content`; `told` says it in words: ``answered with 200``, ``not reached: ConnectError``, ``the
    command ended with 1``. Of a command, `code` is what it ended with (negative: the signal) and `output` its last
    lines, without the secrets.
    """

    status: int | None
    body: dict[str, Any]
    told: str
    seconds: float = 0.0
    code: int | None = None
    output: str = field(default="", repr=False)
    content: bytes = field(default=b"", repr=False)

    @property
    def is_done(self) -> bool:
        """Whether it was done: answered with a success, or a command that ended with 0."""
        return self.code == 0 if self.status is None else 200 <= self.status < 300


class NotCalled(Exception):
    """Why nobody was asked, in a few words."""


class NotAllowed(Exception):
    """Something would have been done to a system that nobody asked to act on."""


def refuse_unless_acting(parameters: Parameters) -> None:
    """Raise `NotAllowed` where acting was not asked for, or the system is in production."""
    if not parameters.acting:
        raise NotAllowed("acting on the system was not asked for, or its environment is production")


def health(parameters: Parameters) -> Answered:
    """Ask the API how it is; never raises for what it answers, or that it does not."""
    api = parameters.api
    assert api is not None and api.health
    return _asked(parameters, api, "GET", api.health, None)


def request_sync(parameters: Parameters) -> Answered:
    """Ask the API for a sync; raises `NotAllowed` where nobody asked to act."""
    refuse_unless_acting(parameters)
    api = parameters.api
    assert api is not None and api.sync is not None
    return _asked(parameters, api, api.sync.method, api.sync.path, api.sync.body)


def act(parameters: Parameters, action: Action) -> Answered:
    """Send the request or run the command of an action; raises `NotAllowed` where nobody asked to act."""
    refuse_unless_acting(parameters)
    if action.command:
        command = action.command
        return _told(lambda: executed(parameters, command, action.wait_seconds))

    def send() -> Answered:
        token, address = action.token_env, action.address
        return requested(parameters, action.method, address, action.body, token, action.wait_seconds)

    return _told(send)


def _asked(parameters: Parameters, api: Api, method: str, path: str, body: dict[str, Any] | None) -> Answered:
    def send() -> Answered:
        return requested(parameters, method, api.address(path), body, api.token_env, api.wait_seconds)

    return _told(send)


def _told(call: Callable[[], Answered]) -> Answered:
    """Return what came of a call, in words too where nobody could be asked."""
    begun = time.monotonic()
    try:
        found = call()
    except (NotCalled, SecretMissing) as error:
        found = Answered(None, {}, str(error))
    return replace(found, seconds=time.monotonic() - begun)


def requested(
    parameters: Parameters,
    method: str,
    address: str,
    body: Any,
    token_env: str | None,
    wait_seconds: float,
    headers: Mapping[str, str] | None = None,
    token_header: str = "Authorization",
    client: httpx.Client | None = None,
) -> Answered:
    """Send one request and return what is answered; a redirect is not followed, and no proxy is used.

    It is sent by `client`, one that `connected` gives, or over a connection of its own.

    Raises
    ------
    NotCalled
        Nobody was asked: the address was not reached, or a token may not be sent to it.
    SecretMissing
        The environment lacks the token.
    """
    if problem := why_unprotected(bool(token_env), address, parameters.environment):
        raise NotCalled(problem)
    given = {"User-Agent": "dsaudit", "Accept-Encoding": "identity", **(headers or {})}
    if token_env:
        token = from_environment(token_env).reveal()
        given[token_header] = f"Bearer {token}" if token_header.lower() == "authorization" else token
    patience = httpx.Timeout(wait_seconds, connect=min(wait_seconds, CONNECTING))
    begun, answer = time.monotonic(), bytearray()
    try:
        with (
            connected() if client is None else contextlib.nullcontext(client) as sender,
            sender.stream(method, address, json=body, headers=given, timeout=patience) as response,
        ):
            for part in response.iter_raw():  # what was asked for may be done only when the answer is whole
                answer += part
                if len(answer) > LARGEST_ANSWER or time.monotonic() - begun > wait_seconds:
                    break
            content, status = bytes(answer), response.status_code
            return Answered(status, _object(content), f"answered with {status}", content=content)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise NotCalled(f"not reached: {type(error).__name__}") from None
    except httpx.TimeoutException:
        return Answered(None, {}, f"not answered within {span(wait_seconds)}")
    except (httpx.HTTPError, ValueError) as error:  # a token with a line break is no header
        return Answered(None, {}, f"not answered: {type(error).__name__}")


def connected() -> httpx.Client:
    """Return what sends several requests over one connection, to be closed by who asked for it."""
    return httpx.Client(follow_redirects=False, trust_env=False)


def _object(answer: bytes) -> dict[str, Any]:
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def executed(parameters: Parameters, command: list[str], wait_seconds: float) -> Answered:
    """Run a command without a shell and return how it ended; what takes too long is ended, with all it started.

    Raises
    ------
    NotCalled
        It was not started.
    """
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
            raise NotCalled("the command was not started: there is no such program") from None
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            raise NotCalled(f"the command was not started: {why}") from None
        try:
            code = running.wait(wait_seconds)
        except subprocess.TimeoutExpired:
            return Answered(None, {}, f"the command was ended after {span(wait_seconds)}")
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()
        told = f"the command ended with {code}" if code >= 0 else f"the command was ended by signal {-code}"
        return Answered(None, {}, told, code=code, output=_last_lines(output, parameters))


def _last_lines(output: IO[bytes], parameters: Parameters) -> str:
    """Return the end of what a command said, without the secrets that dsaudit knows."""
    output.seek(max(output.seek(0, os.SEEK_END) - LAST_BYTES, 0))
    text = "\n".join(output.read().decode(errors="replace").replace("\0", "").splitlines()[-LAST_LINES:])
    for value in (os.environ.get(name) for name in parameters.secrets()):
        text = text.replace(value, "***") if value else text
    return hidden(text)
