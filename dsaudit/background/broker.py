"""Asks a Celery application's workers through their broker, and queues or kills a task where acting was asked for.

The connection is our own and light: it registers no application, retries nothing, and gives up after a few seconds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dsaudit.background.calls import refuse_unless_acting
from dsaudit.parameters.secret import SecretMissing, from_environment, hidden

if TYPE_CHECKING:
    import kombu

    from dsaudit.parameters import Parameters

CONNECTING = 3.0  # seconds
PINGING = 1.0  # seconds in which a worker has to answer a ping; the whole of it is waited for
ASKING = 3.0  # seconds in which the workers that are known answer; mostly they do at once
# What is kept of a worker's configuration: nothing in which a secret, or the arguments of a task, could stand.
KEPT = {
    *("beat_schedule", "beat_scheduler", "enable_utc", "imports", "include", "task_acks_late", "task_always_eager"),
    *("task_default_queue", "task_reject_on_worker_lost", "task_time_limit", "timezone", "worker_concurrency"),
}
NO_ADDRESS = "the variable of worker.broker_env holds no address of a broker that is known here"
OF_ENTRY = {"task", "schedule"}
OF_TASK = ("id", "name", "time_start", "worker_pid")


class BrokerError(Exception):
    """The broker or the workers cannot be asked; one readable line, without a password."""


class Broker:
    """An open connection to the broker of one system."""

    def __init__(self, parameters: Parameters, app: Any, connection: kombu.Connection) -> None:
        assert parameters.worker is not None
        self._parameters = parameters
        self._worker = parameters.worker
        self._app = app
        self._connection = connection
        self._known: list[str] = []

    def workers(self) -> list[str]:
        """Return the names of the workers that answer a ping, of whatever application, sorted; it takes a second.

        One that runs its tasks in its main process (the solo pool) answers between two tasks only.
        """
        with _readable():
            inspect = self._app.control.inspect(timeout=PINGING, connection=self._connection)
            self._known = sorted(inspect.ping() or {})
        return self._known

    def registered(self) -> dict[str, list[str]]:
        """Return the names of the tasks that each worker knows."""
        return {
            name: sorted(one.partition(" [")[0] for one in tasks) for name, tasks in self._asked("registered").items()
        }

    def ours(self) -> list[str]:
        """Return the workers that know the declared task; others belong to other applications, or lack its module."""
        return [name for name, tasks in self.registered().items() if self._worker.task in tasks]

    def active(self) -> dict[str, list[dict[str, Any]]]:
        """Return the tasks that each worker runs now: id, name, time_start and worker_pid; never their arguments."""
        return {
            name: [{key: task.get(key) for key in OF_TASK} for task in tasks]
            for name, tasks in self._asked("active").items()
        }

    def conf(self) -> dict[str, dict[str, Any]]:
        """Return of each worker's configuration what its application sets and nothing secret can stand in."""
        found = {}
        for name, conf in self._asked("conf").items():
            kept = {key: value for key, value in conf.items() if key in KEPT}
            schedule = kept.get("beat_schedule")
            if isinstance(schedule, dict):
                kept["beat_schedule"] = {
                    str(entry): {key: value for key, value in given.items() if key in OF_ENTRY}
                    for entry, given in schedule.items()
                    if isinstance(given, dict)
                }
            found[name] = kept
        return found

    def processes(self) -> dict[str, int]:
        """Return the main process of each worker, by its id: another one means that it was started anew."""
        return {name: int(one["pid"]) for name, one in self._asked("stats").items() if one.get("pid")}

    def room(self) -> int | None:
        """Return how many tasks the workers run at once, None where one of them does not tell."""
        pools = [(one.get("pool") or {}).get("max-concurrency") for one in self._asked("stats").values()]
        return None if None in pools else sum(int(one) for one in pools if one)

    def queued(self) -> int | None:
        """Return how many messages wait in the task's queue; None where the broker does not tell."""
        from kombu.exceptions import ChannelError

        with _readable():
            try:
                declared = self._connection.default_channel.queue_declare(self._worker.queue, passive=True)
            except ChannelError:  # Redis has no empty queue
                return 0 if self._redis() is not None else None
            return int(declared.message_count)

    def send(self, **kwargs: Any) -> str:
        """Queue the declared task with these arguments, as ``celery call`` does, and return its id.

        Raises `NotAllowed` where nobody asked to act.
        """
        refuse_unless_acting(self._parameters)
        with _readable():
            sent = self._app.send_task(
                self._worker.task, kwargs=kwargs, queue=self._worker.queue, connection=self._connection, retry=False
            )
        return str(sent.id)

    def kill(self, task_id: str) -> None:
        """End the process that runs a task, in the middle of it.

        Raises `NotAllowed` where nobody asked to act.
        """
        refuse_unless_acting(self._parameters)
        with _readable():
            self._app.control.revoke(task_id, terminate=True, signal="SIGKILL", connection=self._connection)

    def hashes(self, pattern: str, field: str) -> dict[str, str]:
        """Return one field of each hash whose key matches; raises `BrokerError` of a broker that has no keys."""
        client = self._redis()
        if client is None:
            raise BrokerError("the broker (worker.broker_env) has no keys: it is no Redis")
        with _readable():
            keys = (key for key in client.scan_iter(match=pattern, count=1000, _type="hash"))
            found = {_text(key): client.hget(key, field) for key in keys}
        return {key: _text(value) for key, value in sorted(found.items()) if value is not None}

    def _redis(self) -> Any:
        return getattr(self._connection.default_channel, "client", None)

    def _asked(self, command: str) -> dict[str, Any]:
        """Ask the workers that are known; where one of them is gone, those that there are now."""
        is_fresh = not self._known
        names = self._known or self.workers()
        found = self._answers(command, names)
        if len(found) < len(names) and not is_fresh:
            found = self._answers(command, self.workers())
        return found

    def _answers(self, command: str, names: list[str]) -> dict[str, Any]:
        if not names:
            return {}
        with _readable():
            inspect = self._app.control.inspect(
                destination=names, limit=len(names), timeout=ASKING, connection=self._connection
            )
            answers = getattr(inspect, command)() or {}
        return {name: answer for name, answer in sorted(answers.items()) if not _is_refusal(answer)}


def _is_refusal(answer: Any) -> bool:
    return isinstance(answer, dict) and set(answer) == {"error"}


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


@contextlib.contextmanager
def connected(parameters: Parameters) -> Iterator[Broker]:
    """Connect to the broker, and yield it.

    Raises
    ------
    BrokerError
        The variable is not set, the broker does not answer within a few seconds or refuses, or Celery is not installed.
    """
    assert parameters.worker is not None
    try:
        from celery import Celery
        from kombu import Connection
    except ImportError:
        raise BrokerError("asking the workers needs Celery: pip install 'dsaudit[celery]'") from None
    try:
        url = from_environment(parameters.worker.broker_env).reveal()
    except SecretMissing as error:
        raise BrokerError(str(error)) from None
    if "://" not in url:
        raise BrokerError(NO_ADDRESS)
    app = Celery("dsaudit", set_as_current=False)
    # All goes over a connection of our own: Celery's would go to another address, were one in the environment.
    app.control.mailbox = app.control.Mailbox("celery", type="fanout", accept=["json"], serializer="json")
    options = {
        **dict.fromkeys(("interval_start", "interval_step", "interval_max"), 0),
        "max_retries": 1,
        "socket_connect_timeout": CONNECTING,
        "socket_timeout": CONNECTING,
    }
    try:
        connection = Connection(url, connect_timeout=CONNECTING, transport_options=options)
        with _readable():
            connection.default_channel  # noqa: B018 - which connects
    except (KeyError, ValueError, ImportError):
        app.close()
        raise BrokerError(NO_ADDRESS) from None
    except BrokerError:
        connection.release()
        app.close()
        raise
    try:
        yield Broker(parameters, app, connection)
    finally:
        connection.release()
        app.close()


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """Turn what the broker's driver raises into one line that says what is wrong."""
    from kombu.exceptions import KombuError

    try:
        yield
    except (KombuError, OSError) as error:
        raise BrokerError(f"the broker does not answer (worker.broker_env): {_reason(error)}") from None
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("redis", "amqp"):
            raise
        raise BrokerError(f"the broker does not answer (worker.broker_env): {_reason(error)}") from None


def _reason(error: BaseException) -> str:
    """Return in a few words why the broker did not answer."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    names = {type(one).__name__ for one in chain}
    if names & {"AuthenticationError", "AccessRefused", "NoPermissionError"}:
        return "it refuses the user or the password"
    if names & {"TimeoutError"}:
        return "it took too long"
    system = next((one for one in chain if isinstance(one, OSError) and one.strerror), None)
    said = system.strerror if system else (str(error).splitlines() or [type(error).__name__])[0]
    return hidden(str(said)).lower()
