"""What the Elasticsearch client raises, as one line a user can act on."""

from typing import Any

from elasticsearch import ApiError, TransportError

from index_config.cluster import ClusterError


def cluster_error(error: ApiError | TransportError, doing: str) -> ClusterError:
    """The error to raise instead; `doing` completes "Elasticsearch … while <doing>"."""
    if isinstance(error, ApiError):
        remedy = "; check the API key or user and their rights" if error.status_code in {401, 403} else ""
        return ClusterError(f"Elasticsearch refused with {error.status_code} while {doing}: {reason(error)}{remedy}")
    return ClusterError(
        f"Elasticsearch was lost while {doing} ({type(error).__name__}); check it with `narrawatch status` and run this again"
    )


def reason(error: ApiError) -> str:
    """What Elasticsearch says is wrong, in its words and on one line."""
    said = error.body.get("error", error.body) if isinstance(error.body, dict) else error.body
    return describe(said)


def describe(said: Any) -> str:
    """One line for the `error` of a response or of one item: its type, its reason and the innermost cause."""
    if not isinstance(said, dict):
        return _line(str(said))
    text = f"{said.get('type')}: {said.get('reason')}"
    while isinstance(said.get("caused_by"), dict):
        said = said["caused_by"]
    innermost = str(said.get("reason"))
    return _line(text if innermost in text else f"{text} ({innermost})")


def _line(text: str) -> str:
    return " ".join(text.split())[:500]  # a refused value may be quoted in full, and may be a whole article
