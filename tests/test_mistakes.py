"""Each mistake in a file is told in one line, with its place, in our own words."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from dsaudit import catalogue
from dsaudit.parameters import ParameterError, load

SMALL = "integration: small\ndatabase: {url_env: SMALL_URL}\n"
BEGINNINGS = {
    "nothing": "",
    "small": SMALL,
    "order": SMALL + "resources:\n  order:\n    table: orders\n    key: id\n",
    "rest": SMALL + "source:\n  kind: rest\n  base_url: http://x\n",
    "acme": "name: Acme\nresources: {member: {topics: members}}\ntopics: {members: {create: [m.created]}}\n",
    "a provider": "",
}
TABLE = yaml.safe_load((Path(__file__).parent / "mistakes.yml").read_text(encoding="utf-8"))
OF_PROVIDERS = ("acme", "a provider")
PYDANTICS = ("nput should", "tring should", "alid ", "nable to", "ist should", "ictionary")


def rows(is_of_provider: bool) -> list[tuple[str, str]]:
    groups = {group: rows for group, rows in TABLE.items() if (group in OF_PROVIDERS) is is_of_provider}
    return [(BEGINNINGS[group] + text, said) for group, rows in groups.items() for text, said in rows.items()]


def test_the_table_is_in_our_own_words() -> None:
    said = [words for group in TABLE.values() for words in group.values()]
    assert len(said) > 120
    assert not [words for words in said if any(other in words for other in PYDANTICS)]


@pytest.mark.parametrize(("text", "said"), rows(is_of_provider=False))
def test_a_mistake_in_a_parameter_file(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "small.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError) as caught:
        load(path)
    assert one_line(str(caught.value), "small.yml:").startswith(said)


@pytest.mark.parametrize(("text", "said"), rows(is_of_provider=True))
def test_a_mistake_in_a_providers_file(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "acme.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(catalogue.ProviderError) as caught:
        catalogue.load(str(path))
    assert one_line(str(caught.value), "acme.yml:").startswith(said)


def one_line(message: str, name: str) -> str:
    (line,) = message.splitlines()
    return line.partition(name)[2]


def test_a_mistake_on_the_command_line_is_told_there(tmp_path: Path) -> None:
    path = tmp_path / "small.yml"
    path.write_text(SMALL, encoding="utf-8")
    with pytest.raises(ParameterError) as caught:
        load(path, {"policy.latency_seconds": "soon"})
    assert str(caught.value) == "--set policy.latency_seconds: a number is expected, not a text"
