"""Flags out of Elasticsearch, for those who review them."""

from typing import Any

from index_config.cluster import Cluster
from narrawatch.errors import NarrawatchError


class FlagError(NarrawatchError):
    """There is no such flag, or more than one."""


OPEN = "open"
"""Instead of a verdict: nobody has decided yet."""


def list_flags(
    cluster: Cluster, wanted: dict[str, str], limit: int, verdict: str | None = None
) -> tuple[int, list[dict[str, Any]]]:
    """How many flags have all the wanted values (field → value) and this verdict, and the best of them, surest first."""
    filters: list[dict[str, Any]] = [{"term": {field: value}} for field, value in wanted.items()]
    if verdict == OPEN:
        filters.append({"bool": {"must_not": {"exists": {"field": "verdict"}}}})
    elif verdict:
        filters.append({"term": {"verdict": verdict}})
    answer = cluster.client.search(
        index=cluster.name("flags"),
        size=limit,
        track_total_hits=True,
        query={"bool": {"filter": filters}},
        sort=[{"score": "desc"}, {"article": "asc"}, {"narrative": "asc"}],
    )
    return answer["hits"]["total"]["value"], [{"id": hit["_id"], **hit["_source"]} for hit in answer["hits"]["hits"]]


def get_flag(cluster: Cluster, beginning: str) -> dict[str, Any]:
    """The flag whose id begins so.

    Raises:
        FlagError: none does, or several do.
    """
    article, _, narrative = beginning.partition(":")
    filters: list[dict[str, Any]] = [{"prefix": {"article": article}}]
    if narrative:
        filters.append({"prefix": {"narrative": narrative}})
    answer = cluster.client.search(index=cluster.name("flags"), size=10, query={"bool": {"filter": filters}})
    hits = answer["hits"]["hits"]
    exact = [hit for hit in hits if hit["_id"] == beginning] or hits
    if not exact:
        raise FlagError(f"there is no flag {beginning!r}; see `narrawatch flags list`")
    if len(exact) > 1:
        raise FlagError(
            f"{beginning!r} is the beginning of {len(exact)} flags, among them {exact[0]['_id']} and {exact[1]['_id']}; give more of it"
        )
    return {"id": exact[0]["_id"], **exact[0]["_source"]}


def article_text(cluster: Cluster, flag: dict[str, Any]) -> str | None:
    """What the flag's passage offsets count in: the article's title or text; None when its wording has changed since."""
    answer = cluster.client.mget(index=cluster.name("articles"), ids=[flag["article"]])["docs"][0]
    if not answer.get("found") or answer["_source"]["text_hash"] != flag["text_hash"]:
        return None
    if flag["passage_kind"] == "title":
        return str(answer["_source"]["title"])
    (text,) = answer["_source"]["text"].values()
    return str(text)


_STATE = ("versions", "changed_at", "withdrawn", "withdrawn_at", "text_hash")


def article_state(cluster: Cluster, flag: dict[str, Any]) -> dict[str, Any]:
    """What became of the flag's article since it was captured first, as far as there is anything to say."""
    answer = cluster.client.mget(index=cluster.name("articles"), ids=[flag["article"]], source_includes=_STATE)
    found = answer["docs"][0].get("_source") or {}
    return {name: found[name] for name in _STATE if found.get(name) is not None}


def since_then(flag: dict[str, Any], state: dict[str, Any]) -> list[str]:
    """The same in words, for a reader of the flag."""
    said = []
    if state.get("withdrawn"):
        said.append(f"withdrawn: the page has been gone since {_moment(state['withdrawn_at'])}; its text is kept")
    if "changed_at" in state:
        edited = f"edited {_moment(state['changed_at'])}, {state['versions']} wordings seen"
        other = state["text_hash"] != flag["text_hash"]
        said.append(
            edited + ("; this flag is about an earlier one" if other else "; this flag is about the present one")
        )
    return said


def _moment(time: str) -> str:
    return f"{time[:16].replace('T', ' ')} UTC"
