"""Roles and users in Elasticsearch, each with no more rights than its work needs. Safe to repeat.

    python make_accounts.py SECRETS     the folder that make_secrets.py keeps everything in

`narrawatch` (crawls, matching, `narrawatch setup`) has our indices and nothing else; `narrawatch_setup` may import
into Kibana; `analyst` reads our indices and works in Kibana. Give each person a user of their own with the role
`narrawatch_analyst`. Passwords of services are set to the generated ones; the analyst's only once, people change theirs.
"""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elasticsearch import ApiError, AuthenticationException, Elasticsearch, TransportError

from index_config.cluster import connect
from index_config.failures import cluster_error
from narrawatch import settings
from narrawatch.errors import NarrawatchError

_PATIENCE = 60.0
SERVICES = {"narrawatch": ["narrawatch_service"], "narrawatch_setup": ["kibana_admin"]}
"""Users of programs, with their roles; `kibana_admin` is built in."""


def roles(prefix: str) -> Mapping[str, Mapping[str, Any]]:
    """Our roles, for indices that begin with this.

    Raises:
        NarrawatchError: nothing tells our indices from other ones.
    """
    if not prefix:
        raise NarrawatchError("NARRAWATCH_INDEX_PREFIX is empty, which would give rights on every index; set one")
    return {
        "narrawatch_service": {
            # Migrations end a copy that was cut short, which is a right of its own.
            "cluster": ["monitor", "cluster:admin/tasks/cancel"],
            "indices": [{"names": [f"{prefix}*"], "privileges": ["all"]}],
        },
        "narrawatch_analyst": {
            "indices": [{"names": [f"{prefix}*"], "privileges": ["read", "view_index_metadata"]}],
            "applications": [
                {"application": "kibana-.kibana", "privileges": ["space_all"], "resources": ["space:default"]}
            ],
        },
    }


def create(client: Elasticsearch, prefix: str, secrets: Path) -> None:
    """Bring roles and users to what this file says.

    Raises:
        ApiError, TransportError: Elasticsearch refused, or did not answer, for a minute.
        NarrawatchError: the prefix cannot be used.
    """
    _wait(client)
    for role, rights in roles(prefix).items():
        client.security.put_role(name=role, **rights)
    client.security.change_password(username="kibana_system", password=_secret(secrets, "kibana_system"))
    for user, has in SERVICES.items():
        client.security.put_user(username=user, password=_secret(secrets, user), roles=has)
    if "analyst" not in client.security.get_user():
        client.security.put_user(
            username="analyst",
            password=_secret(secrets, "analyst"),
            roles=["narrawatch_analyst"],
            full_name="Analyst",
        )


def _wait(client: Elasticsearch) -> None:
    """Wait until it lets us in: a node that has just started answers, and refuses every user with 401 for a while."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            client.options(max_retries=0).cluster.health(wait_for_status="yellow", timeout="5s")
        except (ApiError, TransportError):
            if time.monotonic() > deadline:
                raise
            time.sleep(1)
        else:
            return


def _secret(secrets: Path, user: str) -> str:
    return (secrets / f"{user}_password").read_text("ascii")


def main(secrets: Path) -> None:
    chosen = settings.load(elasticsearch_user="elastic", elasticsearch_password=_secret(secrets, "elastic"))
    with connect(chosen).client as client:
        try:
            create(client, chosen.index_prefix, secrets)
        except AuthenticationException as error:
            raise NarrawatchError(
                f"Elasticsearch at {chosen.elasticsearch_url} does not know the generated password of `elastic`: its "
                "data is from another installation, or the password was changed. Set it to the one that "
                "`docker compose run --rm secrets show` prints: "
                "docker compose exec elasticsearch bin/elasticsearch-reset-password -i -u elastic"
            ) from error
        except (ApiError, TransportError) as error:
            raise cluster_error(error, "making users") from error
    print(f"users {', '.join((*SERVICES, 'analyst'))}: as they should be")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except (NarrawatchError, OSError) as problem:
        sys.exit(f"make_accounts: {problem}")
