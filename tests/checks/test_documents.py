"""What the checks of documents make of odd documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dsaudit.facts.documents import Document, entities, images
from dsaudit.facts.exceptions import in_document
from dsaudit.verdict import Status, Verdict
from tests.checks.auditing import told, verdicts
from tests.ledger import Ledger


def document(text: str) -> Document:
    return Document("data_model", "data_model.md", text, None)


@pytest.mark.parametrize(
    ("text", "word", "named"),
    [
        ("the table shopify_order holds", "shopify_order", True),
        ("the table shopify_order_line holds", "shopify_order", False),
        ("old_shopify_order", "shopify_order", False),
        ("`public.shopify_order`", "shopify_order", True),
        ("SHOPIFY_ORDER", "shopify_order", False),
        ("shopifyXorder", "shopify_order", False),
        ("`draft_orders/create`", "orders/create", False),
        ("test/orders/create", "orders/create", False),
        ("orders/created", "orders/create", False),
        ("at last orders/create.", "orders/create", True),
        ("read_all_orders", "read_orders", False),
    ],
)
def test_words_are_whole(text: str, word: str, named: bool) -> None:
    assert document(text).names(word) is named


@pytest.mark.parametrize("text", ["Gift cards", "gift-card", "a gift_card is", "GIFT CARD"])
def test_a_thing_is_known_in_its_forms(text: str) -> None:
    assert document(text).tells_of("gift_card")


@pytest.mark.parametrize("text", ["giftcards", "gift cardboard", "a thrift card", ""])
def test_another_thing_is_not(text: str) -> None:
    assert not document(text).tells_of("gift_card")


def test_plurals_in_ies() -> None:
    assert document("Companies").tells_of("company")
    assert not document("a companion").tells_of("company")


def test_a_line_names_resource_and_action() -> None:
    table = document("| Orders | create, update, delete | Implemented |\n| Refunds | create | Implemented |")
    assert table.tells_of_topic("order", "orders/updated")
    assert not table.tells_of_topic("refund", "refunds/delete")


@pytest.mark.parametrize(
    ("line", "claimed"),
    [
        ("| Orders | `orders/edit` | Implemented |", ["orders/edit"]),
        ("There is no `orders/edit` topic.", []),
        ("Monitor for `orders/edit`.", []),
        ("in app/services/orders/create.py", []),
        ("```sh\ncurl orders/edit\n```", []),
        ("| member.removed | Implemented |", ["member.removed"]),
        ("member.removed_at is a column", []),
    ],
)
def test_claims_are_told_from_what_only_looks_like_them(line: str, claimed: list[str]) -> None:
    assert document(line).claimed_topics({"orders/create", "member.created"}) == claimed


DIAGRAM = """
~~~mermaid
---
title: Ledger
---
erDiagram
    direction LR
    MEMBER ||--o{ invoice : "has: many"
    invoice {
        text store PK "of {two}"
        text number
    }
    invoice ||..|{ LINE-ITEM : contains
    p[Person] }o--o| MEMBER : is
    CAR 1 to zero or more DRIVER : allows
    %% lonely ||--o{ comment : no
    ALONE
~~~
"""


def test_entities_of_a_diagram() -> None:
    found = entities(document(DIAGRAM))
    assert found == ["MEMBER", "invoice", "LINE-ITEM", "Person", "CAR", "DRIVER", "ALONE"]


def test_another_diagram_is_no_er_diagram() -> None:
    assert entities(document("```mermaid\nflowchart LR\n  a --> b\n```")) is None
    assert entities(document("```\nerDiagram\n  a ||--o{ b : has\n```")) is None


def test_a_picture_has_to_be_there(tmp_path: Path) -> None:
    (tmp_path / "er.png").write_bytes(b"")
    text = '![ER](er.png) ![gone](gone.png) <img alt="x" src="https://example.org/er.svg">'
    assert images(document(text), tmp_path) == ["er.png", "https://example.org/er.svg"]


MISSING = """
## Missing Webhooks

| Resource | Reason | Workaround | Verified | Source |
|---|---|---|---|---|
| Gift cards | none | Polled by `fetch_gift_cards` | 2026-01-13 | [docs](https://shop.example/docs) |
| Fees, refunds \\| charges | none | Read with the payout they belong to | soon | |

```
| Resource | Verified |
|---|---|
| Discount | 2026-01-13 |
```

## Available Webhooks

| Resource | Topics | Verified |
|---|---|---|
| Orders | orders/create | 2026-01-13 |
"""


def test_a_table_of_what_has_no_webhooks_is_read() -> None:
    found = [(one.resource, one.line, one.parent, one.missing) for one in in_document(document(MISSING))]
    assert found == [
        ("Gift cards", 6, "polling", ()),
        ("Fees", 7, "payout", ("date", "source")),
        ("refunds \\| charges", 7, "payout", ("date", "source")),
    ]


def judged(ledger: Ledger, check: str) -> Verdict:
    return verdicts(ledger.parameters, ledger.environment, [check])[check]


def test_an_empty_document_is_as_good_as_none(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    (ledger.folder / "docs" / "integration.md").write_text(" \n", encoding="utf-8")
    verdict = judged(ledger, "documents_exist")
    assert verdict.rows == [["integration", "integration.md", "it is empty"]]
    scopes = judged(ledger, "documents_name_every_scope")
    assert scopes.status is Status.INCONCLUSIVE, told(scopes)


def test_a_document_that_is_not_utf8_is_read_all_the_same(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    path = ledger.folder / "docs" / "integration.md"
    path.write_bytes("überall ".encode("latin-1") + path.read_bytes())
    assert judged(ledger, "documents_name_every_scope").status is Status.PASS


def test_documents_are_looked_for_under_the_providers_name(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    text = ledger.parameters.read_text(encoding="utf-8")
    text = text.replace("files: {integration: integration.md, ", "files: {") + "provider: books\n"
    ledger.parameters.write_text(text, encoding="utf-8")
    assert judged(ledger, "documents_exist").rows == [["integration", "books_integration.md", "there is no such file"]]
    (ledger.folder / "docs" / "integration.md").rename(ledger.folder / "docs" / "books_integration.md")
    assert judged(ledger, "documents_exist").status is Status.PASS


def test_neither_diagram_nor_picture(new_ledger: Callable[..., Ledger]) -> None:
    ledger = new_ledger()
    ledger.edit("docs/data_model.md", "mermaid", "text")
    assert judged(ledger, "data_model_has_a_diagram").rows[0][0] == "none"
    (ledger.folder / "docs" / "model.svg").write_text("<svg/>", encoding="utf-8")
    ledger.edit("docs/data_model.md", "# Data model", "# Data model\n![ER](model.svg)")
    assert judged(ledger, "data_model_has_a_diagram").status is Status.PASS


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it has no function"),
        ("print('all is well')", "it has no function"),
        ("def main():\n    pass", "its functions do nothing"),
        ('def main():\n    """Soon."""\n    return True', "its functions do nothing"),
        ("def main(:\n    pass", "it does not parse: "),
        ("def main():\n    \0", "it does not parse: "),
        ("def main():\n    print(1)", None),
        ("class Check:\n    async def main(self):\n        await self.run()", None),
    ],
)
def test_a_verification_script_does_something(
    text: str, problem: str | None, new_ledger: Callable[..., Ledger]
) -> None:
    ledger = new_ledger()
    (ledger.folder / "code" / "verify.py").write_text(text, encoding="utf-8")
    verdict = judged(ledger, "verification_script_exists")
    assert [str(row[1]).startswith(problem) for row in verdict.rows if problem] == ([True] if problem else [])
    assert verdict.status is (Status.FAIL if problem else Status.PASS), told(verdict)
