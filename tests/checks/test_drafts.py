"""Documents drafted from an audit agree with the checks that judge documents, and hold nothing that is markup."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dsaudit.checks import CheckError, all_checks
from dsaudit.documents import markdown
from dsaudit.facts.documents import Document
from dsaudit.facts.exceptions import in_document
from dsaudit.parameters.models import DOCUMENTS
from dsaudit.verdict import DRAFT_MIME, Status
from tests.checks.auditing import opened, told
from tests.ledger import Ledger

OF_DOCUMENTS = [name for name, one in all_checks().items() if one.subject == "documents"]
PROVIDER = """
name: Ledger API
version: "1"
sources: {topics: https://ledger.example/docs/hooks}
resources: {member: {topics: members}, invoice: {topics: invoices}}
topics:
  members: {impact: medium, create: [member.created], update: [member.updated], delete: [member.removed]}
  invoices:
    impact: high
    scopes: [read_invoices, read_all]
    create: [invoice.created]
    update: [invoice.updated]
    delete: [invoice.removed]
    other: [invoice.sent]
"""


def with_provider(ledger: Ledger) -> Path:
    """Let the ledger's provider be in a catalogue of its own; return the declared webhook analysis."""
    (ledger.folder / "parameters" / "books.yml").write_text(PROVIDER, encoding="utf-8")
    text = ledger.parameters.read_text(encoding="utf-8") + "provider: parameters/books.yml\n"
    ledger.parameters.write_text(text, encoding="utf-8")
    return ledger.folder / "docs" / "webhook_analysis.md"


def drafted(system: Any, name: str = "webhook_analysis") -> str:
    with opened(system.parameters, system.environment) as audit:
        assert audit.parameters.source is None or audit.source.index
        return audit.draft(name).text


def assert_it_agrees(system: Any, path: Path, text: str) -> None:
    """Hold a draft that stands at the declared place against every check of documents."""
    path.write_text(text, encoding="utf-8")
    with opened(system.parameters, system.environment) as audit:
        assert audit.source.index
        found = [audit.check(name) for name in OF_DOCUMENTS]
    assert [told(one) for one in found if one.status is not Status.PASS] == []


def test_a_draft_takes_the_place_of_a_document_that_is_gone(sample: Any) -> None:
    with sample.clone() as clone:
        path = clone.code / "docs" / "integrations" / "shopify_webhook_analysis.md"
        path.unlink()
        whole = drafted(clone)
        assert_it_agrees(clone, path, whole)
        text = clone.parameters.read_text(encoding="utf-8")
        for old, new in [
            (", customers/delete", ""),
            ("webhooks: [disputes/create, disputes/update]", "no_webhooks: none"),
        ]:
            assert old in text
            text = text.replace(old, new)
        clone.parameters.write_text(text, encoding="utf-8")
        lacking = drafted(clone)
    assert "Nothing is to be added." in whole and "66 of 66 (100 %)" in whole
    assert "24 of 27 (88.9 %)" in lacking
    assert re.findall("### Add `(.*)`", lacking) == ["customers/delete", "disputes/create", "disputes/update"]
    assert "| `dispute` | `disputes/create` | create | HIGH | yes | **add** | yes | yes | yes | yes |" in lacking


def test_all_documents_can_be_drafted(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    with_provider(ledger)
    for name in DOCUMENTS:
        path = ledger.folder / "docs" / f"{name}.md"
        path.unlink()
        assert_it_agrees(ledger, path, drafted(ledger, name))


def test_the_samples_documents_can_be_drafted(sample: Any) -> None:
    with sample.clone() as clone:
        with opened(clone.parameters, clone.environment) as audit:
            assert audit.source.index
            texts = {name: audit.draft(name).text for name in DOCUMENTS}
        for name, text in texts.items():
            (clone.code / "docs" / "integrations" / f"shopify_{name}.md").write_text(text, encoding="utf-8")
        with opened(clone.parameters, clone.environment) as audit:
            assert audit.source.index
            found = [audit.check(name) for name in OF_DOCUMENTS]
    assert [told(one) for one in found if one.status is not Status.PASS] == []
    assert '    "shopify_payout" ||--|{ "shopify_balance_transaction" : "payout_id"\n' in texts["data_model"]
    assert "| `read_gift_cards` | `gift_card` | `app/services/shopify/oauth_service.py:" in texts["integration"]


def test_what_is_to_be_added_has_its_checklist_with_this_systems_places(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    path = with_provider(ledger)
    path.unlink()
    text = ledger.parameters.read_text(encoding="utf-8")
    ledger.parameters.write_text(text.replace(", invoice.removed]", "]"), encoding="utf-8")
    ledger.edit("code/rights.py", 'for what in ("created", "updated", "removed")', 'for what in ("created", "updated")')
    text = drafted(ledger)
    steps = text.partition("### Add `invoice.removed`")[2]
    line = next(
        number for number, one in enumerate(ledger.parameters.read_text().splitlines(), 1) if "invoice.created" in one
    )
    assert [one for one in steps.splitlines() if one.startswith("- ")] == [
        "- [x] Verify that the provider has it: Ledger API, <https://ledger.example/docs/hooks>",
        "- [x] Have a scope for it granted, which may be any of: `read_invoices` (granted by north, south), "
        "`read_all` (granted by none)",
        f"- [ ] Want it in the parameter file: `ledger.yml:{line}:5: resources.invoice.webhooks`",
        "- [ ] Add it to the list of topics: `HOOKS`, behind `rights.py:8`",
        "- [x] Add a handler: `receive.py:28`",
        "- [ ] Map it to the object type `invoice` (the parameter file names no raw table)",
        "- [x] Register again for `north`, `south`: no function of the code is called so",
        "- [ ] Sync once, for what was missed: `pull_invoices`, `pull.py:47`",
        "- [ ] Test with one real change of `invoice`: `webhooks_arrive` still passes",
        f"- [ ] Say so in the documentation: `{path}`",
        "- [ ] Update the verification script: `verify.py`",
    ]
    assert_it_agrees(ledger, path, text)


def test_a_draft_is_the_same_whenever_it_is_made(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    with_provider(ledger)
    with opened(ledger.parameters, ledger.environment) as audit:
        assert audit.source.index
        first = audit.draft("webhook_analysis")
        audit.kept.clear()
        second = audit.draft("webhook_analysis")
    assert first.text == second.text
    bundle = first._repr_mimebundle_()
    assert bundle[DRAFT_MIME]["text"] == first.text
    assert len(bundle["text/plain"].splitlines()) < len(first.text.splitlines())


def test_what_is_not_written_down_is_not_made_up_by_its_draft(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    ledger.edit("code/pull.py", "# Note: Line does not have dedicated webhooks", "# Lines")
    path = ledger.folder / "docs" / "webhook_analysis.md"
    text = drafted(ledger)
    assert "| `line` | each topic of invoice carries it | comes with `invoice` | LOW | – | – | no |" in text
    assert "3. Write down, with date and source, why there is no webhook for: `line`." in text
    assert_it_agrees(ledger, path, text)
    with opened(ledger.parameters, ledger.environment) as audit:
        assert audit.source.index
        verdict = audit.check("missing_webhooks_are_documented")
    assert sorted(row[1] for row in verdict.rows) == ["date", "source"], told(verdict)


def test_a_draft_tells_again_what_it_was_told(new_ledger: Callable[..., Ledger]) -> None:
    text = drafted(new_ledger())
    (one,) = in_document(Document("webhook_analysis", "drafted.md", text, None))
    assert (one.resource, one.parent, one.missing) == ("line", "invoice", ())


def test_names_that_others_gave_are_no_markup(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    hostile = "x`|<img src=x>\n# [a](https://evil.example) \u202e"
    lines = [{"topic": hostile, "address": "https://ledger.example/hooks"}]
    (ledger.folder / "export" / "north" / "hooks.jsonl").write_text(json.dumps(lines[0]), encoding="utf-8")
    text = drafted(ledger)
    (row,) = [line for line in text.splitlines() if "evil" in line]
    assert row.startswith("| – | ``x`\\|<img src=x> # [a](https://evil.example) \\u202e`` | other |")
    assert "not registered" not in text and "0 of 6" not in text
    assert "| `member` | `member.created` | create | – | – | yes | yes | yes | **1 of 2** |" in text


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a_b", "`a_b`"),
        ("a|b", "`a\\|b`"),
        ("`a`", "`` `a` ``"),
        ("a``b`c", "```a``b`c```"),
        ("two\nlines", "`two lines`"),
        ("", ""),
    ],
)
def test_a_name_is_code_whatever_it_holds(given: str, shown: str) -> None:
    assert markdown.code(given) == shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://a.example/b?c=d_e", "<https://a.example/b?c=d_e>"),
        ("https://a.example/>[x](y)", "`https://a.example/>[x](y)`"),
        ("javascript:x", "`javascript:x`"),
        (None, ""),
    ],
)
def test_only_an_address_is_a_link(given: str | None, shown: str) -> None:
    assert markdown.link(given) == shown


def test_without_resources_there_is_nothing_to_draft(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    ledger.parameters.write_text("integration: ledger\ndatabase: {url_env: LEDGER_URL}\n", encoding="utf-8")
    with opened(ledger.parameters, ledger.environment) as audit:
        draft = audit.draft("webhook_analysis")
        assert [len(audit.frame(name)) for name in ("topic_matrix", "webhook_or_polling", "webhook_analysis")] == [
            0
        ] * 3
        with pytest.raises(CheckError, match="there is no draft of 'webhooks'; there are integration, data_model"):
            audit.draft("webhooks")
    assert DRAFT_MIME not in draft._repr_mimebundle_()
    assert draft.reason == "the parameter file has no resources"


def test_a_file_that_says_nothing_of_webhooks_is_drafted_with_what_is_not_known(
    new_ledger: Callable[..., Ledger],
) -> None:
    ledger = new_ledger()
    ledger.parameters.write_text(
        "integration: ledger\ndatabase: {url_env: LEDGER_URL}\n"
        "resources: {member: {table: ledger.Member, key: code}}\n",
        encoding="utf-8",
    )
    text = drafted(ledger)
    assert "Which topics the provider has is not known: the parameter file names no provider" in text
    assert "| Wanted topics that are registered, over all tenants | not known | 100 % |" in text
    assert "| `member` | **none** | the file does not say what came by which way |" in text
