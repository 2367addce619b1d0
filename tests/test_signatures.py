"""Signatures of the three providers: good ones, made by `openssl dgst -hmac`, and tampered ones with their reasons."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsaudit import catalogue
from dsaudit.probes.signatures import refusal, sign

BODY = rb'{"id":820982911946154508,"total_price":"403.00","note":"Z\u00fcrich \u2013 caf\u00e9"}'
SECRETS = {
    "shopify": "shpss_hush",
    "stripe": "whsec_test_4eC39HqLyjWDarjtT1zdp7dc",
    "quickbooks": "7d1d4b0f-4b1e-4f4a-9d3e-verifier",
}
NAMES = {"shopify": "X-Shopify-Hmac-SHA256", "stripe": "Stripe-Signature", "quickbooks": "intuit-signature"}
AT = 1_700_000_000
# printf '%s' BODY | openssl dgst -sha256 -hmac SECRET -binary | base64; Stripe's of "1700000000." and the body, in hex
DIGESTS = {
    "shopify": "19HOfJX82aKpEq7E98MBXVM+O0poNjXd4M36cVl/ehM=",
    "stripe": "9dda8cba0c986eeb035552cf06c6cdec257deb69dd9c90e6f977107405c29cdf",
    "quickbooks": "IIvyH5MS30/VQndX07QxRdn/DW7KL6XRL+GVvPJOO00=",
}
GOOD = {**DIGESTS, "stripe": f"t={AT},v1={DIGESTS['stripe']}"}
OF_NOTHING = "vDEJLvWx3gqTyheP8q6FXFulcWA0uOY6UCUQB/d/6ek="  # the same, of an empty body
OF_BYTES = "23HLvEd9wX4F1d6NKFuoO+dFWCp98pvtyM5RNDyfgvA="  # and of the bytes ff 00 0a, which are no text


def scheme_of(provider: str) -> catalogue.Signature:
    scheme = catalogue.load(provider).signature
    assert scheme is not None
    return scheme


def refused(provider: str, headers: Mapping[str, str], body: bytes = BODY, now: float = AT, secret: str = "") -> object:
    return refusal(scheme_of(provider), secret or SECRETS[provider], headers, body, now)


@pytest.mark.parametrize("provider", GOOD)
def test_a_good_signature_is_made_and_let_through(provider: str) -> None:
    assert scheme_of(provider).header.lower() == NAMES[provider].lower()
    assert sign(scheme_of(provider), SECRETS[provider], BODY, AT) == GOOD[provider]
    for name in (NAMES[provider], NAMES[provider].lower(), NAMES[provider].upper()):
        assert refused(provider, {"Accept": "*/*", name: GOOD[provider]}) is None


@pytest.mark.parametrize(("body", "digest"), [(b"", OF_NOTHING), (b"\xff\x00\n", OF_BYTES)])
def test_any_bytes_are_signed_as_they_are(body: bytes, digest: str) -> None:
    assert sign(scheme_of("shopify"), SECRETS["shopify"], body) == digest
    assert refused("shopify", {NAMES["shopify"]: digest}, body) is None


@pytest.mark.parametrize(
    "header",
    [
        f"t={AT},v1={'0' * 64},v1={DIGESTS['stripe']}",  # while a secret is rolled, each of both signs
        f"t={AT},v1={DIGESTS['stripe']},v1={'0' * 64}",
        f"t={AT},v0={'0' * 64},v1={DIGESTS['stripe']}",
        f"v1={DIGESTS['stripe']},t={AT}",
        f"t={AT},v1={DIGESTS['stripe']},v2=later",
    ],
)
def test_one_right_signature_of_several_is_enough(header: str) -> None:
    assert refused("stripe", {NAMES["stripe"]: header}) is None


@pytest.mark.parametrize("seconds", [-300, -1, 0, 0.5, 299, 300])
def test_a_time_within_the_tolerance_is_let_through(seconds: float) -> None:
    assert refused("stripe", {NAMES["stripe"]: GOOD["stripe"]}, now=AT + seconds) is None


MISMATCH = "it does not match the body"
BODIES = {
    "a bit of the body": (BODY[:-2] + bytes([BODY[-2] ^ 1]) + BODY[-1:], MISMATCH),
    "the first bit of the body": (bytes([BODY[0] ^ 128]) + BODY[1:], MISMATCH),
    "an empty body": (b"", MISMATCH),
    "a truncated body": (BODY[:-1], MISMATCH),
    "a line break behind the body": (BODY + b"\n", MISMATCH),
    "a blank before the body": (b" " + BODY, MISMATCH),
    "a byte order mark": (b"\xef\xbb\xbf" + BODY, MISMATCH),
    "the body written anew": (json.dumps(json.loads(BODY)).encode(), MISMATCH),
    "the body without its escapes": (
        json.dumps(json.loads(BODY), ensure_ascii=False, separators=(",", ":")).encode(),
        MISMATCH,
    ),
    "the body's keys sorted": (json.dumps(json.loads(BODY), sort_keys=True, separators=(",", ":")).encode(), MISMATCH),
    "another amount": (BODY.replace(b"403.00", b"4.03"), MISMATCH),
    "letters of another case": (BODY.replace(b"total", b"Total"), MISMATCH),
}
BASE64 = "it is no base64 of 32 bytes"


def base64_of(provider: str) -> dict[str, tuple[str, str]]:
    good = GOOD[provider]
    digest = base64.b64decode(good)
    spare = good[:-2] + chr(ord(good[-2]) + 1) + "="  # bits of the last letter that decode to nothing
    return {
        "a bit of the signature": (base64.b64encode(bytes([digest[0] ^ 1]) + digest[1:]).decode(), MISMATCH),
        "the last bit of the signature": (base64.b64encode(digest[:-1] + bytes([digest[-1] ^ 1])).decode(), MISMATCH),
        "the case of its letters": (good[:10].swapcase() + good[10:], MISMATCH),
        "hex": (digest.hex(), BASE64),
        "bytes in base64 of hex": (base64.b64encode(digest.hex().encode()).decode(), BASE64),
        "the alphabet of addresses": (good.replace("+", "-").replace("/", "_"), BASE64),
        "truncated by its padding": (good[:-1], BASE64),
        "half of it": (good[:20], BASE64),
        "a letter too many": (good[:-1] + "A=", BASE64),
        "spare bits": (spare, BASE64),
        "a blank before it": (" " + good, BASE64),
        "a blank behind it": (good + " ", BASE64),
        "a line break in it": (good[:20] + "\n" + good[20:], BASE64),
        "the name of the digest before it": (f"sha256={good}", BASE64),
        "it twice": (f"{good},{good}", BASE64),
        "nothing": ("", f"the header {scheme_of(provider).header} is empty"),
        "letters that are not ASCII": ("é" * 44, BASE64),
        "half a surrogate pair": ("\ud800" * 44, BASE64),
        "Stripe's form": (f"t={AT},v1={good}", BASE64),
    }


HEX = "it is no hex of 32 bytes"
STRIPE = DIGESTS["stripe"]
TAMPERED = {
    "a bit of the signature": (f"t={AT},v1={STRIPE[:-1]}e", MISMATCH),
    "the first bit of the signature": (f"t={AT},v1=8{STRIPE[1:]}", MISMATCH),
    "capital letters": (f"t={AT},v1={STRIPE.upper()}", HEX),
    "base64": (f"t={AT},v1={base64.b64encode(bytes.fromhex(STRIPE)).decode()}", HEX),
    "truncated": (f"t={AT},v1={STRIPE[:-2]}", HEX),
    "a letter too many": (f"t={AT},v1={STRIPE}0", HEX),
    "nothing behind v1": (f"t={AT},v1=", HEX),
    "a blank behind it": (f"t={AT},v1={STRIPE} ", HEX),
    "a blank before v1": (f"t={AT}, v1={STRIPE}", "it has no v1 signature"),
    "v0 for v1": (f"t={AT},v0={STRIPE}", "it has no v1 signature"),
    "V1 for v1": (f"t={AT},V1={STRIPE}", "it has no v1 signature"),
    "the time alone": (f"t={AT}", "it has no v1 signature"),
    "no time": (f"v1={STRIPE}", "it has no time"),
    "an empty time": (f"t=,v1={STRIPE}", "it has no time"),
    "a time in words": (f"t=now,v1={STRIPE}", "it has no time"),
    "a time with a fraction": (f"t={AT}.0,v1={STRIPE}", "it has no time"),
    "a negative time": (f"t=-{AT},v1={STRIPE}", "it has no time"),
    "digits of another script": (f"t=١٧٠٠٠٠٠٠٠٠,v1={STRIPE}", "it has no time"),
    "two times": (f"t={AT},t={AT + 600},v1={STRIPE}", "it has no time"),
    "a zero before the time": (f"t=0{AT},v1={STRIPE}", MISMATCH),
    "another time than was signed": (f"t={AT + 1},v1={STRIPE}", MISMATCH),
    "several, and none is right": (f"t={AT},v1={'0' * 64},v1={'1' * 64}", MISMATCH),
    "the signature alone": (STRIPE, "it has no time"),
    "nothing": ("", "the header Stripe-Signature is empty"),
    # The digest of "1700000000." and nothing.
    "of another body": (f"t={AT},v1=59c6f576fe0d45fe10a08c6ca6d85e87d4b5899e19cde527a4e706278529d986", MISMATCH),
}


@pytest.mark.parametrize("provider", GOOD)
@pytest.mark.parametrize("change", BODIES)
def test_another_body_is_refused(change: str, provider: str) -> None:
    body, reason = BODIES[change]
    assert body != BODY
    assert refused(provider, {NAMES[provider]: GOOD[provider]}, body) == reason


@pytest.mark.parametrize("provider", ["shopify", "quickbooks"])
@pytest.mark.parametrize("change", base64_of("shopify"))
def test_another_signature_is_refused(change: str, provider: str) -> None:
    header, reason = base64_of(provider)[change]
    assert header != GOOD[provider]
    assert refused(provider, {NAMES[provider]: header}) == reason


@pytest.mark.parametrize("change", TAMPERED)
def test_another_signature_of_stripe_is_refused(change: str) -> None:
    header, reason = TAMPERED[change]
    assert refused("stripe", {NAMES["stripe"]: header}) == reason


@pytest.mark.parametrize("provider", GOOD)
@pytest.mark.parametrize("wrong", ["", " ", "x"])
def test_another_secret_is_refused(wrong: str, provider: str) -> None:
    secret = SECRETS[provider] + wrong if wrong else SECRETS[provider][:-1]
    assert refused(provider, {NAMES[provider]: GOOD[provider]}, secret=secret) == MISMATCH


@pytest.mark.parametrize("provider", GOOD)
@pytest.mark.parametrize("name", [*NAMES.values(), "X-Hub-Signature-256", "Authorization"])
def test_the_header_of_another_scheme_is_none(name: str, provider: str) -> None:
    if name != NAMES[provider]:
        assert refused(provider, {name: GOOD[provider]}) == f"there is no header {scheme_of(provider).header}"


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [
        (301, "its time is too old"),
        (300.5, "its time is too old"),
        (86_400, "its time is too old"),
        (-301, "its time is in the future"),
        (-86_400, "its time is in the future"),
    ],
)
def test_a_time_beyond_the_tolerance_is_refused(seconds: float, reason: str) -> None:
    assert refused("stripe", {NAMES["stripe"]: GOOD["stripe"]}, now=AT + seconds) == reason


@given(body=st.binary(max_size=200), place=st.integers(0, 199), bit=st.integers(0, 7), secret=st.text(min_size=1))
def test_any_bit_counts(body: bytes, place: int, bit: int, secret: str) -> None:
    for provider in GOOD:
        scheme = scheme_of(provider)
        header = {scheme.header: sign(scheme, secret, body, AT)}
        assert refusal(scheme, secret, header, body, AT) is None
        if body:
            changed = bytearray(body)
            changed[place % len(body)] ^= 1 << bit
            assert refusal(scheme, secret, header, bytes(changed), AT) == MISMATCH
