"""Of a system of which much cannot be told, each check says what it does not know, and judges the rest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dsaudit.audit import Audit
from tests.checks.auditing import told
from tests.faults.mutating.stages import FAMILIES, At

# What stands in the reason of each scope, by what it is of; "": it passes, and None: it fails.
EXPECTED: dict[str, dict[str, str | None]] = {
    "create_update_delete_covered": {"member": "", "note": None, "letter": None},
    "declared_columns_exist": {"": "no table note, and 1 more"},
    "every_resource_has_a_sync_function": {"member": "", "note": None, "letter": None},
    "recorded_topics_are_registered": {"north": "the record does not say", "south": "list of subscriptions"},
    "references_are_indexed": {"note.member → member.code": "no table note"},
    "required_scopes_granted": {"north member": "", "north note": None, "south member": "", "south note": None},
    "required_scopes_requested": {"member": "", "note": "not all of the list can be told"},
    "scopes_are_documented": {"": "MORE_RIGHTS is not part of the code read"},
    "signature_verified_in_code": {"": "no function that receives webhooks"},
    "sync_functions_handle_errors": {"member": "was not read", "note": "no function pull_notes"},
    "sync_functions_log": {"member": "was not read", "note": "no function pull_notes"},
    "sync_functions_paginate": {"member": "was not read", "note": "no function pull_notes"},
    "sync_functions_respect_rate_limits": {"member": "was not read", "note": "no function pull_notes"},
    "syncs_fetched_records": {
        **{"north member": None, "south member": ""},
        **dict.fromkeys(("north note", "south note"), "nothing was examined"),
    },
    "topics_have_handlers": {"": "MORE_HOOKS is not part of the code read"},
    "wanted_topics_are_in_the_code": {"member": ""},
    "wanted_topics_are_registered": {"north member": "", "south member": "list of subscriptions"},
    "webhook_addresses_right": {"north": "", "south": "list of subscriptions"},
}


@pytest.fixture(scope="module")
def at() -> Iterator[At]:
    with FAMILIES["odd"].running() as one:
        yield one


@pytest.fixture(scope="module")
def doubts(at: At) -> Iterator[Audit]:
    with at("doubts") as (audit, _):
        yield audit


def judged(audit: Audit, name: str, expected: dict[str, str | None]) -> None:
    """See that a check says of each scope what it has to."""
    verdict = audit.check(name)
    found = {" ".join(one.scope.values()): one for one in verdict.results}
    assert set(found) == set(expected), told(verdict)
    for scope, words in expected.items():
        status = "fail" if words is None else "inconclusive" if words else "pass"
        assert str(found[scope].status) == status, told(verdict)
        assert (words or "") in (found[scope].reason or ""), told(verdict)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_check_says_what_it_does_not_know(name: str, doubts: Audit) -> None:
    judged(doubts, name, EXPECTED[name])


def test_what_was_found_is_not_in_doubt_for_a_file_that_does_not_parse(at: At) -> None:
    with at("unread") as (audit, _):
        judged(audit, "every_resource_has_a_sync_function", {"member": "", "note": "broken.py", "letter": None})
