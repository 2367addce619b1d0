"""The values of a run's secrets, told wherever they stand and however they are written.

Every shared file is looked through before it stays; executed notebooks are cleaned before they reach the disk.

What is looked for is few: a value as it is, in base64, in hex and in UTF-16. What a value can be wrapped in is many
(JSON in HTML in a URL), so it is the text that is unwrapped, before it is looked through: escapes are decoded, tags,
blanks and backslashes taken out. Archives and the texts inside of pictures are opened.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
import json
import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from dsaudit.evidence.files import below
from dsaudit.parameters import Parameters
from dsaudit.verdict.masking import load_key

SHORTEST_SECRET = 6  # characters; a shorter value would be found by chance
SHORTEST_LINE = 20  # of a value with several lines, such as a key, each line is a secret
LONGEST_PIECE = 64  # of a longer value each piece of so many: a report cuts texts
MOST_UNPACKED = 100_000_000  # bytes of one archive
DEEPEST = 3  # archives in archives
MASKED = "***"

_NAMED = {b"&quot;": b'"', b"&apos;": b"'", b"&lt;": b"<", b"&gt;": b">", b"&nbsp;": b" "}
_NUMBERED = re.compile(rb"&#(?:([0-9]{1,7})|[xX]([0-9a-fA-F]{1,6}));")
_PERCENT = re.compile(rb"%[0-9a-fA-F]{2}(?:%[0-9a-fA-F]{2})*")
_BYTES = re.compile(rb"\\x([0-9a-fA-F]{2})")
_UNITS = re.compile(rb"\\u[0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})*")
_COLOUR = re.compile(rb"\x1b\[[0-9;]*m")
_TAG = re.compile(rb"<[^<>]*>")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]+")
_SIGNS = bytes.maketrans(b"-_", b"+/")  # base64 of URLs as any other
_BLANKS = b"\0 \t\r\n\x0b\x0c"
_PACKED = (b"iVBORw0KGgo", b"H4sI", b"UEsDB")  # how base64 of a picture, of gzip and of zip begins
_WITH_PASSWORD = re.compile(r"\w+://[^/\s]*:[^/\s]*@")
_TELLING = re.compile(r"token|secret|passw|key|sig|auth", re.IGNORECASE)


class Secrets:
    """Values that must not leave, and the two things to do about it: find them, and mask them."""

    def __init__(self, values: list[str]) -> None:
        values = [value for value in dict.fromkeys(values) if len(value) >= SHORTEST_SECRET]
        whole = {needle for value in values for needle in _needles(value)}
        whole |= {_unwrapped(piece.encode()) for value in values for piece in _pieces(value)}
        self._raw = [value.encode(errors="surrogatepass") for value in values]
        self._unwrapped = sorted(needle for needle in whole if len(needle) >= SHORTEST_SECRET)
        spelt = {form for value in values for form in (*_spelt(value), *_pieces(value))}
        self._spelt = sorted(spelt, key=len, reverse=True)

    def stand_in(self, content: bytes, depth: int = 0) -> bool:
        """Return whether one of them stands in a file's content, in whatever form."""
        if any(value in content for value in self._raw):
            return True
        text = _unwrapped(content)
        if any(needle in view for view in (text, _TAG.sub(b"", text)) for needle in self._unwrapped):
            return True
        return depth < DEEPEST and any(self.stand_in(inner, depth + 1) for inner in _inside(content, text))

    def masked(self, node: Any) -> Any:
        """Return JSON with the texts that hold one masked: the value alone or, where it is encoded, the whole text."""
        if isinstance(node, str):
            if not self.stand_in(node.encode(errors="surrogatepass")):
                return node
            for form in self._spelt:
                node = node.replace(form, MASKED)
            return MASKED if self.stand_in(node.encode(errors="surrogatepass")) else node
        if isinstance(node, dict):
            return {self.masked(name): self.masked(value) for name, value in node.items()}
        return [self.masked(one) for one in node] if isinstance(node, (list, tuple)) else node

    def are_in(self, node: Any) -> bool:
        """Return whether one of them stands in JSON, be it over several of its texts."""
        return self.stand_in(json.dumps(node, ensure_ascii=False).encode(errors="surrogatepass"))


def scan(folder: Path, parameters: Parameters) -> list[str]:
    """Look through every shared file of a run for the values of its secrets; remove the files that hold one.

    Returns their names.
    """
    secrets = Secrets(secret_values(parameters))
    leaks = []
    for path in sorted(below(folder)):
        if not path.is_file() or "private" in path.relative_to(folder).parts:
            continue
        if secrets.stand_in(path.read_bytes()):
            leaks.append(path.relative_to(folder).as_posix())
            path.unlink()
    return leaks


def secret_values(parameters: Parameters) -> list[str]:
    """Return the values that must not leave: what the named variables hold, and of it what is a secret by itself.

    That is the password and the tokens of a URL, be it the file's own, the content of a file that is named in the
    value's stead, and the key by which texts are masked.
    """
    values: list[str] = []
    for name in parameters.secrets():
        value = os.environ.get(name, "")
        values += _of_url(value) if "://" in value else [_in_file(value) or value]
    for text in _texts(parameters.model_dump(mode="json")):
        values += _of_url(text) if _WITH_PASSWORD.match(text) else []
    return [*values, load_key(parameters.integration).decode("latin-1")]


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, (dict, list)):
        for one in node.values() if isinstance(node, dict) else node:
            yield from _texts(one)


def _of_url(url: str) -> Iterator[str]:
    """Yield what of a URL is secret; an address without any of it is none."""
    try:
        given = urlsplit(url)
        told = [(name, value) for name, value in parse_qsl(given.query) if _TELLING.search(name)]
    except ValueError:
        yield url
        return
    found = [value for _, value in told]
    user, _, password = given.netloc.rpartition("@")[0].partition(":")
    found += [password, unquote(password)]
    if password:
        found.append(base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode())  # a header's
    if given.scheme in ("http", "https"):
        # An address that only those know who may use it, as chats give it to who posts there.
        found += [part for part in given.path.split("/") if len(part) > 15 and re.search(r"\d", part)]
    yield from found
    if any(found) or given.scheme not in ("http", "https"):
        yield url


def _in_file(value: str) -> str:
    """Return what stands in the file that a value is the path of, such as a key; of any other value, nothing."""
    with contextlib.suppress(OSError, ValueError):
        return Path(value).expanduser().read_text(encoding="utf-8") if value else ""
    return ""


def _needles(value: str) -> Iterator[bytes]:
    """Yield what is looked for in unwrapped text, which spells everything else."""
    forms = [value.encode(errors="surrogatepass"), json.dumps(value)[1:-1].encode(), quote(value, safe="").encode()]
    with contextlib.suppress(UnicodeEncodeError):
        forms.append(value.encode("latin-1"))
    spelt = [*forms, value.replace(" ", "+").encode(errors="surrogatepass"), ascii(value)[1:-1].encode()]
    spelt += [value.encode(form, errors="surrogatepass") for form in ("utf-16-le", "utf-16-be")]
    yield from map(_unwrapped, spelt)
    yield forms[0].translate(_SIGNS, _BLANKS + b"\\")  # torn apart by tags, an escape of its own is none
    for form in dict.fromkeys(forms):
        yield from (form.hex().encode(), form.hex().upper().encode())
        yield from _base64(form)


def _base64(raw: bytes) -> Iterator[bytes]:
    """Yield what of base64 is certain: it depends on where in its groups of three bytes a value starts and ends."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw)
        certain = encoded[-(-8 * offset // 6) : 8 * (offset + len(raw)) // 6]
        if len(certain) > SHORTEST_SECRET:
            yield certain.translate(_SIGNS)


def _pieces(value: str) -> list[str]:
    """Return the lines of a value with several, and the pieces of one that is long."""
    lines = [line for line in value.splitlines() if len(line) >= SHORTEST_LINE and not line.startswith("-----")]
    if len(value.splitlines()) < 2:
        lines = []
    long = [line for line in [*lines, value] if len(line) > LONGEST_PIECE and "\n" not in line]
    cut = [line[at : at + LONGEST_PIECE] for line in long for at in range(0, len(line), LONGEST_PIECE)]
    return [*lines, *(piece for piece in cut if len(piece) >= SHORTEST_LINE)]


def _spelt(value: str) -> Iterator[str]:
    """Yield the forms in which a text most often holds a value, to be replaced one by one."""
    import html

    for form in (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]):
        yield from (form, html.escape(form), html.escape(form, quote=False), quote(form, safe=""), quote_plus(form))
        yield base64.b64encode(form.encode(errors="surrogatepass")).decode()


def _unwrapped(content: bytes) -> bytes:
    """Return content with what wraps text taken off: escapes of JSON, Python, HTML and URLs, colours, blanks."""
    for _ in range(4):  # one in the other
        before = content = content.translate(None, _BLANKS)
        if b"\x1b" in content:
            content = _COLOUR.sub(b"", content)
        while rb"\\" in content:
            content = content.replace(rb"\\", b"\\")
        if b"\\u" in content:
            content = _UNITS.sub(_from_units, content)
        if b"\\x" in content:
            content = _BYTES.sub(lambda found: bytes.fromhex(found[1].decode()), content)
        if b"&" in content:
            content = content.replace(b"&amp;", b"&")
            for name, character in _NAMED.items():
                content = content.replace(name, character)
            content = _NUMBERED.sub(_from_number, content)
        if b"%" in content:
            content = _PERCENT.sub(lambda found: bytes.fromhex(found[0].replace(b"%", b"").decode()), content)
        if content == before:
            break
    for escape in (rb"\n", rb"\r", rb"\t"):
        content = content.replace(escape, b"")
    return content.translate(_SIGNS, _BLANKS + b"\\")


def _from_units(found: re.Match[bytes]) -> bytes:
    units = bytes.fromhex(found[0].replace(rb"\u", b"").decode())
    return units.decode("utf-16-be", errors="surrogatepass").encode(errors="surrogatepass")


def _from_number(found: re.Match[bytes]) -> bytes:
    number = int(found[1]) if found[1] else int(found[2], 16)
    return chr(number).encode(errors="surrogatepass") if number < 0x110000 else found[0]


def _inside(content: bytes, text: bytes) -> Iterator[bytes]:
    """Yield what archives and pictures hold, be they the content itself or stand in its text as base64."""
    yield from _unpacked(content)
    for start in _PACKED:
        at = text.find(start)
        while at >= 0:
            found = _BASE64.match(text, at)
            assert found is not None
            with contextlib.suppress(binascii.Error):
                yield from _unpacked(base64.b64decode(found[0][: len(found[0]) // 4 * 4]))
            at = text.find(start, found.end())


def _unpacked(content: bytes) -> Iterator[bytes]:
    if content.startswith(b"\x1f\x8b"):
        with contextlib.suppress(zlib.error):
            yield zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content, MOST_UNPACKED)
    elif content.startswith(b"PK\x03\x04"):
        broken = (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error, EOFError)
        with contextlib.suppress(*broken), zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist():
                yield member.filename.encode()
                with archive.open(member) as file:
                    yield file.read(MOST_UNPACKED)
    elif content.startswith(b"\x89PNG\r\n\x1a\n"):
        yield from _texts_of_picture(content)


def _texts_of_picture(content: bytes) -> Iterator[bytes]:
    """Yield the chunks of a PNG that are not the picture itself, those that are compressed as text too."""
    at = 8
    while at + 8 <= len(content):
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        chunk = content[at + 8 : at + 8 + length]
        if kind not in (b"IDAT", b"PLTE"):
            yield chunk
        if kind in (b"zTXt", b"iTXt", b"iCCP"):
            for start in (found.end() for found in re.finditer(rb"\0", chunk)):
                for skipped in (0, 1):  # a sign for the method may stand before it
                    with contextlib.suppress(zlib.error):
                        yield zlib.decompressobj().decompress(chunk[start + skipped :], MOST_UNPACKED)
        at += 12 + length
