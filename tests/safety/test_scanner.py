"""The scanner alone: it finds every secret, however it is written, and accuses nothing else."""

from __future__ import annotations

import base64
import json
import secrets
import time
from pathlib import Path

import pytest

from dsaudit import evidence
from dsaudit.evidence import Secrets
from dsaudit.parameters.models import Parameters
from tests.safety.canaries import PEM, SECRETS, WRITTEN

PARAMETERS = Parameters.model_validate(
    {"path": "acme.yml", "integration": "acme", "database": {"url_env": "ACME_URL"}},
)


def written(value: str, form: str) -> bytes:
    content = WRITTEN[form](value)
    return content if isinstance(content, bytes) else content.encode()


@pytest.mark.parametrize("form", WRITTEN)
def test_every_secret_is_found_in_every_form(form: str) -> None:
    missed = [name for name, value in SECRETS.items() if not Secrets([value]).stand_in(written(value, form))]
    assert missed == [], f"written as {form}"


@pytest.mark.parametrize("form", WRITTEN)
def test_no_other_secret_is_accused(form: str) -> None:
    for name, value in SECRETS.items():
        others = Secrets([other for kind, other in SECRETS.items() if kind != name])
        assert not others.stand_in(written(value, form)), name


def test_there_are_enough_of_both() -> None:
    assert len(SECRETS) >= 20 and len(WRITTEN) >= 20


def test_a_part_of_a_long_secret_is_found() -> None:
    text = json.dumps({"observed": SECRETS["LONG"][:70] + " … 360 characters"})
    assert Secrets([SECRETS["LONG"]]).stand_in(text.encode())
    assert Secrets([PEM]).stand_in(json.dumps(PEM.splitlines()[3]).encode())
    assert not Secrets([PEM]).stand_in(PEM.splitlines()[0].encode())  # every key begins with it


def test_what_is_secret_of_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_URL", "postgresql://ann:p%40ss%2Fword@db.example.com/shop?sslmode=require")
    values = evidence.secret_values(PARAMETERS)
    for secret in ("p@ss/word", "p%40ss%2Fword", base64.b64encode(b"ann:p@ss/word").decode()):
        assert Secrets(values).stand_in(secret.encode()), secret
    for harmless in ("db.example.com", "sslmode=require", "ann", "shop"):
        assert not Secrets(values).stand_in(f"<p>{harmless}</p>".encode()), harmless
    monkeypatch.setenv("ACME_URL", "https://hooks.example.com/sync/orders")
    assert not Secrets(evidence.secret_values(PARAMETERS)).stand_in(b"https://hooks.example.com/sync/orders")


def test_a_key_in_a_file_is_a_secret_and_its_path_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key.pem").write_text(PEM, encoding="utf-8")
    monkeypatch.setenv("ACME_URL", str(tmp_path / "key.pem"))
    found = Secrets(evidence.secret_values(PARAMETERS))
    body = "".join(PEM.splitlines()[1:-1])
    for form in (json.dumps(PEM), body, PEM.splitlines()[2]):
        assert found.stand_in(form.encode())
    assert not found.stand_in(str(tmp_path / "key.pem").encode())


def test_the_key_of_the_masks_is_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DSAUDIT_MASK_KEY", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    found = Secrets(evidence.secret_values(PARAMETERS))
    key = (tmp_path / "dsaudit" / "acme.key").read_bytes()
    for form in (key, key.hex().encode(), base64.b64encode(key), repr(key).encode()):
        assert found.stand_in(b"before " + form + b" after")


def test_a_file_with_a_secret_is_removed_and_the_private_folder_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    (folder / "private").mkdir(parents=True)
    monkeypatch.setenv("ACME_URL", SECRETS["SPECIALS"])
    for name in ("a.txt", "private/a.txt"):
        (folder / name).write_bytes(written(SECRETS["SPECIALS"], "JSON in HTML"))
    (folder / "b.txt").write_text("nothing here", encoding="utf-8")
    assert evidence.scan(folder, PARAMETERS) == ["a.txt"]
    assert {path.name for path in folder.iterdir()} == {"b.txt", "private"} and (folder / "private/a.txt").is_file()


def test_ten_megabytes_take_no_time() -> None:
    """No assertion on how long: what is measured is printed, for the figures that are published."""
    page = b'<td class="ds-number">42</td> &lt;b&gt; {"text": "a line\\n"}'
    content = base64.b64encode(secrets.token_bytes(3_000_000)) + page * 100_000
    found = Secrets(list(SECRETS.values()))
    began = time.process_time()
    assert not found.stand_in(content)
    print(f"{len(content) / 1e6:.1f} MB, {len(SECRETS)} secrets: {time.process_time() - began:.2f} s")


def test_masking_keeps_what_stands_around() -> None:
    found = Secrets([SECRETS["SPECIALS"], SECRETS["SHOPIFY_TOKEN"]])
    node = {"url": f"https://a.example/?t={SECRETS['SHOPIFY_TOKEN']}", "rows": [1, None, f"<{SECRETS['SPECIALS']}>"]}
    assert found.masked(node) == {"url": "https://a.example/?t=***", "rows": [1, None, "<***>"]}
    packed = WRITTEN["gzip in base64"](SECRETS["SPECIALS"])
    assert found.masked([packed, "left"]) == ["***", "left"]
