"""Runs the app's own unit tests, as its CI would, and keeps what they leave."""

import subprocess
import sys
from pathlib import Path

from dsaudit.attached import tied
from examples.control import SampleError
from examples.processes import end_of, surroundings

LEFT = ("junit.xml", "coverage.xml")


class Tests:
    """A run of the unit tests of a copy of the code, begun at once; what comes of them goes to a folder."""

    def __init__(self, code: Path, folder: Path) -> None:
        self.folder, self.log = folder, folder.with_suffix(".log")
        command = [*tied("KILL"), sys.executable, "-m", "tests", str(folder)]
        with self.log.open("wb") as log:
            self.runner = subprocess.Popen(
                command, cwd=code, env=surroundings(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def wait(self) -> None:
        """Wait until they have left their results, whatever those are."""
        self.runner.wait()
        if not all((self.folder / name).is_file() for name in LEFT):
            raise SampleError(f"the tests did not run; the end of their log: {end_of(self.log)}")

    def stop(self) -> None:
        self.runner.kill()
        self.runner.wait()
