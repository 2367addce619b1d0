"""Made-up secrets of many kinds, and the many ways in which a text can hold one. Shares no code with the scanner."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import zipfile
import zlib
from collections.abc import Callable
from urllib.parse import quote, quote_plus

PEM = "\n".join(
    ["-----BEGIN " + "PRIVATE KEY-----"]
    + [base64.b64encode(bytes(range(line, line + 48))).decode() for line in range(0, 192, 24)]
    + ["-----END " + "PRIVATE KEY-----", ""]
)

SECRETS = {
    "SHOPIFY_TOKEN": "shpat_" + "c0ffee0123456789abcdef9876543210",
    "SHOPIFY_SECRET": "shpss_" + "0d15ea5e0d15ea5e0d15ea5e0d15ea5e",
    "HOOK_SECRET": "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "STRIPE_LIVE": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "STRIPE_RESTRICTED": "rk_live_" + "51H8xYzKQpVnMaBcDeFgHiJkL",
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9." + "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "QUICKBOOKS": "AB11" + "732058412903xjQZlK2mVbWrTfSdGhNpLo",
    "SPECIALS": 'p<ss&w"rd/ü+42',
    "QUOTES": "it's \"quoted\" 'twice'",
    "BACKSLASHES": "C:\\new\\table\\x41\\u0042",
    "ESCAPES": "100%25 &amp; %3Cb%3E \\n &#65;",
    "SPACES": "correct horse battery staple",
    "PLUSES": "a+b c+d=e/f==",
    "UNICODE": "Zoë-Ångström-田中-🦊",
    "MARKUP": "<b>bold</b><script>x</script>",
    "TEMPLATE": "{{ 7*7 }}{% raw %}${jndi}",
    "SHORT": "k7#Qz9",
    "NUMBER": "8273645091827364",
    "LONG": "".join(f"{number * 7919 % 100003:05d}x" for number in range(60)),
    "PEM": PEM,
    "TABS": "first\tsecond\r\nthird line",
    "NAMED_URL": "https://hooks.example.com/services/T01/B02/x8Zk2mVbWrTfSdGhNpLo31",
    "DATABASE": "postgresql://reader:s%40fe%2Fp%C3%A4ss%25word@db.example.com:5432/shop",
    "UUID": "8d0f1f6e-3f0a-4c2b-9a55-6b1f4d1c7e90",
}


def picture(kind: bytes, text: bytes) -> bytes:
    """Return a PNG with a text in a chunk of its own."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    held = {
        b"tEXt": b"Title\0" + text,
        b"zTXt": b"Title\0\0" + zlib.compress(text),
        b"iTXt": b"Title\0\1\0en\0Titel\0" + zlib.compress(text),
    }[kind]
    head = (1).to_bytes(4, "big") * 2 + b"\x08\x00\x00\x00\x00"
    chunks = [(b"IHDR", head), (kind, held), (b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def _zipped(text: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("kept.txt", text)
    return content.getvalue()


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _units(value: str) -> str:
    units = value.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


WRITTEN: dict[str, Callable[[str], str | bytes]] = {
    "as it is": lambda value: value,
    "JSON": lambda value: json.dumps({"token": value}),
    "JSON with its own letters": lambda value: json.dumps({"token": value}, ensure_ascii=False),
    "JSON in JSON": lambda value: json.dumps({"body": json.dumps({"token": value})}),
    "JSON in HTML": lambda value: f"<td>{html.escape(json.dumps(value))}</td>",
    "JSON in an attribute": lambda value: f'<td title="{html.escape(json.dumps(value))}">x</td>',
    "JSON in a URL": lambda value: f"?q={quote(json.dumps({'token': value}))}",
    "HTML": lambda value: f"<p>{html.escape(value)}</p>",
    "HTML twice": lambda value: f"<p>{html.escape(html.escape(value))}</p>",
    "HTML in JSON": lambda value: json.dumps({"text/html": f"<p>{html.escape(value)}</p>"}),
    "HTML by numbers": lambda value: "".join(f"&#{ord(sign)};" for sign in value),
    "HTML by hexadecimal numbers": lambda value: "".join(f"&#x{ord(sign):X};" for sign in value),
    "HTML with breaks": lambda value: "<wbr>".join(html.escape(sign) for sign in value),
    "HTML in colours": lambda value: "".join(f'<span class="x">{html.escape(sign)}</span>\n' for sign in value),
    "a terminal's colours": lambda value: "".join(f"\x1b[3{place % 8}m{sign}" for place, sign in enumerate(value)),
    "a URL": lambda value: f"https://example.com/?token={quote(value, safe='')}&x=1",
    "a path": lambda value: f"https://example.com/{quote(value)}/x",
    "a form": lambda value: f"token={quote_plus(value)}&x=1",
    "a URL twice": lambda value: quote(quote(value, safe=""), safe=""),
    "a URL in small letters": lambda value: "".join(f"%{byte:02x}" for byte in value.encode()),
    "a URL in JSON": lambda value: json.dumps({"next": f"https://example.com/?t={quote(value, safe='')}"}),
    "base64": lambda value: _b64(value.encode()),
    "base64, one further": lambda value: _b64(b"x" + value.encode() + b"yz"),
    "base64, two further": lambda value: _b64(b"xy" + value.encode() + b"z"),
    "base64 of URLs": lambda value: base64.urlsafe_b64encode(b"x" + value.encode() + b"yz").decode().rstrip("="),
    "base64 in lines": lambda value: json.dumps(base64.encodebytes(b"user:" + value.encode()).decode()),
    "base64 of JSON": lambda value: _b64(json.dumps({"t": value}).encode()),
    "hex": lambda value: value.encode().hex(),
    "hex in capitals": lambda value: value.encode().hex().upper(),
    "hex in pairs": lambda value: value.encode().hex(" "),
    "repr": lambda value: repr({"token": value}),
    "repr of bytes": lambda value: repr(value.encode()),
    "ascii": lambda value: ascii([value]),
    "ascii in JSON": lambda value: json.dumps(ascii([value])),
    "bytes spelt out": lambda value: "".join(f"\\x{byte:02x}" for byte in value.encode()),
    "units spelt out": _units,
    "units in JSON": lambda value: json.dumps(_units(value)),
    "UTF-16": lambda value: value.encode("utf-16"),
    "UTF-16, the other way": lambda value: value.encode("utf-16-be"),
    "wrapped": lambda value: "\n    ".join(value[at : at + 7] for at in range(0, len(value), 7)),
    "gzip": lambda value: gzip.compress(b"before " + value.encode()),
    "zip": lambda value: _zipped(value.encode()),
    "gzip in base64": lambda value: json.dumps({"body": _b64(gzip.compress(value.encode()))}),
    "a picture's text": lambda value: picture(b"tEXt", value.encode()),
    "a picture's packed text": lambda value: picture(b"zTXt", value.encode()),
    "a picture's text of the world": lambda value: picture(b"iTXt", value.encode()),
    "a picture in a page": lambda value: f'<img src="data:image/png;base64,{_b64(picture(b"zTXt", value.encode()))}">',
    "a binary file": lambda value: b"\x00\xff\xfe\x80" + value.encode() + b"\x00" * 64,
}


def forms(value: str) -> set[bytes]:
    """Return how a value most plainly stands in a file: by these the tests look whether one leaked."""
    texts = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    texts |= {json.dumps(text)[1:-1] for text in texts}
    texts |= {form(text) for text in texts for form in (html.escape, quote, quote_plus)}
    texts |= {json.dumps(text)[1:-1] for text in texts}
    found = {text.encode() for text in texts} | {value.encode().hex().encode()}
    for ahead in range(3):
        whole = base64.b64encode(b"\0" * ahead + value.encode())
        found.add(whole[4 if ahead else 0 : (ahead + len(value.encode())) // 3 * 4])
    return {form for form in found if len(form) > 5}
