"""The migrations of a sample whose app has Alembic's."""

import subprocess
import sys
from pathlib import Path

from dsaudit.attached import tied
from examples import databases
from examples.control import SampleError
from examples.processes import end_of, surroundings


class Migrations:
    """Alembic's script up to the newest revision; it is written at once, while the database may still be starting."""

    def __init__(self, backend: Path, folder: Path) -> None:
        self.script, self.log = folder / "migrations.sql", folder / "migrations.log"
        command = [*tied("KILL"), sys.executable, "-m", "alembic", "upgrade", "head", "--sql"]
        with self.script.open("wb") as script, self.log.open("wb") as log:
            self.writer = subprocess.Popen(
                command, cwd=backend, env=surroundings(), stdin=subprocess.DEVNULL, stdout=script, stderr=log
            )

    def run(self, owner_url: str) -> None:
        if self.writer.wait():
            raise SampleError(f"the migrations failed; the end of their log: {end_of(self.log)}")
        databases.execute(owner_url, self.script.read_text(encoding="utf-8"))

    def stop(self) -> None:
        self.writer.kill()
        self.writer.wait()
