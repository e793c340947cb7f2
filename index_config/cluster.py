"""The connection to Elasticsearch and the names of our indices; everybody who talks to it starts here."""

from dataclasses import dataclass
from pathlib import Path

from elastic_transport import TlsError
from elasticsearch import ApiError, Elasticsearch, TransportError

from narrawatch.errors import NarrawatchError
from narrawatch.settings import Settings

ALIASES = (
    "urls",
    "articles",
    "article-versions",
    "fingerprints",
    "narratives",
    "narratives-history",
    "narrative-vectors",
    "flags",
    "verdicts",
    "crawls",
)
PASSAGES = "passages-"
"""How the aliases begin that are made for each encoder, by `index_config.passages`."""


class ClusterError(NarrawatchError):
    """Elasticsearch cannot be reached or refused; the message is one line with the remedy."""


class NobodyAnswers(ClusterError):
    """Nothing listens where Elasticsearch should be."""


@dataclass(frozen=True)
class Cluster:
    """A client, and the prefix of this installation's index names."""

    client: Elasticsearch
    prefix: str

    def name(self, alias: str) -> str:
        """The full name of one of `ALIASES`, or of an encoder's passages, as Elasticsearch knows it."""
        assert alias in ALIASES or alias.startswith(PASSAGES), alias
        return self.prefix + alias


def connect(settings: Settings, *, timeout: float = 60) -> Cluster:
    """Connect lazily: no request is made until one is needed.

    Raises:
        ClusterError: the file in ELASTICSEARCH_CA is not there.
    """
    authentication: dict[str, object] = {}
    if settings.elasticsearch_api_key:
        authentication["api_key"] = settings.elasticsearch_api_key
    elif settings.elasticsearch_user:
        authentication["basic_auth"] = (settings.elasticsearch_user, settings.elasticsearch_password)
    if settings.elasticsearch_ca:
        if not Path(settings.elasticsearch_ca).is_file():
            raise ClusterError(
                f"ELASTICSEARCH_CA={settings.elasticsearch_ca!r} is no file; name the authority's PEM file"
            )
        authentication["ca_certs"] = settings.elasticsearch_ca
    client = Elasticsearch(
        settings.elasticsearch_url,
        request_timeout=timeout,
        retry_on_timeout=True,
        max_retries=3,
        **authentication,  # type: ignore[arg-type]
    )
    return Cluster(client, settings.index_prefix)


def reachable(cluster: Cluster, url: str) -> None:
    """Ask the cluster for its name.

    Raises:
        NobodyAnswers: nothing does.
        ClusterError: it does not let us in, or its certificate cannot be trusted.
    """
    try:
        cluster.client.options(request_timeout=10, max_retries=0).info()
    except ApiError as error:
        raise ClusterError(
            f"Elasticsearch at {url} refused us ({error.status_code}); check ELASTICSEARCH_API_KEY or user and password"
        ) from error
    except TlsError as error:
        raise ClusterError(
            f"Elasticsearch at {url} is not trusted ({error.message}); check ELASTICSEARCH_CA"
        ) from error
    except TransportError as error:
        raise NobodyAnswers(
            f"Elasticsearch at {url} does not answer; start it with `narrawatch up` or set ELASTICSEARCH_URL"
        ) from error


def check_set_up(cluster: Cluster) -> None:
    """Make sure that every index is there; writing to a missing one would create it with guessed types.

    Raises:
        ClusterError: `narrawatch setup` has not been run for this prefix.
    """
    missing = [alias for alias in ALIASES if not cluster.client.indices.exists_alias(name=cluster.name(alias))]
    if missing:
        raise ClusterError(f"index {cluster.name(missing[0])} is missing; create the indices with `narrawatch setup`")
