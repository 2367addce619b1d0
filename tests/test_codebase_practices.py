"""The four practices of a sync function, judged by what the code does."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from dsaudit.codebase import Code, Function, functions, practices, read
from tests.programs import BACKEND, code_of, sample_code

FOLDER = Path(__file__).parent / "code" / "practices"
FILES = {
    "paging.py": "pagination",
    "waiting.py": "rate_limit",
    "adapted.py": "rate_limit",
    "failing.py": "errors",
    "telling.py": "logging",
}


@cache
def written() -> Code:
    return read(FOLDER)


def cases() -> list[Function]:
    return [function for file in FILES for function in functions(written(), file=file)]


@pytest.mark.parametrize("function", cases(), ids=lambda function: function.name.removeprefix("fetch_and_ingest_"))
def test_a_function_is_judged_as_its_name_says(function: Function) -> None:
    expected = function.name.split("_")[3]
    finding = getattr(practices(written(), function), FILES[function.file])
    assert finding.state == expected, finding
    assert finding.file in {module.file for module in written().modules.values()}
    assert 1 <= finding.line <= len((FOLDER / finding.file).read_text().splitlines())
    assert finding.evidence


def test_each_case_is_there_and_each_practice_has_all_three_states() -> None:
    counted = {(FILES[function.file], function.name.split("_")[3]) for function in cases()}
    assert counted == {(practice, state) for practice in FILES.values() for state in ("found", "absent", "unresolved")}
    assert len(cases()) > 110


PLACES = {
    "fetch_and_ingest_found_async_generator_of_a_method": ("pagination", "paging.py", "while True:"),
    "fetch_and_ingest_found_iterator_class": ("pagination", "helpers.py", "response = await self.client.get(self.url)"),
    "fetch_and_ingest_found_retry_after_read_by_a_helper": ("rate_limit", "throttling.py", "return float("),
    "fetch_and_ingest_found_decorator_of_the_code": ("errors", "recording.py", "except Exception as error:"),
    "fetch_and_ingest_absent_passed_over": ("errors", "failing.py", "except:  # noqa: E722"),
    "fetch_and_ingest_found_class_around_a_logger": ("logging", "telling.py", "self.journal.info("),
    "fetch_and_ingest_absent_parents_read_once_and_children_paged": ("pagination", "paging.py", "payouts = await"),
}


@pytest.mark.parametrize("name", PLACES)
def test_the_place_shows_the_evidence(name: str) -> None:
    practice, file, text = PLACES[name]
    function = next(one for one in cases() if one.name == name and FILES[one.file] == practice)
    finding = getattr(practices(written(), function), practice)
    assert finding.file == file
    assert (FOLDER / file).read_text().splitlines()[finding.line - 1].strip().startswith(text)


# --- services of other shapes: the letters say what is found of pagination, rate limit, errors, logging

SHAPES = FOLDER.parent / "shapes"
STATES = {"a": "absent", "u": "unresolved"}


@pytest.mark.parametrize("function", functions(read(SHAPES)), ids=lambda one: f"{one.module}-{one.name}")
def test_services_of_other_shapes_are_read_too(function: Function) -> None:
    found = practices(read(SHAPES), function)
    judged = [found.pagination, found.rate_limit, found.errors, found.logging]
    letters = function.name.split("_")[3]
    assert [one.state for one in judged] == [STATES.get(letter, "found") for letter in letters]


# --- which functions


def test_functions_are_found_as_methods_nested_assigned_and_in_any_file() -> None:
    code = code_of(
        """
        from functools import partial

        def fetch_and_ingest_plain(): ...
        def fetch_and_ingest_plain():
            return 1

        class Sync:
            @staticmethod
            async def fetch_and_ingest_method():
                return 1

            fetch_and_ingest_assigned = partial(print, "orders")
            fetch_and_ingest_number = 3

            def other(self):
                def fetch_and_ingest_nested():
                    return 1

        class Declared:
            async def fetch_and_ingest_abstract(self):
                raise NotImplementedError
        """,
        app__more="from main import fetch_and_ingest_plain\nasync def fetch_and_ingest_more(): return 1\n",
    )
    assert [(function.file, function.qualified, function.line) for function in functions(code)] == [
        ("app/more.py", "fetch_and_ingest_more", 2),
        ("main.py", "fetch_and_ingest_plain", 5),
        ("main.py", "Sync.fetch_and_ingest_method", 10),
        ("main.py", "Sync.fetch_and_ingest_assigned", 13),
        ("main.py", "Sync.other.fetch_and_ingest_nested", 17),
    ]
    assert [function.name for function in functions(code, "*_more", file="app/more.py")] == ["fetch_and_ingest_more"]
    assert functions(code, "sync_*") == []


def test_an_assigned_function_is_judged_by_what_it_leads_to() -> None:
    code = code_of(
        """
        import functools, httpx
        client = httpx.Client()

        def fetch(path):
            while path:
                answer = client.get(path)
                store(answer.json())
                path = answer.links.get("next")

        fetch_and_ingest_orders = functools.partial(fetch, "/orders")
        """
    )
    (function,) = functions(code)
    assert practices(code, function).pagination.state == "found"
    assert practices(code, function).errors.state == "absent"


def test_a_call_that_a_protocol_declares_leads_to_the_class_that_does_it() -> None:
    code = code_of(
        """
        from typing import Protocol
        import httpx, logging

        class Source(Protocol):
            async def page(self, url): ...

        class Shop:
            async def page(self, url):
                logging.getLogger("shop").info(url)
                return await httpx.AsyncClient().get(url)

        async def fetch_and_ingest_orders(source: Source):
            url = "/orders"
            while url:
                page = await source.page(url)
                store(page.items)
                url = page.links.get("next")
        """
    )
    found = practices(code, functions(code)[0])
    assert (found.pagination.state, found.logging.state) == ("found", "found")


def test_a_function_that_asks_for_nothing_is_absent_in_all() -> None:
    code = code_of("def fetch_and_ingest_orders():\n    return []\n")
    found = practices(code, functions(code)[0])
    assert {found.pagination.state, found.rate_limit.state, found.errors.state, found.logging.state} == {"absent"}
    assert "no request is made here" in found.pagination.evidence


def test_a_helper_in_a_file_that_does_not_parse_leaves_it_unresolved() -> None:
    code = code_of(
        """
        from helpers import pages
        async def fetch_and_ingest_orders():
            async for page in pages():
                keep(page)
        """,
        helpers="async def pages(:\n",
    )
    found = practices(code, functions(code)[0])
    assert {found.pagination.state, found.rate_limit.state, found.errors.state, found.logging.state} == {"unresolved"}


# --- the sample's own code, as it is and with one thing taken away


def states(code: Code) -> dict[str, set[str]]:
    judged = [practices(code, function) for function in functions(code)]
    assert len(judged) == 13
    names = ("pagination", "rate_limit", "errors", "logging")
    return {name: {getattr(one, name).state for one in judged} for name in names}


def test_the_sample_has_thirteen_sync_functions_with_all_four_practices() -> None:
    assert states(sample_code()) == {
        "pagination": {"found"},
        "rate_limit": {"found"},
        "errors": {"found"},
        "logging": {"found"},
    }


TAKEN_AWAY: dict[str, Callable[[], Code]] = {
    "pagination": lambda: sample_code(("/sync_service.py", "        while url and", "        if url and")),
    "rate_limit": lambda: sample_code(
        ("/client.py", "            await asyncio.sleep(wait)", "            wait += 1"),
    ),
    "errors": lambda: sample_code(
        ("/sync_run.py", "except Exception as problem:", "except ZeroDivisionError as problem:"),
        ("/sync_service.py", "except Exception as error:", "except ZeroDivisionError as error:"),
        ("/client.py", "except httpx.TransportError as error:", "except ZeroDivisionError as error:"),
    ),
}


@pytest.mark.parametrize("practice", TAKEN_AWAY)
def test_what_is_taken_away_from_the_sample_is_missed_and_nothing_else(practice: str) -> None:
    found = states(TAKEN_AWAY[practice]())
    assert found.pop(practice) == {"absent"}
    assert all(state == {"found"} for state in found.values())


def test_the_sample_without_its_loggers_does_not_log() -> None:
    silent = "class Log:\n    def __init__(self, name): pass\n    def info(self, event, **facts): pass\n"
    silent += "    warning = exception = info\n"
    whole = next(path for path in BACKEND.rglob("log.py")).read_text()
    assert states(sample_code(("app/core/log.py", whole, silent)))["logging"] == {"absent"}
