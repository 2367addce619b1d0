"""A provider, a parameter file that describes it, and the reading of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dsaudit.parameters import Parameters, load
from dsaudit.source import Recording, record
from tests.source.providers import FILE, TOKEN, Provider, Reader, rest, serving


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    with serving(made.answer, made.tokens) as made.address:
        yield made


@pytest.fixture
def parameters(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Parameters]:
    """Load a parameter file for a source: by itself the prepared provider, with pages of two."""
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)

    def made(source: str = "", more: str = "", counted: bool = False, read: str = "orders.json") -> Parameters:
        path = tmp_path / "parameters" / "shop.yml"
        path.parent.mkdir(exist_ok=True)
        given = source or rest(request.getfixturevalue("provider").address)
        more += ", count: count.json" if counted else ""
        path.write_text(FILE.format(source=given, more=more, read=read), encoding="utf-8")
        return load(str(path))

    return made


@pytest.fixture
def read(parameters: Callable[..., Parameters], tmp_path: Path) -> Reader:
    """Record what the provider has, and read it back."""

    def taken(**options: Any) -> Recording:
        declared = parameters(**options)
        record(declared, tmp_path / "recording")
        return Recording(tmp_path / "recording", declared)

    return taken
