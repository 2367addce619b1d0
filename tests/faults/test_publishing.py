"""What the fault matrix found is published as it was found: in the README, in pictures, and in what reports carry."""

import json
import xml.etree.ElementTree as ET
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from dsaudit.report import detection
from tests.faults import cells, publishing, tables
from tests.faults.cells import State
from tests.faults.counting import survivors
from tests.faults.lines import FIGURES, Clean, LinesError, Mutant, Rival, Trial, read

STORED_TWICE = "storefront/delivery_stored_twice"


def trial(kind: str = STORED_TWICE, seed: int = 1, **told: Any) -> Trial:
    """A planting that was found, at the right rows and for the right cause."""
    given: dict[str, Any] = {
        **{"kind": kind, "blueprint": "datasource", "mode": 42, "how": "caused", "seed": seed, "way": "process"},
        **{"root": "deliveries_stored_twice", "first": "deliveries_stored_twice"},
        **{"must": ["deliveries_stored_twice", "consecutive_duplicate_hashes"], "missed": [], "wrong_rows": []},
        **{"cause": "DUPLICATE", "told": ["DUPLICATE"], "alarms": [], "seconds": 4.2},
    }
    return Trial(**{**given, **told})


GHOST = {
    "mode": 1,
    "root": "refined_missing_at_source",
    "must": ["refined_missing_at_source"],
    "cause": None,
    "told": [],
}
TRIALS = [
    trial(),
    trial(seed=2, way="papermill", told=["UNEXPLAINED"]),
    trial("storefront/ghost_row", 1, **GHOST, first="refined_missing_at_source"),
    trial("storefront/ghost_row", 2, **GHOST, first=None, missed=["refined_missing_at_source"], how="edited"),
    trial("listings/state_unknown", blueprint="partial_import", mode=0, root="states_are_known", cause=None, told=[],
          first="states_are_known", must=["states_are_known"], wrong_rows=["states_are_known"], alarms=["orphans"]),
]  # fmt: skip
CLEAN = [Clean("storefront", "datasource", seed, "process", ["orphans"] if seed == 9 else []) for seed in range(10)]
PLACE = "dsaudit/sql/deduplication/null_hashes.sql:12"
MUTANTS = [
    Mutant("null_hashes", "sql", "drop the where", PLACE, False, ["storefront/key_null"], ""),
    Mutant("null_hashes", "sql", "drop distinct", PLACE, False, [], "no two rows are the same"),
    Mutant("null_hashes", "sql", "limit 0", PLACE, False, [], ""),
    Mutant("api_is_healthy", "python", "flip a comparison", "dsaudit/functions/api.py:7", False, ["clean"], ""),
]
RIVALS = [
    Rival("datacompy 1.1", STORED_TWICE, 1, True, True, 1.5),
    Rival("datacompy 1.1", "storefront/ghost_row", 2, False, False, 0.5),
    Rival("datacompy 1.1", "storefront/clean", 1, False, True, 0.5),
]


def written(folder: Path, **lines: list[Any]) -> Path:
    """Write lines as the runners write them."""
    folder.mkdir(exist_ok=True)
    for name, several in lines.items():
        text = "".join(f"{json.dumps(asdict(one))}\n" for one in several)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    return written(tmp_path / "figures", trials=TRIALS, clean=CLEAN, mutants=MUTANTS, rivals=RIVALS)


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    path = tmp_path / "README.md"
    path.write_text(f"# Ours\n\n{publishing.BEGIN}\nold\n{publishing.END}\n\nAfterwards.\n", encoding="utf-8")
    return path


@pytest.fixture
def page(figures: Path, readme: Path) -> str:
    publishing.publish(figures, readme, readme.with_name("detection.json"))
    return readme.read_text(encoding="utf-8")


def test_what_is_written_by_hand_stays(page: str) -> None:
    assert page.startswith(f"# Ours\n\n{publishing.BEGIN}\n\nMeasured on 20")
    assert page.endswith(f"{publishing.END}\n\nAfterwards.\n") and "\nold\n" not in page


def test_each_rate_stands_with_its_interval(page: str) -> None:
    rate = "3 of 4<br>75.0 %, 30.0 to 95.5 %"
    half = "1 of 2<br>50.0 %, 9.4 to 90.6 %"
    assert (
        f"| datasource | 2 | 4 | {rate} | {rate} | {rate} | {rate} | {half} | 0 of 4<br>0 %, at most 49.0 % |" in page
    )
    assert (
        "| partial_import | 1 | 1 | 1 of 1<br>100 %, at least 20.6 % | 1 of 1<br>100 %, at least 20.6 % | 0 of 1"
        in page
    )
    assert "| all | 3 | 5 | 4 of 5<br>80.0 %, 37.5 to 96.4 % |" in page
    assert "Of 3 kinds, 2 were found in every planting (66.7 %, 95 % interval 20.7 to 93.9 %)." in page
    assert "Plantings: 4 caused, 1 edited; judged in: 1 papermill, 4 process." in page
    assert "| datasource | 10 | 1 of 10<br>10.0 %, 1.7 to 40.5 % |" in page and "| `storefront` | 9 | orphans |" in page


def test_survivors_and_flaws_have_names(page: str) -> None:
    assert "| `storefront/ghost_row` | 2 | refined\\_missing\\_at\\_source did not tell of it |" in page
    assert f"| `{STORED_TWICE}` | 2 | cause told: UNEXPLAINED, not DUPLICATE |" in page
    flaws = "other rows or fields: states\\_are\\_known; fails, and the key does not say so: orphans"
    assert f"| `listings/state_unknown` | 1 | {flaws} |" in page


def test_mutants_are_grouped_by_why_they_survive(page: str) -> None:
    assert "| SQL | 3 | 1 of 3<br>33.3 %, 6.1 to 79.3 % | 1 | 1 |" in page
    assert "| Python | 1 | 1 of 1<br>100 %, at least 20.6 % | 0 | 0 |" in page
    first, second = page.index("1 survivor: no reason is known"), page.index("1 survivor: no two rows are the same")
    assert first < page.index(f"| `null_hashes` | limit 0 | `{PLACE}` |") < second


def test_rivals_stand_beside_dsaudit_on_the_same_plantings(page: str) -> None:
    half = "1 of 2<br>50.0 %, 9.4 to 90.6 %"
    one = "1 of 1<br>100 %, at least 20.6 %"
    assert f"| dsaudit | {half} | {half} | 1 of 10<br>10.0 %, 1.7 to 40.5 % | 4.2 |" in page
    assert f"| datacompy 1.1 | {one} | {half} | 0 of 1<br>0 %, at most 79.4 % | 1.0 |" in page


def test_the_matrix_has_the_worst_of_all_plantings() -> None:
    seen = cells.matrix([*TRIALS[:4], trial("storefront/other", root=None, first=None, must=["null_hashes"], mode=0)])
    assert [row.name for row in seen.rows] == [
        "ghost_row",
        "delivery_stored_twice",
        "other",
    ]  # by mode, none at the end
    assert seen.checks == ["refined_missing_at_source", "deliveries_stored_twice"]
    assert seen.rows[0].cells == {"refined_missing_at_source": State.MISSED}
    assert seen.rows[0].wrong == "× refined_missing_at_source, 1 of 2"
    assert seen.rows[1].cells == {"deliveries_stored_twice": State.ROOT} and seen.rows[1].wrong == ""
    (row,) = cells.matrix([trial(alarms=["orphans"], missed=["consecutive_duplicate_hashes"])]).rows
    assert row.cells == {
        "deliveries_stored_twice": State.ROOT,
        "consecutive_duplicate_hashes": State.MISSED,
        "orphans": State.BESIDE,
    }


def test_the_pictures_name_what_they_show_and_are_the_same_each_time(page: str, figures: Path, readme: Path) -> None:
    pictures = {path.name: path.read_bytes() for path in readme.parent.glob("*.svg")}
    assert set(pictures) == {"matrix.svg", "rivals.svg"} and all(f"]({name})" in page for name in pictures)
    words = {name: "".join(ET.fromstring(text).itertext()) for name, text in pictures.items()}
    for name in ("ghost_row", "× refined_missing_at_source, 1 of 2", "datasource: 2 kinds of faults, 2 checks"):
        assert name in words["matrix.svg"]
    assert "1 of 2; of 1 it can see" in words["rivals.svg"]
    publishing.publish(figures, readme, readme.with_name("detection.json"))
    assert pictures == {path.name: path.read_bytes() for path in readme.parent.glob("*.svg")}
    assert readme.read_text(encoding="utf-8") == page


def test_reports_carry_what_was_found(page: str, readme: Path) -> None:
    found = detection.measured("datasource", readme.with_name("detection.json"))
    assert found is not None and found["is_same_code"]
    names = ("kinds", "plantings", "detected", "named_first", "causes", "right_cause")
    assert {name: found[name] for name in names} == {
        "kinds": 2,
        "plantings": 4,
        "detected": 3,
        "named_first": 3,
        "causes": 2,
        "right_cause": 1,
    }
    assert (found["clean_runs"], found["false_alarms"]) == (10, 1)
    told = "refined_missing_at_source did not tell of it"
    assert found["survivors"] == [{"kind": "storefront/ghost_row", "seed": 2, "what": told}]
    assert found["checks"] == {"deliveries_stored_twice": 1, "refined_missing_at_source": 1}
    assert found["mutants"] == {"sql": {"made": 3, "killed": 1}, "python": {"made": 1, "killed": 1}}


def test_figures_keep_the_day_and_the_code_they_were_measured_with(page: str, figures: Path, readme: Path) -> None:
    carried = readme.with_name("detection.json")
    older = {"measured": "2026-01-02", "version": "0.0.9", "code": "another"}
    carried.write_text(json.dumps({**json.loads(carried.read_text()), **older}), encoding="utf-8")
    publishing.publish(figures, readme, carried)
    assert {name: json.loads(carried.read_text())[name] for name in older} == older
    assert "Measured on 2026-01-02 with dsaudit 0.0.9." in readme.read_text(encoding="utf-8")
    written(figures, trials=TRIALS[:3])
    publishing.publish(figures, readme, carried)
    again = json.loads(carried.read_text())
    assert again["version"] != "0.0.9" and again["blueprints"]["datasource"]["survivors"] == []


def test_without_figures_nothing_is_claimed(readme: Path) -> None:
    carried = readme.with_name("detection.json")
    carried.write_text('{"blueprints": {}}', encoding="utf-8")
    publishing.publish(readme.parent / "figures", readme, carried)
    assert tables.NOTHING_YET in readme.read_text(encoding="utf-8") and "Measured" not in readme.read_text()
    assert not carried.exists() and not [*readme.parent.glob("*.svg")]


@pytest.mark.parametrize(
    ("told", "is_so"),
    [
        ({}, (True, True, True, True)),
        ({"missed": ["consecutive_duplicate_hashes"]}, (True, True, True, True)),
        ({"missed": ["deliveries_stored_twice"]}, (False, False, False, False)),
        ({"wrong_rows": ["deliveries_stored_twice"]}, (True, False, True, True)),
        ({"first": "orphans"}, (True, True, False, True)),
        ({"first": None}, (True, True, False, True)),
        ({"told": ["DUPLICATE", "UNEXPLAINED"]}, (True, True, True, False)),
        ({"cause": None, "told": []}, (True, True, True, False)),
        ({"root": None, "first": None}, (True, True, True, True)),
        ({"root": None, "missed": ["consecutive_duplicate_hashes"]}, (False, False, False, False)),
    ],
)
def test_how_a_planting_came_out(told: dict[str, Any], is_so: tuple[bool, ...]) -> None:
    one = trial(**told)
    found = is_so[0]
    assert (one.is_found, one.has_right_rows, one.is_named_first, one.has_right_cause) == is_so
    assert survivors([one]) == ([] if found else [one])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"kind": "x"}\n', r"trials.jsonl:1: lacks 'blueprint'; it has kind"),
        ('\n{"kind": \n', r"trials.jsonl:2: is no JSON"),
    ],
)
def test_a_line_that_is_none_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "trials.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(LinesError, match=said):
        read(tmp_path)


def test_a_readme_without_a_place_is_named(figures: Path, readme: Path) -> None:
    readme.write_text("# Ours\n", encoding="utf-8")
    with pytest.raises(LinesError, match=r"README.md: has no lines <!-- figures"):
        publishing.publish(figures, readme, readme.with_name("detection.json"))


def test_what_is_published_follows_from_the_figures_that_are_kept(tmp_path: Path) -> None:
    """If this fails, the figures were changed and not published: `python -m tests.faults.publishing`."""
    readme, carried = tmp_path / "README.md", tmp_path / "detection.json"
    readme.write_bytes(publishing.README.read_bytes())
    if detection.FILE.is_file():
        carried.write_bytes(detection.FILE.read_bytes())
    publishing.publish(FIGURES, readme, carried)
    assert readme.read_bytes() == publishing.README.read_bytes()
    assert carried.is_file() is detection.FILE.is_file() is bool(read().trials)
    assert not carried.is_file() or carried.read_bytes() == detection.FILE.read_bytes()
