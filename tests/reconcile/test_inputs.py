"""A file is read under its own name, whatever its folders are called."""

from __future__ import annotations

import duckdb
import pytest

from dsaudit.reconcile.inputs import Lines, Rows
from tests.reconcile.tables import Tables, column, found


@pytest.mark.parametrize("name", ["x.csv", "x.parquet", "x.jsonl"])
def test_a_folder_is_neither_a_column_nor_a_pattern(tables: Tables, name: str) -> None:
    for folder, value in (("d1", "other"), ("d[1]", "own")):
        (tables.folder / "s=other" / folder).mkdir(parents=True)
        path = tables.folder / "s=other" / folder / name
        form = "json" if path.suffix == ".jsonl" else path.suffix[1:]
        duckdb.execute(f"copy (select 1 as id, '{value}' as s) to '{path}' (format {form})")
    side = Lines(path, 1) if path.suffix == ".jsonl" else Rows.of(path, 1)
    assert (
        found(
            tables.compare(
                side, tables.table("id bigint, s text", [(1, "own")]), [column("id", "integer")], [column("s")]
            )
        )
        == {}
    )
