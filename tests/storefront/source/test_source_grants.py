"""What a shop grants can change: a token that is no longer accepted, a scope too many."""

from tests.storefront.source.provider import ACME, BOREALIS, Source


def scopes(source: Source) -> list[str]:
    answer = source.client.get(f"/{ACME}/admin/oauth/access_scopes.json").json()
    return [scope["handle"] for scope in answer["access_scopes"]]


def test_one_shop_can_stop_accepting_the_token(still: Source) -> None:
    with still.fault("revoked_tokens", [BOREALIS]):
        assert still.get("orders", BOREALIS).status_code == 401
        assert still.get("orders", ACME).status_code == 200
    assert still.get("orders", BOREALIS).status_code == 200


def test_a_shop_can_grant_more_than_was_asked_for(still: Source) -> None:
    before = scopes(still)
    with still.fault("further_scopes", ["read_users"]):
        assert scopes(still) == [*before, "read_users"]
    assert scopes(still) == before
