"""Domains: what people type as a website becomes one name, and what the column has must be that name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsaudit.parameters.fields import FieldOf
from dsaudit.reconcile.domains import NoDomain, misfits, normalised
from dsaudit.reconcile.values import Unreadable, agree, at_source, typed
from tests.reconcile.tables import Tables, column, found

FIELD = FieldOf.model_validate({"from": "website", "as": "domain"})
SAME = {
    "HTTPS://WWW.Contoso.example/de?x=1": "contoso.example",
    "contoso.example.": "contoso.example",
    " contoso.example ": "contoso.example",
    "http://ann:secret@contoso.example:8080/x#y": "contoso.example",
    "contoso.example:443": "contoso.example",
    "//contoso.example/a@b": "contoso.example",
    "contoso.example?to=https://fabrikam.example": "contoso.example",
    "münchen.example": "xn--mnchen-3ya.example",
    "XN--MNCHEN-3YA.example": "xn--mnchen-3ya.example",
    "mu\u0308nchen.example": "xn--mnchen-3ya.example",
    "faß.example": "xn--fa-hia.example",
    "ＷＷＷ.contoso。example": "contoso.example",
    "www.www.contoso.example": "contoso.example",
    "www.example": "www.example",  # a name of its own, that nothing would be left of
    "shop.contoso.example": "shop.contoso.example",
    "4711.example": "4711.example",
}
NONE = ["n/a", "localhost", "http://192.168.0.1/", "a b.example", "http:contoso.example", "-a.example", "a..example"]
NONE += ["http://[::1]/", "1.2", "a_b.example", "☃.example", "a" * 64 + ".example", "contoso.example..", "\u200b"]


@pytest.mark.parametrize(("website", "domain"), SAME.items())
def test_a_website_has_one_domain(website: str, domain: str) -> None:
    assert normalised(website) == domain
    assert agree(at_source(website, FIELD), typed(domain, "domain"), FIELD)
    assert not list(misfits(domain)) and (website == domain or list(misfits(website)))


@pytest.mark.parametrize("website", NONE)
def test_what_is_no_domain_stays_as_it_is_and_is_equal_to_nothing_here(website: str) -> None:
    with pytest.raises(NoDomain):
        normalised(website)
    there = at_source(website, FIELD)
    assert isinstance(there, Unreadable) and there == website
    assert not agree(there, typed(website, "domain"), FIELD) and list(misfits(website)) == ["no domain"]


@pytest.mark.parametrize("website", ["", "  ", None])
def test_no_website_is_no_domain(website: str | None) -> None:
    assert at_source(website, FIELD) is None
    assert not agree(None, typed("", "domain"), FIELD)


@given(
    st.text(alphabet="aAzé.-/:@?ßw0 ", max_size=16) | st.from_regex(r"(https?://)?(www\.)?[a-zé-]+\.[a-z0-9]{1,3}/?")
)
def test_the_normal_form_of_a_normal_form_is_itself(website: str) -> None:
    try:
        domain = normalised(website)
    except NoDomain:
        return
    assert domain is None or (normalised(domain) == domain and not list(misfits(domain)))


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        ("Contoso.example", ["capitals"]),
        ("https://contoso.example", ["scheme"]),
        ("www.contoso.example", ["www"]),
        ("contoso.example/de", ["path"]),
        ("contoso.example:443", ["port"]),
        ("contoso.example.", ["trailing dot"]),
        ("münchen.example", ["not IDNA"]),
        (" contoso.example", ["blanks"]),
        ("ann@contoso.example", ["user"]),
        ("", ["blank"]),
        ("HTTPS://www.contoso.example/", ["scheme", "path", "www"]),
        ("n/a", ["no domain"]),
    ],
)
def test_what_is_wrong_is_said_in_a_word(domain: str, words: list[str]) -> None:
    assert list(misfits(domain)) == words


def test_a_comparison_finds_only_what_differs(tables: Tables) -> None:
    websites = [*SAME, *NONE[:3], "", None, "contoso.example", "contoso.example", "fabrikam.example"]
    domains = [*SAME.values(), *NONE[:3], None, None, "Contoso.example", "https://contoso.example", ""]
    table = tables.table("id bigint, domain text", list(enumerate(domains)))
    records = [{"id": number, "domain": website} for number, website in enumerate(websites)]
    told = tables.compare(tables.lines(records), table, [column("id", "integer")], [column("domain", "domain")])
    first = len(SAME)
    assert [row[:3] for row in found(told)["different"]] == [
        *((first + place, "domain", "not of its type at the source") for place in range(3)),
        (first + 5, "domain", "letter case"),
        (first + 6, "domain", "another text"),
        (first + 7, "domain", "empty here"),
    ]
    assert told.counts["equal"] == first + 2
