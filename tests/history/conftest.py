"""Real runs are those of the ledger's project."""

from tests.run.conftest import project

__all__ = ["project"]
