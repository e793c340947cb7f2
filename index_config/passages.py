"""The indices of passages' vectors: one for each encoder, made when it is first used, since sizes differ with encoders."""

import datetime as dt
import hashlib
import json
import re
from typing import Any

from elasticsearch import ApiError, BadRequestError, TransportError

from index_config.cluster import PASSAGES, Cluster
from index_config.failures import cluster_error
from index_config.mappings import FOLDER


def passages_alias(encoder: str) -> str:
    """The alias of an encoder's passages. Names that Elasticsearch would not take are written otherwise, with a hash."""
    plain = re.sub(r"[^a-z0-9._]+", "-", encoder.lower())
    if plain == encoder:
        return PASSAGES + plain
    return f"{PASSAGES}{plain[:100]}-{hashlib.sha256(encoder.encode()).hexdigest()[:8]}"


def open_passages(cluster: Cluster, encoder: str, dimensions: int, now: dt.datetime) -> dt.datetime:
    """Make the index if it is not there; returns since when it has been. Articles matched before that are not in it.

    Raises:
        ClusterError: Elasticsearch cannot be reached, or does not let us.
    """
    name = cluster.name(passages_alias(encoder))
    body: dict[str, Any] = json.loads((FOLDER / "passages.json").read_text(encoding="utf-8"))
    body["mappings"]["properties"]["vector"]["dims"] = dimensions
    body["mappings"]["_meta"] = {"created": now.isoformat(timespec="milliseconds")}
    try:
        if not cluster.client.indices.exists_alias(name=name):
            cluster.client.indices.create(index=f"{name}-v1", aliases={name: {"is_write_index": True}}, **body)
    except BadRequestError as error:
        if error.error != "resource_already_exists_exception":  # else another sweep was faster
            raise cluster_error(error, "making the index of passages") from error
    except (ApiError, TransportError) as error:
        raise cluster_error(error, "making the index of passages") from error
    (found,) = cluster.client.indices.get_mapping(index=name).values()
    return dt.datetime.fromisoformat(found["mappings"]["_meta"]["created"])
