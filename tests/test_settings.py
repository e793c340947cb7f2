"""Every setting is read once, checked, and listed with its source and without its secrets."""

import json
from pathlib import Path

import pytest

from narrawatch.settings import SettingError, describe, load


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ELASTICSEARCH_URL", "localhost:9200"),
        ("NARRAWATCH_ALLOW_LOOPBACK", "perhaps"),
        ("NARRAWATCH_PAGE_SECONDS", "ten"),
        ("NARRAWATCH_PAGE_SECONDS", "nan"),
        ("NARRAWATCH_PAGE_SECONDS", "0"),
        ("NARRAWATCH_TIMEZONE", "Mars/Olympus"),
        ("NARRAWATCH_TIMEZONE", "Europe"),
        ("NARRAWATCH_INDEX_PREFIX", "Narrawatch-"),
        ("NARRAWATCH_INDEX_PREFIX", "_x"),
    ],
)
def test_a_wrong_value_is_named(variable: str, value: str) -> None:
    with pytest.raises(SettingError) as caught:
        load({variable: value})
    assert variable in str(caught.value)
    assert repr(value) in str(caught.value)


def test_defaults_and_overrides(tmp_path: Path) -> None:
    settings = load({"NARRAWATCH_HOME": "somewhere"}, outlets=tmp_path)
    assert settings.home == Path("somewhere").absolute()
    assert settings.outlets == tmp_path
    assert list(load({}).outlets.glob("*.yml"))
    assert load({}).analyst


def test_secrets_are_masked(narrawatch, environ) -> None:
    secret = "k3y-that-nobody-may-see"
    rows = json.loads(narrawatch("settings", "--json", env=environ | {"ELASTICSEARCH_API_KEY": secret}).stdout)
    (row,) = [row for row in rows if row["variable"] == "ELASTICSEARCH_API_KEY"]
    assert (row["value"], row["source"]) == ("********", "environment")
    assert secret not in narrawatch("settings", env=environ | {"KIBANA_PASSWORD": secret}).stdout
    assert secret not in repr(describe(load({"ELASTICSEARCH_PASSWORD": secret})))
    assert secret not in repr(load({"ELASTICSEARCH_PASSWORD": secret})), "a settings object may end up in a log"


def test_an_address_holds_no_password() -> None:
    with pytest.raises(SettingError, match="ELASTICSEARCH_PASSWORD") as caught:
        load({"ELASTICSEARCH_URL": "https://elastic:s3cret@search.example.org:9200"})
    assert "s3cret" not in str(caught.value)


def test_only_settings_read_the_environment() -> None:
    root = Path(__file__).parents[1]
    readers = [
        str(path.relative_to(root))
        for folder in ("crawlers", "processing", "index_config", "review", "narrawatch")
        for path in (root / folder).rglob("*.py")
        if "os.environ.get" in path.read_text() or "os.getenv" in path.read_text()
    ]
    assert readers == []
