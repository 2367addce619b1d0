"""The section `live` of a parameter file: what is refused, and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsaudit.parameters import ParameterError, load

SAMPLE = Path(__file__).parent.parent / "parameters" / "sample.yml"
NOTE = 'body: {customer: {note: "{mark}"}}'


def loaded(folder: Path, *edits: tuple[str, str]) -> str:
    """Return what is said against the sample's file with these edits, nothing if it is accepted."""
    text = SAMPLE.read_text(encoding="utf-8").replace("examples/", f"{SAMPLE.parent.parent}/examples/")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    (folder / "parameters").mkdir()
    path = folder / "parameters" / "sample.yml"
    path.write_text(text, encoding="utf-8")
    try:
        load(path)
    except ParameterError as error:
        return str(error)
    return ""


def test_the_sample_has_one_and_its_token_is_a_secret(tmp_path: Path) -> None:
    assert loaded(tmp_path) == ""
    parameters = load(SAMPLE)
    assert parameters.live and "STOREFRONT_WRITE_TOKEN" in parameters.secrets()
    assert not parameters.acting and parameters.allowed_to_act().acting and not parameters.acting


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("environment: development", "environment: production", "live: it changes records at the source, and env"),
        (
            "  resource: customer\n",
            "  resource: custumer\n",
            "live.resource: there is no resource custumer; did you",
        ),
        ("  resource: customer\n", "  resource: payout\n", "live.resource: payout has no webhooks"),
        ("  tenant: acme\n", "  tenant: acne\n", "live.tenant: there is no tenant acne; did you mean acme?"),
        ("STOREFRONT_WRITE_TOKEN", "STOREFRONT_TOKEN", "live.token_env: a token that audits only reads"),
        ("shown_in: note", "shown_in: notes", "live.shown_in: customer declares no such column under fields; did you"),
        ("shown_in: note", "shown_in: tax_exempt", "live.shown_in: the mark is a text"),
        (NOTE, 'body: {customer: {note: "{id}"}}', "live.update: nothing in it holds {mark}"),
        ('method: PUT, path: "admin/api/2026-07/customers/{id}.json"', "method: PUT, path: x.json", "holds {id}"),
        ("path: admin/api/2026-07/customers.json\n", "path: https://other.example/x\n", "goes to no other host"),
        ("method: DELETE", "method: GET", "live.delete.method"),
        ("shown_in: note", "shown_in: note\n  wait_seconds: 2", "live.wait_seconds: shorter than policy.latency_secon"),
        ("  id: customer.id\n", "", "live.id: missing"),
    ],
)
def test_a_mistake_is_told_with_its_place(old: str, new: str, said: str, tmp_path: Path) -> None:
    words = loaded(tmp_path, (old, new), (", valid: true", ""))  # which production refuses as well
    assert said in words and "sample.yml:" in words, words
    assert len(words.splitlines()) == 1, words
