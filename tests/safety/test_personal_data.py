"""Personal data wherever a text can stand: none of it in what is shared."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dsaudit import server, source
from dsaudit.evidence import Secrets
from dsaudit.parameters import load, project_root
from dsaudit.run import Options, Outcome, run
from tests import ledger
from tests.checks.auditing import variables
from tests.safety import filling

pytestmark = pytest.mark.slow

PERSONAL = {
    "name": "Ermintrude Featherstonehaugh",
    "name of another script": "田中 花子 (Tanaka Hanako)",
    "name with an accent": "Zdeněk Čapek-Šťastný",
    "first name": "Xochiquetzal",
    "e-mail": "ermintrude.f@mail.example.org",
    "e-mail with a tag": "Ermintrude <ef+shop@mail.example.org>",
    "phone": "+49 30 901820 4711",
    "phone of the country": "(030) 901 82 04711",
    "address": "17b Quince Blossom Lane, Flat 3",
    "postcode and town": "D-10178 Berlin-Mitte",
    "date of birth": "born 17.03.1968",
    "IBAN": "DE89 3704 0044 0532 0130 00",
    "card": "4111 1111 1111 1111, 12/29, 737",
    "social security number": "078-05-1120",
    "tax number": "ES-X1234567L",
    "passport": "Pass C01X00T478",
    "licence plate": "B-EF 1968",
    "IPv4": "client 203.0.113.195",
    "IPv6": "2001:db8:85a3::8a2e:370:7334",
    "MAC": "00:1B:44:11:3A:B7",
    "place": "52.520008 N, 13.404954 E",
    "handle": "@ermintrude_68",
    "cookie": "_shopify_y=5f7c1e0a-ermintrude",
    "health": "allergic to penicillin since 2003",
    "note": "rang twice, husband (Algernon) answered",
    "address of a page": "https://shop.example/u/ermintrude?mail=ef%40mail.example.org",
    "DETAIL of a key": 'duplicate key value violates unique constraint "m_m"\nDETAIL:  Key (m)=(ef@post.example)',
    "DETAIL of a row": "DETAIL:  Failing row contains (7, Featherstone, ef@post.example, 1968-03-17).",
}  # fmt: skip


@pytest.fixture(scope="module")
def personal(postgres: server.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    root = tmp_path_factory.mktemp("personal")
    with ledger.running(postgres.url, root) as one, variables(one.environment), contextlib.chdir(root):
        blueprint = root / "notebooks" / "datasource"
        shutil.copytree(project_root(Path(__file__).parent) / "notebooks" / "datasource", blueprint)
        places = filling.fill(one, list(PERSONAL.values()), is_shown=False)
        assert min(count for place, count in places.items() if not place.startswith("names")) >= 25
        yield run(load(one.parameters), Options(jobs=os.cpu_count() or 1), source.record, lambda line: None)


def where(outcome: Outcome, private: bool = False) -> dict[str, list[str]]:
    """Return which kinds stand in which file of a run, in any form that the scanner knows."""
    looked = {name: Secrets([text]) for name, text in PERSONAL.items()}
    files = [path for path in outcome.folder.rglob("*") if path.is_file()]
    found: dict[str, list[str]] = {}
    for path in files:
        if ("private" in path.relative_to(outcome.folder).parts) is private:
            content = path.read_bytes()
            kinds = [name for name, one in looked.items() if one.stand_in(content)]
            found |= {path.relative_to(outcome.folder).as_posix(): kinds} if kinds else {}
    return found


def test_no_personal_data_stands_in_what_is_shared(personal: Outcome) -> None:
    assert where(personal) == {}


def test_it_was_found_and_kept_in_private(personal: Outcome) -> None:
    """Or nothing would be proven: the checks saw it."""
    kinds = {kind for kinds in where(personal, private=True).values() for kind in kinds}
    assert kinds == set(PERSONAL)
    verdicts: list[dict[str, Any]] = personal.result["verdicts"]
    failing = [verdict["check"] for verdict in verdicts if verdict["status"] == "fail"]
    assert len(failing) >= 8, failing
    print(f"\n{len(PERSONAL)} kinds of personal data, {len(failing)} failing checks: {failing}")


def test_an_error_of_the_database_quotes_none(personal: Outcome) -> None:
    cast = next(one for one in personal.result["verdicts"] if one["check"] == "hostile_cast")
    assert cast["status"] == "error"
    assert [one["reason"] for one in cast["results"]] == ["invalid input syntax for type integer: …"]
