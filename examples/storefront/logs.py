"""The log of the integration's process: both of its outputs, in the sample's folder."""

import gzip
from pathlib import Path

LOG = "backend.log"


def rotated(log: Path, to: Path) -> None:
    """Keep what a log holds as a compressed file, as a rotation does."""
    with gzip.open(to, "wb") as file:
        file.write(log.read_bytes())
