"""Checks that are no query: functions of the audit that return the rows that should not exist and what was examined.

A check's docstring has the headers of an SQL check; its first line is the title. Names that start with ``_`` help.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

Row = dict[str, Any]
Found = tuple[pd.DataFrame, pd.DataFrame]  # the rows that should not exist, and what was examined


def frames(rows: Iterable[Row], examined: Iterable[Row]) -> Found:
    """Return both as frames whose values stay what they are: no integer becomes a float beside a None."""
    return pd.DataFrame(list(rows), dtype=object), pd.DataFrame(list(examined), dtype=object)
