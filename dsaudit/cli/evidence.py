"""Commands on the evidence of a run: hold it against its seal, and sign it off."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dsaudit.cli.options import FOLDER

KEY = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("run_folder", metavar="RUN", type=FOLDER)
@click.option("--key", "keys", multiple=True, type=KEY, help="A public key that has to have signed; may be repeated.")
@click.option("--seal", metavar="DIGEST", help="The seal that the run printed when it ended.")
def verify(run_folder: Path, keys: tuple[Path, ...], seal: str | None) -> None:
    """Say whether RUN is as it was sealed: offline, and judged and rendered again from its executed notebooks.

    Exit status: 0 intact, 1 refused, 2 it cannot be told whole, 3 this is no folder of a run.
    """
    from dsaudit.evidence import signing
    from dsaudit.evidence.verifying import verify
    from dsaudit.run.execute import prepare_imports

    if seal is not None and not seal.strip():
        raise click.UsageError("--seal is empty: give the seal that the run printed")
    prepare_imports()
    found = verify(run_folder, [signing.public_key(path) for path in keys], (seal or "").strip())
    word, colour = {0: ("intact", "green"), 1: ("REFUSED", "red"), 2: ("NOT WHOLE", "yellow")}[found.exit]
    click.echo(f"{click.style(word, fg=colour, bold=True)}  {run_folder}")
    for sign, lines in (("✗", found.problems), ("?", found.unknown), ("✓", found.proven), ("–", found.remarks)):
        for line in lines:
            click.echo(f"{sign} {line}")
    sys.exit(found.exit)


@click.command(name="sign-off")
@click.argument("run_folder", metavar="RUN", type=FOLDER)
@click.option("--approve/--reject", "approve", default=None, help="What is said of it.")
@click.option("--note", required=True, help="Why; a sentence.")
@click.option("--by", required=True, metavar="NAME", help="Who says it.")
@click.option("--key", required=True, type=KEY, help="The private key of who says it: Ed25519, PEM or OpenSSH.")
@click.option("--done", multiple=True, metavar="TEXT", help="An item that was left to a person; may be repeated.")
def sign_off(run_folder: Path, approve: bool | None, note: str, by: str, key: Path, done: tuple[str, ...]) -> None:
    """Approve or reject RUN, signed and bound to its seal; the record is written into its folder `signoff`.

    RUN is verified first. Only one that ended GO can be approved.
    """
    from dsaudit.evidence import signing
    from dsaudit.evidence.signing_off import Given, sign_off
    from dsaudit.run.execute import prepare_imports

    if approve is None:
        raise click.UsageError("say --approve or --reject")
    prepare_imports()
    ask = (lambda: str(click.prompt(f"Passphrase of {key}", hide_input=True))) if sys.stdin.isatty() else None
    path, made = sign_off(run_folder, Given(approve, by, note, done), signing.private_key(key, ask=ask))
    click.echo(f"{made.words}\nwritten to {path}")
