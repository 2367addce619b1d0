"""What the tests of all samples share: faults that show and are healed, and what the tables hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from examples.answer_key import Planted
from examples.sample import RunningSample
from tests.faults.library import KINDS


def value(sample: RunningSample, query: str, *values: object) -> Any:
    """The one value that a query has."""
    ((found,),) = [tuple(row.values()) for row in sample.rows(query, *values)]
    return found


def contents(sample: RunningSample, tables: Sequence[str]) -> dict[str, Any]:
    """How many rows each table has, and one hash of all of them."""
    query = "select count(*) as rows, md5(string_agg(one::text, ' ' order by one.id)) as hash from {} as one"
    return {table: sample.rows(query.format(table))[0] for table in tables}


def shown_and_healed(
    sample: Any, shown: Mapping[str, Callable[[Any, Planted], None]], *faults: str, seed: int = 1
) -> list[Planted]:
    """Plant faults side by side, look by the functions of their names whether each shows, and heal the sample."""
    try:
        planted = [sample.plant(fault, seed) for fault in faults]
        for fault, one in zip(faults, planted, strict=True):
            assert one.mode == KINDS[f"{sample.example}/{fault}"].mode
            assert one.fault == fault and one.how in ("caused", "edited") and one.must
            assert Planted.from_json((sample.answers / f"{fault}-{seed}.json").read_text()) == one
            shown[fault](sample, one)
        return planted
    finally:
        sample.heal()
