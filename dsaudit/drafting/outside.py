"""The sections of a draft that speak of what is not in the database: source, code, webhooks, documents."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from dsaudit.catalogue import Provider
from dsaudit.drafting import code as reading
from dsaudit.drafting.code import Told
from dsaudit.drafting.draft import Draft


def put_source(draft: Draft, provider: Provider, told: Told, variable: str) -> None:
    """Set how the source is read; `variable` is what the names of environment variables begin with."""
    if not provider.key:
        draft.ask(
            "source", "how the source is read: rest, files or sql; dsaudit/parameters/source.py explains its keys"
        )
        return
    draft.put("source.kind", "rest")
    known = reading.variables(told)
    if reading.has_account_in_path(told, provider.prefix):
        theirs = [name for name in known if re.search("URL|HOST|API", name) and provider.key.upper() in name]
        hint = f"the code reads {theirs[0]}" if theirs else "the code puts the account behind the address"
        draft.put("source.base_url_env", f"{variable}_API", f"a name for the audit; {hint}")
        draft.put("source.account_path", "{account}")
        draft.variables[f"{variable}_API"] = f"the source's address{f', as {theirs[0]} has it' if theirs else ''}"
    else:
        draft.put("source.base_url", provider.base_url, f"{provider.name}'s own; the code shows no other")
        draft.put("source.account_path", provider.account_path)
    _put_token(draft, known, variable)
    for key, value in provider.source.items():
        if key == "token_header":
            _put_header(draft, str(value), told)
        else:
            draft.put(f"source.{key}", with_version(value, version(provider, told)), provider.doubt("source", key))


def _put_token(draft: Draft, known: list[str], variable: str) -> None:
    own = f"{variable}_TOKEN"
    tokens = [name for name in known if "TOKEN" in name and not re.search("CONTROL|SECRET|WEBHOOK|REFRESH", name)]
    theirs = f"; the code reads {tokens[0]}" if tokens else ""
    draft.put("source.token_env", own, None if own in tokens else f"a name for the audit{theirs}")
    draft.variables[own] = "a token that may only read"


def _put_header(draft: Draft, header: str, told: Told) -> None:
    if header != "Authorization":  # the default
        seen = header in told.texts or told.code is None
        draft.put("source.token_header", header, None if seen else "the catalogue's; the code does not name it")


def version(provider: Provider, told: Told) -> str:
    """Return the version of the API: the code's, else the catalogue's."""
    return told.version or provider.version


def with_version(value: Any, number: str) -> Any:
    """Return a path with the API's version in it."""
    return value.replace("{version}", number) if isinstance(value, str) else value


def put_code(draft: Draft, told: Told, root: Path) -> None:
    """Set where the code is, and how its lists and functions are called."""
    if told.folder is None:
        return
    draft.put("code.folder", shown(told.folder, root))
    if told.scopes is None:
        draft.ask("code", "scopes: the name of the list of OAuth scopes; none was found")
    elif told.scopes[0] != "SCOPES":
        draft.put("code.scopes", told.scopes[0], "the list whose members are scopes")
    if told.topics is None:
        draft.ask("code", "topics: the name of the list of webhook topics; none was found")
    elif told.topics[0] != "topics":
        draft.put("code.topics", told.topics[0], "the list whose members are topics")
    if told.pattern is None:
        draft.ask("code", "sync: a pattern for the names of the sync functions; none was recognised")
    elif told.pattern != "fetch_and_ingest_*":
        draft.put("code.sync", told.pattern, "by the functions' names")
    draft.put("code.migrations", told.migrations)
    draft.put("code.verification_script", told.verification_script, "by its name" if told.verification_script else None)


def put_webhooks(draft: Draft, addresses: list[str]) -> None:
    """Set the pattern of the addresses that should be registered."""
    patterns = sorted({_pattern(address) for address in addresses})
    if patterns:
        whole = patterns[0] if len(patterns) == 1 else f"({'|'.join(patterns)})"
        draft.put("webhooks.address", whole, "what is registered now; see that it is right")


def _pattern(address: str) -> str:
    # re.escape would also escape - and other signs that mean nothing here.
    escaped = re.sub(r"([.+*?()\[\]{}^$|\\])", r"\\\1", address.partition("?")[0])
    return re.sub(r"^(https?://(?:127\\\.0\\\.0\\\.1|localhost)):\d+", r"\1:\\d+", escaped)


def put_documents(draft: Draft, told: Told, given: Path | None, root: Path) -> None:
    """Set the folder of the documents, and which file is which."""
    folder = given or (reading.documents_folder(told.folder) if told.folder else None)
    if folder is None:
        return
    draft.put("documents.folder", shown(folder, root), None if given else "the folder with documents called so")
    files = reading.documents_in(folder)
    for subject in ("integration", "data_model", "api_coverage", "webhook_analysis"):
        if subject in files:
            draft.put(f"documents.files.{subject}", files[subject], "by its name")
        else:
            draft.ask("documents.files", f"{subject}: no file is called so")


def put_monitoring(draft: Draft, told: Told, root: Path) -> None:
    """Set the files of alert rules that lie beside the code."""
    files = [shown(path, root) for path in reading.alert_rules(told.folder)] if told.folder else []
    if files:
        draft.put("monitoring.rules", files if len(files) > 1 else files[0])


def offer_own_tests(draft: Draft, told: Told, root: Path) -> None:
    """Offer the section on the project's own tests where they have left something beside the code."""
    found = reading.test_results(told.folder) if told.folder else {}
    if found and told.folder:
        value = {kind: [shown(path, root) for path in paths] for kind, paths in found.items()}
        section = {**value, "code": shown(told.folder, root)}
        draft.offer("own_tests", section, "left by a run of the tests; the blueprint partial_import judges it")


def shown(folder: Path, root: Path) -> str:
    """Return a folder as the parameter file has it: from the project's root, where it is below it."""
    whole = folder.resolve()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else os.fspath(whole)
