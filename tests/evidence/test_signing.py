"""Signatures and keys: what is signed, which keys are taken, and that nothing of a private one gets out."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dsaudit import evidence
from dsaudit.evidence import manifest, sealing, signing
from dsaudit.evidence.manifest import ManifestError
from dsaudit.evidence.signing import SigningError
from dsaudit.parameters import Parameters, load
from tests.evidence.chains import record
from tests.evidence.conftest import new_key
from tests.run.conftest import Project
from tests.run.test_run import command

PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
PLAIN = serialization.NoEncryption()


def parameters(folder: Path, name: str = "SIGNING_KEY") -> Parameters:
    path = folder / "parameters" / "x.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"integration: x\ndatabase: {{url_env: X_URL}}\nevidence: {{signing_key_env: {name}}}\n")
    return load(path)


def test_what_is_signed_is_the_payload_and_its_type() -> None:
    told = signing.pae("http://example.com/HelloWorld", b"hello world")
    assert told == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"  # the vector of DSSE's specification
    assert signing.pae("é", "é".encode()) == b"DSSEv1 2 \xc3\xa9 2 \xc3\xa9", "lengths are those of bytes"


def test_an_envelope_is_opened_by_its_key_as_its_kind_alone(tmp_path: Path) -> None:
    key, other = (signing.private_key(new_key(tmp_path / name)) for name in "ab")
    text = signing.signed("a/b", {"x": ["ä", 1]}, key)
    opened = signing.opened(text.encode(), "a/b", [other.public_key(), key.public_key()])
    assert (opened.payload, opened.signer, opened.proven) == ({"x": ["ä", 1]}, signing.key_id(key.public_key()), True)
    assert not signing.opened(text.encode(), "a/b", [other.public_key()]).proven
    assert not signing.opened(text.encode(), "a/b", []).proven
    with pytest.raises(ManifestError, match="holds a record of the kind 'a/b', and not 'a/c'"):
        signing.opened(text.encode(), "a/c", [key.public_key()])
    envelope = json.loads(text)
    key.public_key().verify(
        base64.b64decode(envelope["signatures"][0]["sig"]), b'DSSEv1 3 a/b 16 {"x": ["\xc3\xa4", 1]}'
    )


def test_keys_are_taken_as_openssl_and_openssh_write_them(tmp_path: Path) -> None:
    openssh = new_key(tmp_path / "openssh")
    key = signing.private_key(openssh)
    pem = tmp_path / "key.pem"
    pem.write_bytes(key.private_bytes(PEM, PKCS8, PLAIN))
    public = tmp_path / "public.pem"
    public.write_bytes(key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    ids = {signing.key_id(signing.private_key(path).public_key()) for path in (openssh, pem)}
    ids |= {signing.key_id(signing.public_key(path)) for path in (openssh.with_suffix(".pub"), public)}
    assert len(ids) == 1


def test_a_key_is_named_as_ssh_keygen_names_it(tmp_path: Path) -> None:
    (tmp_path / "a.pub").write_text(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGNOgjvfSBftTPNpVVFa2CxraqVCn8GZGYh94Xi2wsAu somebody\n"
    )
    # ssh-keygen -l -f a.pub
    assert signing.key_id(signing.public_key(tmp_path / "a.pub")) == (
        "SHA256:x3+DgI0CONJqNLb8Jdw6ChfplDqG3XPq2Z+HpD9jUZ8"
    )


@pytest.mark.parametrize("form", ["PEM", "OpenSSH"])
def test_the_passphrase_of_a_key_is_asked_for_where_somebody_can_type_it(form: str, tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    lock = serialization.BestAvailableEncryption("pässword".encode())
    kind = PKCS8 if form == "PEM" else serialization.PrivateFormat.OpenSSH
    (tmp_path / "key").write_bytes(key.private_bytes(PEM, kind, lock))
    opened = signing.private_key(tmp_path / "key", ask=lambda: "pässword")
    assert signing.key_id(opened.public_key()) == signing.key_id(key.public_key())
    with pytest.raises(SigningError, match="this is not its passphrase"):
        signing.private_key(tmp_path / "key", ask=lambda: "another")
    with pytest.raises(SigningError, match="which nobody can type here"):
        signing.private_key(tmp_path / "key")


@pytest.mark.parametrize("form", ["path", "text"])
def test_the_variable_holds_the_key_or_its_path(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = new_key(tmp_path / "key")
    monkeypatch.setenv("SIGNING_KEY", str(path) if form == "path" else path.read_text())
    key = signing.signing_key(parameters(tmp_path))
    assert key
    assert signing.key_id(key.public_key()) == signing.key_id(signing.public_key(path.with_suffix(".pub")))


def refusals(folder: Path) -> dict[str, str]:
    """Return what may stand in the variable and is no key to sign by, by the sentence that says so."""
    locked = new_key(folder / "locked", "secret")
    key = Ed25519PrivateKey.generate()
    encrypted = key.private_bytes(PEM, PKCS8, serialization.BestAvailableEncryption(b"secret")).decode()
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(PEM, PKCS8, PLAIN).decode()
    return {
        "SIGNING_KEY is not set; `evidence.signing_key_env` says": " ",
        f"SIGNING_KEY: {locked}: the key has a passphrase": str(locked),
        "SIGNING_KEY: the key has a passphrase": encrypted,
        "SIGNING_KEY: a key of another kind; an Ed25519 key is needed": other,
        "SIGNING_KEY: no private key that can be read": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        "SIGNING_KEY: no key can be read there: No such file": "TUlJRXZRSUJBREFOQmdrcWhraUc5dzBCQVFFRkFBU0NCS2N3",
        f"SIGNING_KEY: {locked}.pub: this is a public key": f"{locked}.pub",
    }


def test_what_is_no_key_to_sign_by_is_refused_and_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for sentence, given in refusals(tmp_path).items():
        monkeypatch.setenv("SIGNING_KEY", given)
        with pytest.raises(SigningError) as error:
            signing.signing_key(parameters(tmp_path))
        assert str(error.value).startswith(sentence)
        assert "\n" not in str(error.value)
        assert "TUlJ" not in str(error.value)


@pytest.mark.parametrize("content", ["ssh-rsa AAAA", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", ""])
def test_what_is_no_public_key_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "x.pub").write_text(content)
    with pytest.raises(SigningError, match="no public key that can be read, in PEM or as OpenSSH writes it"):
        signing.public_key(tmp_path / "x.pub")


def test_check_tells_by_which_key_runs_are_signed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    told = command("check", str(project.ledger.parameters)).output
    assert "signing" in next(line for line in told.splitlines() if line.startswith("– not given: "))
    text = project.ledger.parameters.read_text()
    project.ledger.parameters.write_text(f"{text}\nevidence: {{signing_key_env: SIGNING_KEY}}\n")
    told = command("check", str(project.ledger.parameters)).output
    assert re.search(r"✗ signing: \S+:\d+:\d+: evidence.signing_key_env: SIGNING_KEY is not set; ", told), told
    key = new_key(project.root / "key")
    monkeypatch.setenv("SIGNING_KEY", str(key))
    name = signing.key_id(signing.public_key(key.with_suffix(".pub")))
    assert f"✓ signing: by {name}" in command("check", str(project.ledger.parameters)).output


def test_a_run_that_could_not_be_signed_does_not_begin(project: Project) -> None:
    text = project.ledger.parameters.read_text()
    project.ledger.parameters.write_text(f"{text}\nevidence: {{signing_key_env: NO_SUCH_KEY}}\n")
    done = command("run", str(project.ledger.parameters))
    assert (done.exit_code, done.output.splitlines()[-1].startswith("NO_SUCH_KEY is not set; ")) == (3, True)
    assert not (project.root / "reports").exists()


@pytest.mark.parametrize("form", ["path", "text"])
def test_the_text_of_the_key_is_among_what_is_looked_for(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = new_key(tmp_path / "key")
    monkeypatch.setenv("SIGNING_KEY", str(path) if form == "path" else path.read_text())
    shared = tmp_path / "shared"
    shared.mkdir()
    body = path.read_text().splitlines()[1:-1]
    leaks = {"line.txt": f"x {body[1]} y", "whole.html": "".join(body), "escaped.json": json.dumps(path.read_text())}
    for name, text in {**leaks, "path.txt": str(path), "public.txt": path.with_suffix(".pub").read_text()}.items():
        (shared / name).write_text(text)
    assert evidence.scan(shared, parameters(tmp_path)) == sorted(leaks)


@pytest.mark.parametrize(
    ("decision", "statuses", "told"),
    [
        ("GO", ["pass", "skipped"], "PASSED"),
        ("GO", ["pass", "waived"], "WARNED"),
        ("NO-GO", ["pass", "fail"], "FAILED"),
        ("INCONCLUSIVE", ["pass", "inconclusive"], "FAILED"),
        ("INCONCLUSIVE", ["pass", "error"], "FAILED"),
    ],
)
def test_a_statement_calls_passed_what_was_proven_alone(decision: str, statuses: list[str], told: str) -> None:
    sealed = manifest.Manifest.model_validate(record("a", decision=decision, notebooks={"01_x": "1" * 64}))
    verdicts = [{"check": status, "status": status} for status in statuses]
    predicate = sealing.statement(sealed, "2" * 64, verdicts)["predicate"]
    assert predicate["result"] == told
    assert predicate["passedTests"] == ["pass"]
    assert predicate["warnedTests"] == [one for one in statuses if one == "waived"]
    assert predicate["failedTests"] == [one for one in statuses if one not in ("pass", "waived", "skipped")]
    assert predicate["configuration"][1] == {"name": "datasource/01_x.ipynb", "digest": {"sha256": "1" * 64}}
