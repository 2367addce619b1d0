"""Holds a run's folder against its seal, its notebooks, its signature and the runs beside it, offline.

Every problem is found and named in a line of its own. What was not proven is said as plainly as what was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsaudit.evidence import chain, manifest, rejudging, sealing, signing, signing_off
from dsaudit.evidence.manifest import RESULT, RUN, Manifest, ManifestError
from dsaudit.evidence.provenance import renderer
from dsaudit.verdict.card import THIN_SPACE, plural, visible

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Record = dict[str, Any]
SHORTEST_SEAL = 16
LONGEST_LINE = 1000
UNSIGNED = "unsigned: this guards against mistakes, not against somebody who rewrites everything"
TAKEN = "taken as told by result.json: plan, terms, parameters, detection rate, and what it says of earlier runs"


class VerifyError(Exception):
    """The folder is none of a run, or cannot be read; the message is one line."""


@dataclass
class Found:
    """What became of it: `problems` refuse the run, `unknown` is what could not be told."""

    problems: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    proven: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def exit(self) -> int:
        """0 intact, 1 refused, 2 cannot be told whole."""
        return 1 if self.problems else 2 if self.unknown else 0


def verify(folder: Path, keys: Sequence[Ed25519PublicKey] = (), seal: str = "") -> Found:
    """Return what is wrong with a run's folder, what could not be told, and what was proven.

    With `keys`, one of them has to have signed the run; with `seal`, that has to be its manifest's digest, or the
    beginning of it.

    Raises
    ------
    VerifyError
        This is no folder of a run.
    """
    if not (folder / manifest.NAME).exists() and not (folder / RESULT).exists():
        raise VerifyError(f"{folder}: this is no folder of a run: it has no {manifest.NAME}")
    found = Found()
    _verify(folder, keys, seal, found)
    for lines in (found.problems, found.unknown, found.proven, found.remarks):
        lines[:] = [visible(line, LONGEST_LINE, keep=THIN_SPACE) for line in lines]  # names in it may be anybody's
    return found


def _verify(folder: Path, keys: Sequence[Ed25519PublicKey], seal: str, found: Found) -> None:
    try:
        text = manifest.content(folder / manifest.NAME)
        sealed = manifest.parsed(text)
    except ManifestError as error:
        found.problems.append(f"{manifest.NAME}: {error}")
        return
    link = chain.Link(folder, sealed, manifest.sha256(text))
    if seal and not (len(seal) >= SHORTEST_SEAL and link.sha256.startswith(seal.lower())):
        found.problems.append(f"{manifest.NAME}: its seal is {chain.short(link.sha256)}, and not {seal}")
    changed = _files(link, found)
    result = _result(link, found)
    if result is not None:
        _content(link, result, changed, found)
    is_signed_off = _signed_off(link, result, keys, found)
    _statement(link, result, keys, is_signed_off, found)
    _chain(link, found)
    _clock(link, found)


def _files(link: chain.Link, found: Found) -> set[str]:
    """Hold each file against the manifest, and return the names of those that are not as it says."""
    there = dict(sealing.shared(link.folder))
    listed = link.manifest.files
    problems: dict[str, str] = {}
    gone = [name for name in listed if name not in there]
    for name, path in there.items():
        if path.is_symlink() or not path.is_file():
            problems[name] = "is not a regular file"
        elif name not in listed:
            problems[name] = "was added: the manifest does not list it"
        elif (size := path.stat().st_size) != listed[name].bytes:
            problems[name] = f"was changed: it has {size:,} bytes, and had {listed[name].bytes:,}"
        elif manifest.sha256(path.read_bytes()) != listed[name].sha256:
            problems[name] = "was changed: its digest is another"
    if (link.folder / manifest.PRUNED).exists() and RESULT in gone:  # else its private folder alone
        if gone:
            found.unknown.append(
                f"pruned: {plural(len(gone), 'file')} of the run are gone, and nothing is told of them"
            )
    else:
        problems |= dict.fromkeys(gone, "is missing")
    found.problems += [f"{name}: {problems[name]}" for name in sorted(problems)]
    if not problems and not gone:
        found.proven.append(f"{plural(len(listed), 'file')}, and no other, as the manifest lists them")
    return {*problems, *gone}


def _result(link: chain.Link, found: Found) -> Record | None:
    """Return what result.json holds, or None where it cannot be held against anything."""
    path = link.folder / RESULT
    if RESULT not in link.manifest.files:
        found.problems.append(f"{RESULT}: the manifest does not list it")
        return None
    if not path.exists():
        return None  # it is missed already
    try:
        result = manifest.strict_json(manifest.content(path))
        if not isinstance(result, dict):
            raise ManifestError("is not a result")
    except ManifestError as error:
        found.problems.append(f"{RESULT}: {error}")
        return None
    return result


def _content(link: chain.Link, result: Record, changed: set[str], found: Found) -> None:
    """Hold the result against manifest and notebooks, and the pages against both."""
    listed = [name for name in link.manifest.files if name not in changed]
    removed = [name for name in result.get("leaks") or [] if str(name).endswith(".ipynb")]
    if removed:
        found.unknown.append(f"not judged again: a secret stood in {removed[0]}, which was removed")
        return
    found.problems += _told(lambda: _disagreements(link, result), "cannot be read as a result")
    lines = _told(lambda: rejudging.against(link.folder, result, listed), "cannot be judged again")
    is_judged = not lines
    notebooks = [f"phases/{one}.ipynb" for one in link.manifest.notebooks]
    if {RESULT, *notebooks} & changed:
        found.remarks.append("not rendered again: what the pages are made from was changed")
    elif result.get("leaks"):
        found.unknown.append("not rendered again: a secret stood in the evidence, and files were removed")
    else:
        made = _told(lambda: rejudging.rendered(link.folder, result, listed), "cannot be rendered again")
        lines += [line for line in made if line.partition(": ")[0] not in changed]
        if not made:
            found.proven.append("pages and exports are what follows from result and notebooks")
    if is_judged:
        told = plural(len(result["verdicts"]), "verdict")
        found.proven.append(f"the decision {result['decision']} and {told} follow from the executed notebooks")
    other = _other_code(link.manifest)
    if lines and other:
        found.unknown.append(f"made by other code ({other}): what follows is not held against the run")
        found.unknown += lines
    else:
        found.problems += lines
    found.remarks.append(TAKEN)


def _told(lines: Callable[[], Iterator[str]], otherwise: str) -> list[str]:
    """Return the lines, and one more where they end early: whatever is in a file that anybody may have written."""
    told: list[str] = []
    try:
        told.extend(lines())
    except ManifestError as error:
        told.append(f"{RESULT}: {error}")
    except Exception as error:
        told.append(f"{RESULT}: {otherwise}: {type(error).__name__}")
    return told


def _other_code(sealed: Manifest) -> str:
    """Return in what the code that made a run is another than this, or nothing."""
    here = renderer()
    told = [
        f"{name} {sealed.renderer.get(name)}, here {here.get(name)}"
        for name in sorted({*here, *sealed.renderer} - {"code"})
        if sealed.renderer.get(name) != here.get(name)
    ]
    is_other = sealed.renderer.get("code") != here["code"]
    return ", ".join([*(["another dsaudit"] if is_other else []), *told])


def _disagreements(link: chain.Link, result: Record) -> Iterator[str]:
    follows = sealing.facts(result)
    sealed = link.manifest.model_dump(by_alias=True)
    for name, value in follows.items():
        if sealed[name] != value:
            yield f"{RESULT}: its `{name}` is not the manifest's"


def _statement(
    link: chain.Link, result: Record | None, keys: Sequence[Ed25519PublicKey], is_signed_off: bool, found: Found
) -> None:
    path = link.folder / manifest.STATEMENT
    if not path.exists() and not path.is_symlink():
        if _names_a_key(result):
            found.problems.append(f"{manifest.STATEMENT}: is missing: the run's parameter file names a key to sign by")
        elif is_signed_off:
            found.remarks.append("unsigned when it ended: what a key proves is that it is as it was signed off")
        elif keys:
            found.problems.append(f"{manifest.STATEMENT}: is missing: no key has signed the run, and one was given")
        else:
            found.remarks.append(UNSIGNED)
        return
    try:
        opened = signing.opened(manifest.content(path), sealing.IN_TOTO, keys)
        _of_this_run(opened.payload, link, result)
    except ManifestError as error:
        found.problems.append(f"{manifest.STATEMENT}: {error}")
        return
    if opened.proven:
        found.proven.append(f"signed by {opened.signer}")
    elif keys:
        found.problems.append(f"{manifest.STATEMENT}: is signed by {opened.signer}, which is none of the keys given")
    else:
        found.remarks.append(f"signed by {opened.signer}, which is not proven: give its public key with --key")
        found.remarks.append(UNSIGNED.replace("unsigned", "without a key"))


def _names_a_key(result: Record | None) -> bool:
    try:
        return bool(result and result["parameters"]["values"].get("evidence", {}).get("signing_key_env"))
    except (KeyError, TypeError, AttributeError):
        return False


def _of_this_run(payload: Any, link: chain.Link, result: Record | None) -> None:
    if not isinstance(payload, dict) or payload.get("predicateType") != sealing.PREDICATE:
        raise ManifestError(f"is no statement of the type {sealing.PREDICATE}")
    if payload.get("subject") != [{"name": manifest.NAME, "digest": {"sha256": link.sha256}}]:
        raise ManifestError("is of another manifest")
    try:
        follows = result and sealing.statement(link.manifest, link.sha256, result["verdicts"])
    except (KeyError, TypeError):
        return  # a result that is broken is told already
    if follows and payload != follows:
        raise ManifestError("says something else of the run than its result")


def _chain(link: chain.Link, found: Found) -> None:
    named = link.manifest.previous
    own = link.manifest.run
    if link.folder.resolve().name != own.id:
        words = f"this folder is called {link.folder.resolve().name}, and holds the run {own.id}"
        (found.problems if RUN.fullmatch(link.folder.resolve().name) else found.remarks).append(words)
    beside = [
        one
        for one in chain.links(link.folder.resolve().parent)
        if one.run != link.run and one.manifest.run.integration == own.integration
    ]
    if named is None:
        found.remarks.append("the first of its chain: it follows no run")
    elif (before := next((one for one in beside if one.run == named.run), None)) is None:
        found.remarks.append(f"the run that it follows, {named.run}, is not beside it")
    else:
        faults = [*chain.between(link, named, before)]
        found.problems += [f"chain: {fault.words}" for fault in faults]
        if not faults:
            found.proven.append(f"number {link.manifest.number} of its chain, after {named.run}")
    for one in beside:
        told = one.manifest.previous
        if told and told.run == link.run and told.sha256 != link.sha256:
            words = f"{one.run} beside it followed this run when its seal was {chain.short(told.sha256)}"
            found.problems.append(f"chain: {words}, and now is {chain.short(link.sha256)}")


def _clock(link: chain.Link, found: Found) -> None:
    run = link.manifest.run
    started, ended, sealed = map(datetime.fromisoformat, (run.started, run.ended, link.manifest.sealed))
    if ended < started:
        found.problems.append(f"clock: the run ended before it started: {run.ended}, {run.started}")
    if sealed < ended - chain.CLOCKS:
        found.problems.append(f"clock: the run was sealed before it ended: {link.manifest.sealed}, {run.ended}")


def _signed_off(link: chain.Link, result: Record | None, keys: Sequence[Ed25519PublicKey], found: Found) -> bool:
    """Hold each sign-off against the run, and return whether a key has proven one."""
    done: set[str] = set()
    is_proven = False
    for name, opened in signing_off.read(link.folder, keys):
        if isinstance(opened, ManifestError):
            found.problems.append(f"{name}: {opened}")
            continue
        off: signing_off.SignOff = opened.payload
        if off.manifest != link.sha256 or off.run != link.run:
            found.problems.append(f"{name}: is of another run, or of this one before it was changed")
            continue
        words = f"{off.words}, signed by {opened.signer}"
        if opened.proven:
            done |= {*off.done}
            is_proven = True
            found.proven.append(words)
        elif keys:
            found.unknown.append(f"{words}, which is none of the keys given: give it with --key")
        else:
            found.remarks.append(f"{words}, which is not proven: give its public key with --key")
    for item in signing_off.manual(result):
        if item not in done:
            found.remarks.append(f"open, for a person to do: {item}")
    return is_proven
