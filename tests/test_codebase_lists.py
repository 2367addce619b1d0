"""Lists with their comments, documented exceptions and migrations, as read from code."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dsaudit.codebase import (
    Items,
    Unresolved,
    documented_exceptions,
    list_literal,
    migration_heads,
    read_texts,
)
from tests.programs import code_of, sample_code


def values_of(text: str, name: str = "SCOPES", **others: str) -> list[object]:
    items = list_literal(code_of(text, **others), name)
    assert not items.unresolved
    return list(items.values)


# --- lists


def test_items_come_with_their_place_and_comment() -> None:
    items = list_literal(
        code_of(
            """
            SCOPES = [
                "read_orders",  # orders and their lines
                # everybody who
                # ever bought
                "read_customers",
                "read_products",
                # "read_returns",
                "read_locations",  # noqa: E501
                # of the last page

                "read_"
                "inventory",  # levels
            ]
            """
        )
    )
    assert [(item.value, item.line, item.comment) for item in items.items] == [
        ("read_orders", 3, "orders and their lines"),
        ("read_customers", 6, "everybody who ever bought"),
        ("read_products", 7, None),
        ("read_locations", 9, None),
        ("read_inventory", 12, "levels"),
    ]
    assert items.unresolved == ()


def test_a_list_is_followed_through_modules_sums_and_unpacking() -> None:
    items = list_literal(
        code_of(
            """
            from app.scopes import BASE as FIRST
            from app import more
            import app.scopes
            SCOPES = FIRST + [*more.EXTRA, "read_returns"]
            SCOPES += (app.scopes.LAST,)
            """,
            app__scopes="BASE = ['read_orders']\nLAST = 'read_gift_cards'\n",
            app__more="from .scopes import *\nEXTRA = (BASE[0].replace('orders', 'products'),)  # of the shop\n",
        )
    )
    assert [(item.value, item.file, item.line) for item in items.items] == [
        ("read_orders", "app/scopes.py", 1),
        ("read_products", "app/more.py", 2),
        ("read_returns", "main.py", 5),
        ("read_gift_cards", "main.py", 6),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "def register():\n    topics = ['a', 'b']\n    for topic in topics:\n        print(topic)\n",
        "class Service:\n    topics = ('a', 'b')\n",
        "class Service:\n    def __init__(self):\n        self.topics = ['a', 'b']\n",
        "def register():\n    async def inner():\n        topics = [*('a', 'b')]\n",
        "def register():\n    if True:\n        with x:\n            topics = ['a']\n            topics.append('b')\n",
        "topics: list[str] = ['a']\ntopics.extend(['b'])\ndef other():\n    topics = load()\n",
        "def one():\n    topics = ['a', 'b']\ndef other():\n    topics = load()\n",
        "topics = {'a': 1, 'b': 2}\n",
        "topics = list({'a': print, 'b': print})\n",
        "NAMES = {'a': print, 'b': print}\ntopics = sorted(NAMES.keys())\n",
        "def register(topics=()):\n    pass\nclass Service:\n    topics = ['a', 'b']\n",
    ],
)
def test_a_list_is_found_wherever_it_is_assigned(text: str) -> None:
    assert values_of(text, "topics") == ["a", "b"]


def test_a_dotted_name_or_a_file_chooses_between_lists() -> None:
    code = code_of("def one():\n    topics = ['a']\ndef two():\n    topics = ['b']\n", other="topics = ['c']\n")
    assert list_literal(code, "one.topics").values == ("a",)
    assert list_literal(code, "two.topics").values == ("b",)
    assert list_literal(code, "topics").values == ("c",)
    assert list_literal(code, "topics", file="main.py").values == ("a", "b")


def test_a_file_that_only_imports_the_list_leads_to_it() -> None:
    code = code_of("from app.scopes import SCOPES\n", app__scopes="SCOPES = ['a']\n", z="SCOPES = ['wrong']\n")
    assert list_literal(code, file="main.py").items[0].file == "app/scopes.py"


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("SCOPES = ['a', other(), f'{x}/b', 'c']", ["a", "c"]),
        ("SCOPES = ['a'] + more()", ["a"]),
        ("SCOPES = ['a', *more]", ["a"]),
        ("import os\nSCOPES = os.environ['SCOPES'].split(',')", []),
        ("SCOPES = ['a']\nif x:\n    SCOPES += ['b']", ["a", "b"]),
        ("SCOPES = ['a']\ndef grow():\n    SCOPES.append('b')", ["a"]),
        ("SCOPES = ['a']\nSAME = SCOPES\nSAME.append('b')", ["a"]),
        ("SCOPES = ['a']\nfor x in 'bc':\n    SCOPES.append(x)", ["a"]),
        ("SCOPES = ['a', 'b']\nSCOPES = [s for s in SCOPES if s not in known()]", ["a", "b"]),
        ("SCOPES = ['a']\nSCOPES.remove('a')", ["a"]),
        ("SCOPES = SCOPES", []),
    ],
)
def test_what_is_not_folded_is_told_beside_what_is(text: str, known: list[str]) -> None:
    items = list_literal(code_of(text))
    assert list(items.values) == known
    assert items.unresolved
    assert all(one.file == "main.py" and one.line >= 1 and one.why for one in items.unresolved)


def test_a_change_from_another_module_is_seen() -> None:
    changing = "from main import SCOPES\nSCOPES.append('b')\n"
    assert list_literal(code_of("SCOPES = ['a']\n", other=changing)).unresolved
    assert list_literal(code_of("SCOPES = ['a']\n", other="import main\nmain.SCOPES += ['b']\n")).unresolved


def test_a_list_that_is_not_there_is_unresolved_and_never_just_empty() -> None:
    nothing = list_literal(code_of("# SCOPES = ['a']\nTEXT = \"SCOPES = ['a']\"\n"))
    assert nothing == Items((), (Unresolved(".", 1, "no list named SCOPES is assigned"),))
    unread = list_literal(read_texts({"oauth.py": "SCOPES = ['a'\n"}))
    assert unread.unresolved[0].file == "oauth.py"
    assert "does not parse" in unread.unresolved[0].why
    assert values_of("SCOPES = []") == []


def test_the_sample_asks_for_thirteen_scopes_each_with_its_comment() -> None:
    scopes = list_literal(sample_code(), "SCOPES", file="oauth_service.py")
    assert len(scopes.items) == 13
    assert scopes.unresolved == ()
    assert all(item.comment for item in scopes.items)


# --- comments


def test_documented_exceptions_are_read_with_all_their_parts() -> None:
    code = code_of(
        """
        # Note: InventoryItem does not have dedicated webhooks in the Shopify API
        # Data is synced via parent Product webhooks
        # Verified: 2026-01-13 - someone
        # Source: https://shop.example/docs/webhooks
        x = 1

        # Gift cards have no webhooks of their own; they are read by polling.
        # verified on 3 March 2026, see: shop.example/docs
        y = 2

        # Balance transactions and fees don't have webhooks (fetched with their payout)
        z = 3
        """
    )
    first, *rest = documented_exceptions(code)
    assert (first.resource, first.parent, first.verified) == ("InventoryItem", "Product", date(2026, 1, 13))
    assert (first.source, first.file, first.line, first.missing) == (
        "https://shop.example/docs/webhooks",
        "main.py",
        2,
        (),
    )
    assert [(one.resource, one.parent, one.missing) for one in rest] == [
        ("Gift cards", "polling", ()),
        ("Balance transactions", "payout", ("date", "source")),
        ("fees", "payout", ("date", "source")),
    ]


@pytest.mark.parametrize(
    "text",
    [
        '"""Orders have webhooks; payouts are polled."""',
        'WEBHOOKS = {"orders": "no webhooks: read with each customer, 2026-01-13, https://shop.example"}',
        'NO_WEBHOOKS = {name: "polled" for name in TOPICS}',
        "note = '# Note: Orders does not have dedicated webhooks'",
        "# Orders have webhooks for all that happens to them",
        "# Note: {Resource} does not have dedicated webhooks in {DataSource} API",
    ],
)
def test_what_is_no_such_comment_is_no_exception(text: str) -> None:
    assert documented_exceptions(code_of(text)) == []


WHOLE = ("Payout", "polling", date(2026, 1, 13), "https://shop.example/docs", ())
UNDATED = ("payout", "order", None, None, ("date", "source"))


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        (
            "async def pull():\n"
            '    """Read payouts.\n\n'
            "    Payout does not have dedicated webhooks; it is polled.\n\n"
            '    Verified: 2026-01-13\n    Source: https://shop.example/docs\n    """\n',
            4,
            WHOLE,
        ),
        (
            'x = 1\n"""\nNote: Payout has no webhooks of its own; polled\n'
            'verified 13 January 2026, see: https://shop.example/docs\n"""\n',
            3,
            WHOLE,
        ),
        ('NO_WEBHOOKS = {\n    "payout": "synced with each order",\n}\n', 2, UNDATED),
        ('POLLED: dict[str, str] = {"Payout": "by polling; 2026-01-13; https://shop.example/docs"}', 1, WHOLE),
        (
            'class Service:\n    without_webhooks = {"Payout": {"reason": "no topic; polled",\n'
            '        "verified": date(2026, 1, 13), "source": "https://shop.example/docs"}}',
            2,
            WHOLE,
        ),
        (
            'MISSING_WEBHOOKS = {"Payout": Reason("polling", verified="2026-01-13", url="https://shop.example/docs")}',
            1,
            WHOLE,
        ),
        ('webhook_exceptions = {"payout": ("orders", {"parent": "order"})}', 1, UNDATED),
    ],
)
def test_exceptions_are_written_down_in_several_forms(text: str, line: int, found: tuple[object, ...]) -> None:
    (one,) = documented_exceptions(code_of(text))
    assert (one.resource, one.parent, one.verified, one.source, one.missing) == found
    assert one.line == line


def test_a_docstring_speaks_of_several_resources() -> None:
    notes = "Payouts have no webhooks (polled).\n\nGift cards have no webhooks.\nVerified: 2026-01-13\n"
    text = f'"""Read what is polled.\n\n{notes}"""'
    found = [(one.resource, one.line, one.missing) for one in documented_exceptions(code_of(text))]
    assert found == [("Payouts", 3, ("date", "source")), ("Gift cards", 5, ("parent", "source"))]


@pytest.mark.parametrize("verified", ["2026-13-45", "{Date} - {YourName}", "soon"])
def test_a_date_that_is_none_is_missing(verified: str) -> None:
    note = f"# Note: Refund does not have dedicated webhooks\n# synced via Order webhooks\n# Verified: {verified}\n"
    (one,) = documented_exceptions(code_of(note))
    assert one.missing == ("date", "source")


# --- migrations


def revisions(tmp_path: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def test_the_one_head_of_a_chain_is_told_with_its_place(tmp_path: Path) -> None:
    folder = revisions(
        tmp_path,
        one='revision = "a1"\ndown_revision = None\n',
        two='"""revision = "zz"."""\nfrom x import y\nrevision: str = "b2"\ndown_revision: str | None = "a1"\n',
        three='BEFORE = "b2"\nrevision = "c3"\ndown_revision = (BEFORE,)\n# revision = "d4"\n',
        env="import logging\n",
    )
    migrations = migration_heads(folder)
    assert [(head.revision, head.file, head.line) for head in migrations.heads] == [("c3", "three.py", 2)]
    assert len(migrations.revisions) == 3
    assert migrations.unresolved == ()
    assert migration_heads(folder, tmp_path.parent).heads[0].file == f"{tmp_path.name}/three.py"


def test_two_heads_merges_and_broken_chains_show(tmp_path: Path) -> None:
    folder = revisions(
        tmp_path,
        one='revision = "a"\ndown_revision = None\n',
        left='revision = "l"\ndown_revision = "a"\n',
        right='revision = "r"\ndown_revision = "a"\n',
    )
    assert {head.revision for head in migration_heads(folder).heads} == {"l", "r"}
    revisions(tmp_path, merge='revision = "m"\ndown_revision = ("l", "r")\n')
    assert [head.revision for head in migration_heads(folder).heads] == ["m"]
    revisions(tmp_path, lost='revision = "x"\ndown_revision = "gone"\n', twin='revision = "a"\ndown_revision = None\n')
    assert {str(one) for one in migration_heads(folder).unresolved} == {
        "lost.py:1: follows gone, which is no revision of this folder",
        "one.py:1: revision a is named more than once",
        "twin.py:1: revision a is named more than once",
    }


def test_a_revision_that_is_not_told_is_unresolved(tmp_path: Path) -> None:
    folder = revisions(
        tmp_path, one='import os\nrevision = os.environ["R"]\ndown_revision = None\n', bad="revision = (\n"
    )
    migrations = migration_heads(folder)
    assert migrations.heads == ()
    assert [(one.file, one.line) for one in migrations.unresolved] == [("bad.py", 1), ("one.py", 2)]
