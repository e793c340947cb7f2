"""Every setting, once: environment variables in, one frozen `Settings` out. No other setting is read anywhere."""

import dataclasses
import getpass
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from narrawatch.errors import NarrawatchError


class SettingError(NarrawatchError):
    """A setting has a value that cannot be used; the message names variable, value and remedy."""


def _setting(env: str, default: str, about: str, *, secret: bool = False) -> Any:
    return field(repr=not secret, metadata={"env": env, "default": default, "about": about, "secret": secret})


def default_cache() -> str:
    """Root's home is closed to the unprivileged user that Elasticsearch runs as, so root caches elsewhere."""
    if os.geteuid() == 0:
        return "/var/cache/narrawatch"
    return str(Path("~/.cache/narrawatch").expanduser())


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one installation is told. Paths are absolute; empty strings mean "not set"."""

    elasticsearch_url: str = _setting(
        "ELASTICSEARCH_URL", "http://127.0.0.1:9200", "where Elasticsearch answers; on loopback `up` starts it there"
    )
    elasticsearch_api_key: str = _setting(
        "ELASTICSEARCH_API_KEY", "", "API key, instead of user and password", secret=True
    )
    elasticsearch_user: str = _setting("ELASTICSEARCH_USER", "", "user name")
    elasticsearch_password: str = _setting("ELASTICSEARCH_PASSWORD", "", "its password", secret=True)
    elasticsearch_ca: str = _setting("ELASTICSEARCH_CA", "", "file with the authority that signed its certificate")
    kibana_url: str = _setting("KIBANA_URL", "", "where Kibana answers; empty: no Kibana")
    kibana_api_key: str = _setting("KIBANA_API_KEY", "", "API key, instead of user and password", secret=True)
    kibana_user: str = _setting("KIBANA_USER", "", "user name")
    kibana_password: str = _setting("KIBANA_PASSWORD", "", "its password", secret=True)
    kibana_ca: str = _setting("KIBANA_CA", "", "file with the authority that signed its certificate")
    home: Path = _setting("NARRAWATCH_HOME", "./var", "WARC files, logs and state")
    cache: Path = _setting("NARRAWATCH_CACHE", "", "downloads that several checkouts share (Elasticsearch, models)")
    outlets: Path = _setting("NARRAWATCH_OUTLETS", "", "folder of outlet files; empty: those that come with Narrawatch")
    index_prefix: str = _setting("NARRAWATCH_INDEX_PREFIX", "narrawatch-", "begins every index name")
    allow_loopback: bool = _setting("NARRAWATCH_ALLOW_LOOPBACK", "0", "1: crawl loopback addresses too (tests, demo)")
    page_seconds: float = _setting(
        "NARRAWATCH_PAGE_SECONDS", "30", "seconds an answer may take; a page with its redirects and retries twice that"
    )
    user_agent_contact: str = _setting(
        "NARRAWATCH_USER_AGENT_CONTACT", "", "web or mail address outlets can reach you at"
    )
    analyst: str = _setting("NARRAWATCH_ANALYST", "", "who decides on flags; empty: the system user")
    encoder: str = _setting(
        "NARRAWATCH_ENCODER",
        "multilingual-e5-small-int8",
        "sentence encoder that compares passages with claims; sentence-transformers:NAME for any other",
    )
    timezone: ZoneInfo = _setting("NARRAWATCH_TIMEZONE", "UTC", "zone in which days and weeks are counted")

    @property
    def warc(self) -> Path:
        return self.home / "warc"

    @property
    def dead_letter(self) -> Path:
        return self.home / "dead-letter"


def _boolean(env: str, text: str) -> bool:
    if text.lower() in {"1", "true", "yes"}:
        return True
    if text.lower() in {"", "0", "false", "no"}:
        return False
    raise SettingError(f"{env}={text!r} is neither yes nor no; set it to 1 or 0")


def _seconds(env: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 3600:
        raise SettingError(f"{env}={text!r} is no number of seconds; set it to one between 0 and 3600")
    return seconds


def _url(env: str, text: str) -> str:
    if "@" in urlsplit(text).netloc:
        who = env.removesuffix("_URL")
        raise SettingError(
            f"{env} holds a password; set {who}_USER and {who}_PASSWORD instead, which are never printed"
        )
    if text and (urlsplit(text).scheme not in {"http", "https"} or not urlsplit(text).hostname):
        raise SettingError(f"{env}={text!r} is no web address; write it like http://127.0.0.1:9200")
    return text.rstrip("/")


def _zone(env: str, text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:  # an unknown name is a KeyError, a folder's name an OSError
        raise SettingError(f"{env}={text!r} is no time zone; use a name like Europe/Kyiv") from error


def _prefix(env: str, text: str) -> str:
    if text and (text != text.lower() or text[0] in "-_+." or set(text) & set('\\/*?"<>| ,#:')):
        raise SettingError(f"{env}={text!r} cannot begin an index name; use lower-case letters, digits and hyphens")
    return text


def _folder(env: str, text: str) -> Path:
    if text:
        return Path(text).expanduser().absolute()
    if env == "NARRAWATCH_OUTLETS":
        return Path(__file__).parents[1] / "crawlers" / "outlets"
    return Path(default_cache())


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in some containers
        return f"uid-{os.getuid()}"


_READERS = {Path: _folder, ZoneInfo: _zone, bool: _boolean, float: _seconds}


def load(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Read the environment (or the mapping given); keyword arguments win over it.

    Raises:
        SettingError: a variable's value cannot be used.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for item in dataclasses.fields(Settings):
        env = item.metadata["env"]
        text = environ.get(env, "").strip() or item.metadata["default"]
        if item.type in _READERS:
            values[item.name] = _READERS[item.type](env, text)
        elif env.endswith("_URL"):
            values[item.name] = _url(env, text)
        else:
            values[item.name] = _prefix(env, text) if env.endswith("_PREFIX") else text
    values["analyst"] = values["analyst"] or _system_user()
    return Settings(**{**values, **{name: value for name, value in overrides.items() if value is not None}})


def describe(settings: Settings, environ: Mapping[str, str] | None = None) -> list[dict[str, str]]:
    """One row a setting: variable, value (secrets masked), source (`environment` or `default`), meaning."""
    environ = os.environ if environ is None else environ
    rows = []
    for item in dataclasses.fields(Settings):
        env, value = item.metadata["env"], getattr(settings, item.name)
        shown = "********" if item.metadata["secret"] and value else str(value)
        source = "environment" if environ.get(env, "").strip() else "default"
        rows.append({"variable": env, "value": shown, "source": source, "about": item.metadata["about"]})
    return rows
