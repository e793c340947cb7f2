"""Data views, the review queue and the dashboards, put into Kibana.

They stand in `kibana/*.ndjson`, one saved object a line, in the formats Kibana 9.4 reads; newer ones migrate them. To
change one, change it in Kibana, export it, and write `@prefix@` where the index prefix of the installation stood: ids
begin with it too, so that two installations can share a Kibana.
"""

import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from narrawatch.errors import NarrawatchError
from narrawatch.settings import Settings

FOLDER = Path(__file__).parent / "kibana"
PREFIX = "@prefix@"
_SECONDS = 60.0  # a Kibana that has just started takes half of it for its first import


class KibanaError(NarrawatchError):
    """Kibana cannot be reached, does not let us in, or did not take an object; the message is one line."""


@dataclass(frozen=True)
class Imported:
    """How many objects Kibana has now, and the addresses of the dashboards among them by title."""

    count: int
    dashboards: dict[str, str]


def saved_objects(prefix: str) -> list[dict[str, Any]]:
    """Every saved object, for the installation whose index names begin with `prefix`."""
    lines = [line for path in sorted(FOLDER.glob("*.ndjson")) for line in path.read_text("utf-8").splitlines()]
    return [json.loads(line.replace(PREFIX, prefix)) for line in lines]


def import_objects(settings: Settings) -> Imported:
    """Create or overwrite our objects in the default space of the Kibana at `settings.kibana_url`. Safe to repeat.

    Raises:
        KibanaError: it does not answer or does not let us in; or some objects were not taken, and the others were.
    """
    objects = saved_objects(settings.index_prefix)
    body = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects)
    answer = _post(settings, "/api/saved_objects/_import", body)
    if failed := answer.get("errors"):
        reasons = "; ".join(_failure(one) for one in failed)
        raise KibanaError(
            f"Kibana at {settings.kibana_url} did not take {len(failed)} of {len(objects)} objects: {reasons}"
        )
    dashboards = {
        one["attributes"]["title"]: f"{settings.kibana_url}/app/dashboards#/view/{one['id']}"
        for one in objects
        if one["type"] == "dashboard"
    }
    return Imported(int(answer.get("successCount", 0)), dashboards)


def _post(settings: Settings, path: str, body: str) -> dict[str, Any]:
    """Send all objects at once, so that their references to each other are found in whatever order they come."""
    url, headers = settings.kibana_url, {"kbn-xsrf": "narrawatch"}
    if settings.kibana_api_key:
        headers["Authorization"] = f"ApiKey {settings.kibana_api_key}"
    named = settings.kibana_user and not settings.kibana_api_key
    auth = httpx.BasicAuth(settings.kibana_user, settings.kibana_password) if named else httpx.USE_CLIENT_DEFAULT
    try:
        # Proxies of the environment are not used: nothing is but what `narrawatch settings` lists.
        with httpx.Client(verify=_authority(settings.kibana_ca), timeout=_SECONDS, trust_env=False) as client:
            response = client.post(
                url + path,
                params={"overwrite": "true"},
                headers=headers,
                auth=auth,
                files={"file": ("narrawatch.ndjson", body.encode(), "application/ndjson")},
            )
    except httpx.HTTPError as error:
        raise KibanaError(
            f"Kibana at {url} does not answer ({_line(error)}); start it or correct KIBANA_URL"
        ) from error
    return _read(url, response)


def _authority(file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=file or None)
    except (OSError, ssl.SSLError) as error:
        raise KibanaError(f"KIBANA_CA={file!r} cannot be read as certificates ({_line(error)})") from error


def _read(url: str, response: httpx.Response) -> dict[str, Any]:
    if response.status_code in {401, 403}:
        raise KibanaError(
            f"Kibana at {url} refused us ({response.status_code}); check KIBANA_API_KEY, or KIBANA_USER and KIBANA_PASSWORD"
        )
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if response.status_code == 200 and isinstance(answer, dict) and "success" in answer:
        return answer
    if isinstance(answer, dict) and answer.get("message"):
        raise KibanaError(f"Kibana at {url} refused the import ({response.status_code}): {_line(answer['message'])}")
    raise KibanaError(
        f"what answers at {url} ({response.status_code}) is no Kibana that is ready; wait for it or correct KIBANA_URL"
    )


def _failure(one: dict[str, Any]) -> str:
    """An object that was not taken: type, id and why."""
    error = one.get("error", {})
    missing = ", ".join(f"{ref.get('type')} {ref.get('id')}" for ref in error.get("references", ()))
    why = error.get("message") or (f"refers to {missing}, missing" if missing else error.get("type", "no reason given"))
    return f"{one.get('type')} {one.get('id')} ({_line(why)})"


def _line(text: object) -> str:
    return " ".join(str(text).split())[:300]
