"""Runs `dsaudit monitor` as a process of its own, and looks at what it tells."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from examples.control import poll
from tests.command_lines import DSAUDIT

COMMAND = [*DSAUDIT, "monitor"]
SECONDS = 60  # far more than it takes
Samples = dict[
    str, dict[tuple[str, ...], float]
]  # by metric and labels in alphabetical order, without the integration's


@dataclass(frozen=True)
class Watch:
    """A watch that is running, with the files that its output goes to."""

    process: subprocess.Popen[bytes]
    out: Path
    errors: Path

    @property
    def told(self) -> str:
        """What it has told so far."""
        return self.out.read_text(encoding="utf-8")

    @property
    def url(self) -> str:
        """Where it serves its metrics."""
        self.tells("metrics at ", self.errors)
        return self.errors.read_text(encoding="utf-8").partition("metrics at ")[2].split()[0]

    def tells(self, words: str, where: Path | None = None, times: int = 1) -> None:
        """Wait until it has told something."""
        for _ in poll(SECONDS, 0.05):
            if (where or self.out).read_text(encoding="utf-8").count(words) >= times:
                return
            assert self.process.poll() is None, self.errors.read_text(encoding="utf-8")
        raise AssertionError(f"{words!r} was not told: {self.told}")

    def scraped(self) -> Samples:
        """What Prometheus gets."""
        with urllib.request.urlopen(self.url, timeout=10) as answer:
            return parsed(answer.read().decode())

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        """End it as a person or a service does, and return its exit status."""
        self.process.send_signal(how)
        return self.process.wait(SECONDS)


@contextlib.contextmanager
def watching(file: Path, environment: dict[str, str], folder: Path, *options: str) -> Iterator[Watch]:
    """Watch a system until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    one = (folder / "out", folder / "errors")
    with one[0].open("wb") as out, one[1].open("wb") as errors:
        given = {**os.environ, **environment}
        process = subprocess.Popen([*COMMAND, str(file), *options], stdout=out, stderr=errors, env=given)
    try:
        yield Watch(process, *one)
    finally:
        process.kill()
        process.wait()


def once(file: Path, environment: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    """Look once, as a cron job does."""
    given = {**os.environ, **environment}
    return subprocess.run([*COMMAND, str(file), "--once", *options], env=given, capture_output=True, text=True)


def parsed(text: str) -> Samples:
    """Values as Prometheus reads them."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(value for name, value in sorted(sample.labels.items()) if name != "integration")
            found.setdefault(sample.name, {})[labels] = sample.value
    return found
