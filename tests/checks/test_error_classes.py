"""Classes of error messages: enough to see what went wrong, and nothing that could come from the data."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsaudit.facts.messages import WORDS, template

KNOWN = frozenset({"title", "order_id", "shopify_order"})


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (None, "no message"),
        ("title is no text", "title is no text"),
        ("KeyError: 'order_id'", "KeyError: 'order_id'"),
        ('invalid input syntax for type integer: "Ada 12"', 'invalid input syntax for type integer: "… #"'),
        ("could not refine order 1001 of Ada Lovelace", "could not refine order # of …"),
        ("value too long for type character varying(20)", "value too long for type character varying(#)"),
        ("no Müller in 田中", "no … in …"),
        ("2026-11-20T12:00:00 ada@example.org", "#-#-#…:# ….…"),
    ],
)
def test_messages_become_templates(message: str | None, shown: str) -> None:
    assert template(message, KNOWN) == shown


@given(st.lists(st.from_regex(r"[A-Za-zÀ-ÖØ-öø-ž]{2,12}", fullmatch=True), min_size=1), st.sampled_from(sorted(WORDS)))
def test_no_word_of_the_data_stays(data: list[str], word: str) -> None:
    unknown = [one for one in data if one.lower() not in WORDS and one not in KNOWN]
    shown = template(f"{word} {' '.join(unknown)} failed", KNOWN)
    assert set(shown.split()) <= {word, "failed", "…"}


def test_a_message_of_any_length_is_cut() -> None:
    assert len(template("failed " * 10_000, KNOWN)) < 600
