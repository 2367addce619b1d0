"""Checks are found by name and parsed with care: a mistake in a header is an error with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsaudit.checks import CheckError, all_checks, own_checks
from dsaudit.checks.finding import parse_functions, parse_query
from dsaudit.checks.planning import HAVING
from dsaudit.parameters.resource import Relation, Resource

WHOLE = """\
-- title: A claim
-- why: a reason
-- requirement: X1
-- severity: high
-- key: source_id
-- scope: tenant
-- examined: select tenant, count(*) as examined
--   from {raw} as r group by 1
select tenant, source_id from {raw} as r order by 1
"""


def written(tmp_path: Path, text: str, name: str = "a_claim") -> Path:
    path = tmp_path / f"{name}.sql"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_whole_check_is_read(tmp_path: Path) -> None:
    check = parse_query(written(tmp_path, WHOLE))
    assert (check.name, check.headers["title"], check.scope, check.slots) == ("a_claim", "A claim", ["tenant"], {"raw"})
    assert check.examined == "select tenant, count(*) as examined from {raw} as r group by 1"


@pytest.mark.parametrize(
    ("change", "to", "message"),
    [
        ("-- title: A claim\n", "", "lacks the header 'title'"),
        ("-- why:", "-- wy:", ":2: unknown header 'wy'"),
        ("-- severity: high", "-- severity: huge", "severity 'huge' is none of"),
        ("-- key: source_id", "-- title: again", "stands here a second time"),
        ("-- scope: tenant", "-- each: row", "each 'row' is neither"),
        ("from {raw} as r order", "from {rawr} as r order", "{rawr} is no relation"),
        ("select tenant, source_id", "delete from x; select 1", "a check is one select"),
        ("order by 1", "order by 1;select 2", "a check is one select"),
        ("source_id from", "source_id like 'a%' from", "a bare % is taken for a parameter"),
    ],
)
def test_a_mistake_is_named_with_its_file(tmp_path: Path, change: str, to: str, message: str) -> None:
    with pytest.raises(CheckError, match=r"a_claim\.sql:\d+") as caught:
        parse_query(written(tmp_path, WHOLE.replace(change, to)))
    assert message in str(caught.value)


def test_a_check_that_examines_nothing_is_refused(tmp_path: Path) -> None:
    text = "\n".join(line for line in WHOLE.splitlines() if "examined" not in line and "--   from" not in line)
    with pytest.raises(CheckError, match="no `-- examined:` header"):
        parse_query(written(tmp_path, text))


def test_a_name_that_exists_is_never_overridden(tmp_path: Path) -> None:
    name = next(iter(all_checks()))
    written(tmp_path, WHOLE, name)
    with pytest.raises(CheckError, match=f"a check named {name} exists already"):
        own_checks(tmp_path)


def test_an_own_check_cannot_declare_its_own_columns_harmless(tmp_path: Path) -> None:
    written(tmp_path, "-- show: email\n" + WHOLE)
    with pytest.raises(CheckError, match="a check of your own has no `show`"):
        own_checks(tmp_path)


def test_a_function_check_is_read_and_not_imported(tmp_path: Path) -> None:
    path = tmp_path / "subject.py"
    path.write_text(
        'raise SystemExit("imported")\n\ndef claim(audit):\n    """A claim.\n\n    why: a reason\n'
        '    requirement: X1\n    severity: low\n    key: name\n    """\n\ndef _helper():\n    pass\n',
        encoding="utf-8",
    )
    (check,) = parse_functions(path)
    assert (check.name, check.subject, check.headers["title"]) == ("claim", "subject", "A claim")


def test_every_check_of_ours_is_whole() -> None:
    for check in all_checks().values():
        assert not check.headers["title"][0].islower() and not check.headers["title"].endswith(".")
        assert set(check.listed("explains")) <= set(all_checks()), f"{check.name} explains a check that does not exist"


def test_no_check_explains_itself_round_a_circle() -> None:
    explains = {name: check.listed("explains") for name, check in all_checks().items()}

    def reached(name: str, path: tuple[str, ...]) -> None:
        for other in explains[name]:
            assert other not in path, f"{' explains '.join((*path, other))}"
            reached(other, (*path, other))

    for name in explains:
        reached(name, (name,))


def test_what_a_check_asks_of_the_file_is_a_key_there_or_is_told_in_words() -> None:
    asked = {one.headers["having"] for one in all_checks().values() if "having" in one.headers}
    keys = {*Resource.model_fields, *Relation.model_fields}
    assert asked - keys == set(HAVING)
