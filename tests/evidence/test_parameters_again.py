"""What a result holds of its parameter file can be read again: `dsaudit verify` judges by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from dsaudit.parameters import Parameters, load
from dsaudit.parameters.source import Style
from tests import ledger

PAGING: dict[str, dict[str, Any]] = {"cursor": {"parameter": "after", "next": "meta.next"}}


def dumped(parameters: Parameters) -> dict[str, Any]:
    return json.loads(json.dumps(parameters.given))


def again(parameters: Parameters) -> Parameters:
    values = dumped(parameters)
    return Parameters.model_validate({**values, "path": parameters.path}).as_given(values)


def test_the_files_of_the_sample_and_the_ledger_are_read_again(tmp_path: Path) -> None:
    for name in ("code", "docs", "export"):
        (tmp_path / name).mkdir()
    for parameters in (load("parameters/sample.yml"), load(ledger.parameters_in(tmp_path))):
        assert again(parameters) == parameters
        assert dumped(again(parameters)) == dumped(parameters)


@pytest.mark.parametrize("style", get_args(Style))
def test_each_way_of_paging_is_read_again(tmp_path: Path, style: str) -> None:
    source = {"kind": "rest", "base_url": "https://x.example", "paging": {"style": style, **PAGING.get(style, {})}}
    path = tmp_path / "parameters" / "x.yml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump({"integration": "x", "database": {"url_env": "X_URL"}, "source": source}))
    parameters = load(path)
    assert again(parameters) == parameters
