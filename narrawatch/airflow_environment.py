"""What the local Airflow is told: its settings as environment variables, and the secrets it keeps in its folder."""

import base64
import dataclasses
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from narrawatch.settings import Settings

HOST = "127.0.0.1"
USER = "admin"
CRAWL_POOL, MATCH_POOL = "narrawatch_crawl", "narrawatch_match"
DAGS = Path(__file__).parents[1] / "dags"
_PASSWORDS = "passwords.json"


@dataclass(frozen=True)
class Secrets:
    """Made once, so that logins and running tasks outlive a restart."""

    password: str
    jwt: str
    session: str
    fernet: str


def load_secrets(folder: Path) -> Secrets:
    """Read the folder's secrets, or make them; only their owner can read the file.

    Raises:
        OSError, ValueError, TypeError: the file cannot be read or written, or is damaged.
    """
    path = folder / "secrets.json"
    if path.exists():
        return Secrets(**json.loads(path.read_text("utf-8")))
    made = Secrets(
        password=secrets.token_urlsafe(12),
        jwt=secrets.token_urlsafe(64),  # Airflow signs with HS512, whose keys have 64 bytes or more
        session=secrets.token_urlsafe(64),
        fernet=base64.urlsafe_b64encode(os.urandom(32)).decode(),
    )
    write_private(path, dataclasses.asdict(made))
    return made


def write_private(path: Path, content: Any) -> None:
    """Write JSON that only its owner can read."""
    temporary = path.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    with open(temporary, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        json.dump(content, file)
    temporary.replace(path)


def environment(settings: Settings, folder: Path, port: int, kept: Secrets) -> dict[str, str]:
    """The whole environment of Airflow's processes, and so of our commands in them.

    What must be as we say is set over the caller's environment, what is a matter of taste below it.
    """
    write_private(folder / _PASSWORDS, {USER: kept.password})
    return {
        **_preferred(),
        **os.environ,
        **_ours(settings),
        **_fixed(folder, port, kept),
        **_no_proxy(os.environ),
    }


def _preferred() -> dict[str, str]:
    return {
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "60",
        "AIRFLOW__CORE__PARALLELISM": str(_slots() + 2),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",  # seconds until a new file is seen; 300 without this
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__API__INSTANCE_NAME": "Narrawatch",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
    }


def _fixed(folder: Path, port: int, kept: Secrets) -> dict[str, str]:
    url = f"http://{HOST}:{port}"
    return {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / _PASSWORDS),
        "AIRFLOW__CORE__FERNET_KEY": kept.fernet,
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # the default asks the name server
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__SECRET_KEY": kept.session,
        "AIRFLOW__API_AUTH__JWT_SECRET": kept.jwt,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "logs"),
        "AIRFLOW__NARRAWATCH__CRAWL_POOL": CRAWL_POOL,
        "AIRFLOW__NARRAWATCH__MATCH_POOL": MATCH_POOL,
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",  # it, too, would listen at all addresses
    }


def _ours(settings: Settings) -> dict[str, str]:
    """Our settings as they are now: tasks run in another folder, where relative paths would lead elsewhere."""
    values = {item.metadata["env"]: getattr(settings, item.name) for item in dataclasses.fields(settings)}
    return {env: ("01"[value] if isinstance(value, bool) else str(value)) for env, value in values.items()}


def _no_proxy(environ: Mapping[str, str]) -> dict[str, str]:
    """Tasks talk to the API on loopback, which no proxy can reach for them."""
    given = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    value = ",".join([*filter(None, given.split(",")), HOST, "localhost"])
    return {"no_proxy": value, "NO_PROXY": value}


def pools() -> dict[str, dict[str, Any]]:
    """As `airflow pools import` reads them."""
    return {
        CRAWL_POOL: {"slots": _slots(), "description": "crawls and text extraction", "include_deferred": False},
        MATCH_POOL: {"slots": 1, "description": "matching, one sweep at a time", "include_deferred": False},
    }


def _slots() -> int:
    return max(2, (os.cpu_count() or 1) // 2)
