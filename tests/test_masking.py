"""What may be shown of a record, and what is shown in its stead."""

from __future__ import annotations

import pickle
import stat
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pandas as pd
import pytest

from dsaudit.parameters.secret import Secret, SecretMissing, from_environment
from dsaudit.verdict.masking import Mask, is_word, load_key

MASK = Mask(b"a key")


def test_free_text_is_masked_with_its_length_and_the_keys_name() -> None:
    cell = MASK.cell("Ada Lovelace", shown=False)
    assert cell == {"masked": MASK.digest("Ada Lovelace"), "length": 12}
    assert MASK.digest("x").startswith(f"{MASK.name}:")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (12, 12),
        (True, True),
        (None, None),
        (float("nan"), None),
        (pd.NaT, None),
        (Decimal("1E+3"), "1000"),
        (Decimal("10.10"), "10.10"),
        (datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=9))), "2026-02-28T16:30:00+00:00"),
        (pd.Timestamp("2026-03-01", tz=UTC), "2026-03-01T00:00:00+00:00"),
        (datetime(2026, 3, 1), "2026-03-01T00:00:00 (no time zone)"),
    ],
)
def test_numbers_instants_and_booleans_are_shown_exactly(value: object, shown: object) -> None:
    assert MASK.cell(value, shown=False) == shown


@pytest.mark.parametrize("key", ["9007199254740993", "-5", "5f0c2b1e-8a54-4c1b-9d3e-0a1b2c3d4e5f"])
def test_a_key_that_is_an_integer_or_a_uuid_is_shown(key: str) -> None:
    assert MASK.cell(key, shown=False, key=True) == key
    assert isinstance(MASK.cell(key, shown=False), dict)


@pytest.mark.parametrize("key", ["ada@example.org", "12 34", "1e5", "0x10", "１２", ""])
def test_any_other_key_is_masked(key: str) -> None:
    assert isinstance(MASK.cell(key, shown=False, key=True), dict)


@pytest.mark.parametrize(
    "word",
    ["failed", "orders/create", "invoice.paid", "PARTIALLY_REFUNDED", "Customer.Create", "evt_1NG8Du2eZvKYlo2C", "x-1",
     "12", "5f0c2b1e-8a54-4c1b-9d3e-0a1b2c3d4e5f"],
)  # fmt: skip
def test_the_words_of_programs(word: str) -> None:
    assert is_word(word)


@pytest.mark.parametrize(
    "text",
    ["Ada", "Ada Lovelace", "ada@example.org", "+49 30 1234", "078-05-1120", "203.0.113.195", "00:1B:44", "a b", "田中",
     '{"a": 1}', "Key (email)=(x)", "orders/create\n", "@ada"],
)  # fmt: skip
def test_what_is_no_word_of_a_program(text: str) -> None:
    assert not is_word(text)


@pytest.mark.parametrize("value", [{"name": "Ada"}, ["Ada"], b"Ada", UUID(int=0)])
def test_what_is_no_scalar_is_masked_as_text(value: object) -> None:
    assert isinstance(MASK.cell(value, shown=False), dict)


def test_one_key_gives_one_finding_and_another_key_another() -> None:
    scope = {"tenant": "acme", "resource": "order"}
    assert MASK.finding("a", scope, ["1"]) == Mask(b"a key").finding("a", dict(reversed(scope.items())), ["1"])
    assert MASK.finding("a", scope, ["1"]) != MASK.finding("a", scope, ["2"])
    assert MASK.finding("a", scope, ["1", "2"]) != MASK.finding("a", scope, ["12", ""])
    assert Mask(b"another").finding("a", scope, ["1"]).split(":")[0] != MASK.name


def test_the_key_is_made_once_and_is_the_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DSAUDIT_MASK_KEY", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    key = load_key("acme")
    assert len(key) == 32 and load_key("acme") == key
    assert stat.S_IMODE((tmp_path / "dsaudit" / "acme.key").stat().st_mode) == 0o600
    monkeypatch.setenv("DSAUDIT_MASK_KEY", "given")
    assert load_key("acme") == b"given"


def test_a_secret_shows_itself_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "hunter2")
    secret = from_environment("A_SECRET")
    assert secret.reveal() == "hunter2"
    texts = [repr(secret), str(secret), f"{secret}", f"{secret:>20}", str([secret]), str(vars) + str({"a": secret})]
    assert not any("hunter2" in text for text in texts)
    assert b"hunter2" not in pickle.dumps(secret)
    again = pickle.loads(pickle.dumps(secret))
    assert isinstance(again, Secret) and again.reveal() == "hunter2"


def test_a_secret_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("A_SECRET", raising=False)
    with pytest.raises(SecretMissing, match="A_SECRET is not set"):
        from_environment("A_SECRET")
