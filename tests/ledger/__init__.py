"""A second system of another shape: no raw table, composite text keys, soft deletes, its own schema, files as source.

It keeps checks honest (none may lean on the storefront's shape) and is quick, so the runner's tests use it too.
"""

from tests.ledger.system import Ledger, parameters_in, running

__all__ = ["Ledger", "parameters_in", "running"]
