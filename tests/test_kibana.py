"""What Kibana is given. It cannot run here: so each panel's question is put to the real Elasticsearch on the demo's data."""

import base64
import datetime as dt
import json
import re
import threading
from collections.abc import Iterator
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from index_config.cluster import ALIASES, Cluster
from index_config.kibana import FOLDER, PREFIX, KibanaError, import_objects, saved_objects
from narrawatch import settings as settings_module
from narrawatch.demo import CARDS
from narrawatch.demo.server import DemoSites

OURS = saved_objects("x-")
LATEST = {"index-pattern": (8, 0, 0), "search": (10, 12, 0), "dashboard": (10, 3, 0)}
"""What Kibana 9.4 knows: an object that says it is newer is refused, an older one is migrated."""
AGGREGATABLE = {"keyword", "date", "float", "integer", "long", "boolean"}


def by_type(kind: str) -> list[dict[str, Any]]:
    return [one for one in OURS if one["type"] == kind]


def nested(text: str) -> Any:
    return json.loads(text)


# --- the files


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ndjson")), ids=lambda path: path.name)
def test_a_file_is_one_object_a_line_and_has_at_most_one_dashboard(path) -> None:
    text = path.read_text("utf-8")
    assert text.endswith("\n")
    objects = [json.loads(line) for line in text.splitlines()]
    assert objects
    assert [one["type"] for one in objects].count("dashboard") <= 1
    for one in objects:
        assert one["id"].startswith(PREFIX)
        assert {ref["id"].startswith(PREFIX) for ref in one["references"]} <= {True}
        assert one["coreMigrationVersion"] == "8.8.0"
        assert tuple(map(int, one["typeMigrationVersion"].split("."))) <= LATEST[one["type"]]
        assert one["attributes"]["title"]


def test_the_ids_are_the_installations_own_and_never_change() -> None:
    assert [(one["type"], one["id"]) for one in OURS] == [
        ("index-pattern", "x-articles"),
        ("index-pattern", "x-crawls"),
        ("index-pattern", "x-flags"),
        ("index-pattern", "x-narratives"),
        ("index-pattern", "x-verdicts"),
        ("dashboard", "x-narratives-over-time"),
        ("search", "x-review-queue"),
        ("search", "x-reviewed-flags"),
        ("dashboard", "x-review"),
    ]
    assert PREFIX not in json.dumps(OURS)
    assert {view["attributes"]["title"] for view in by_type("index-pattern")} <= {f"x-{alias}" for alias in ALIASES}


def test_every_reference_is_to_an_object_of_ours_and_is_used() -> None:
    known = {(one["type"], one["id"]) for one in OURS}
    for one in OURS:
        names = [ref["name"] for ref in one["references"]]
        assert len(names) == len(set(names))
        assert {(ref["type"], ref["id"]) for ref in one["references"]} <= known
    for search in by_type("search"):
        (name,) = [ref["name"] for ref in search["references"]]
        for attributes in (search["attributes"], *(tab["attributes"] for tab in search["attributes"]["tabs"])):
            assert nested(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])["indexRefName"] == name


@pytest.mark.parametrize("dashboard", by_type("dashboard"), ids=lambda one: one["id"])
def test_a_dashboards_references_are_those_its_panels_and_controls_need(dashboard) -> None:
    needed = []
    for panel in panels(dashboard):
        index = panel["panelIndex"]
        assert index == panel["gridData"]["i"]
        if panel["type"] == "search":
            needed.append((f"{index}:{panel['panelRefName']}", "search"))
            continue
        attributes = panel["embeddableConfig"]["attributes"]
        inner = [ref["name"] for ref in attributes["references"]]
        layers = attributes["state"]["datasourceStates"]["formBased"]["layers"]
        assert inner == [f"indexpattern-datasource-layer-{layer}" for layer in layers]
        needed += [(f"{index}:{name}", "index-pattern") for name in inner]
    needed += [(f"controlGroup_{name}:optionsListDataView", "index-pattern") for name in controls(dashboard)]
    assert sorted((ref["name"], ref["type"]) for ref in dashboard["references"]) == sorted(needed)


@pytest.mark.parametrize("dashboard", by_type("dashboard"), ids=lambda one: one["id"])
def test_panels_fit_the_grid_and_do_not_overlap(dashboard) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(dashboard):
        grid = panel["gridData"]
        assert grid["x"] + grid["w"] <= 48
        cells = {(grid["x"] + x, grid["y"] + y) for x in range(grid["w"]) for y in range(grid["h"])}
        assert not cells & taken
        taken |= cells


@pytest.mark.parametrize("dashboard", by_type("dashboard"), ids=lambda one: one["id"])
def test_what_a_chart_draws_is_a_column_it_asks_for(dashboard) -> None:
    for _, columns, attributes in lens(dashboard):
        assert set(columns) == set(layer_of(attributes)["columnOrder"])
        visualization = attributes["state"]["visualization"]
        data = visualization.get("layers", [visualization])[0]
        assert data["layerId"] in attributes["state"]["datasourceStates"]["formBased"]["layers"]
        drawn = [value for key, value in data.items() if key.endswith("Accessor")]
        drawn += data.get("accessors", []) + [column["columnId"] for column in data.get("columns", [])]
        assert sorted(drawn) == sorted(columns)
        buckets = [column["isBucketed"] for column in (columns[name] for name in layer_of(attributes)["columnOrder"])]
        assert buckets == sorted(buckets, reverse=True), "Lens wants buckets before figures"
        for column in columns.values():
            order = column.get("params", {}).get("orderBy")
            assert order is None or order["columnId"] in columns


def test_the_dashboards_have_what_analysts_need() -> None:
    review, narratives = (
        next(one for one in by_type("dashboard") if one["id"] == f"x-{name}")
        for name in ("review", "narratives-over-time")
    )
    for dashboard in (review, narratives):
        fields = [box["explicitInput"]["fieldName"] for box in controls(dashboard).values()]
        assert fields == ["outlet", "language", "narrative_title.raw", "level", "verdict"]
    shown = {panel["panelRefName"] for panel in panels(review) if panel["type"] == "search"}
    assert len(shown) == 2
    queue = next(one for one in by_type("search") if one["id"] == "x-review-queue")
    assert {"passage", "url", "narrative_url", "narrative_title", "outlet"} <= set(queue["attributes"]["columns"])
    (view,) = [one for one in by_type("index-pattern") if one["id"] == "x-flags"]
    formats = nested(view["attributes"]["fieldFormatMap"])
    assert (formats["url"]["id"], formats["narrative_url"]["id"]) == ("url", "url")


def test_no_dashboard_links_to_a_page_that_is_not_there() -> None:
    assert re.findall(r"https?://[^\"\\ ]+", json.dumps(OURS)) == []


# --- the fields, and what is asked


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    return list(nested(dashboard["attributes"]["panelsJSON"]))


def controls(dashboard: dict[str, Any]) -> dict[str, Any]:
    return dict(nested(dashboard["attributes"]["controlGroupInput"]["panelsJSON"]))


def layer_of(attributes: dict[str, Any]) -> dict[str, Any]:
    (layer,) = attributes["state"]["datasourceStates"]["formBased"]["layers"].values()
    return dict(layer)


def lens(dashboard: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Each Lens panel: its index pattern, the columns it asks for, and all the rest."""
    for panel in panels(dashboard):
        if panel["type"] == "lens":
            attributes = panel["embeddableConfig"]["attributes"]
            (view,) = {ref["id"] for ref in attributes["references"]}
            yield view, layer_of(attributes)["columns"], attributes


def asked(kql: str) -> dict[str, Any]:
    """The query that Kibana makes of such KQL: `a and b`, where each is `field: value` or `field: *`, perhaps after `not`."""
    clauses: dict[str, list[Any]] = {"filter": [], "must_not": []}
    for part in filter(None, kql.split(" and ")):
        found = re.fullmatch(r"(not )?([a-z_.]+): (\*|[a-z]+)", part)
        assert found, part
        negated, name, value = found.groups()
        clause = {"exists": {"field": name}} if value == "*" else {"term": {name: value}}
        clauses["must_not" if negated else "filter"].append(clause)
    return {"bool": clauses}


def fields_of(kql: str) -> set[str]:
    return set(re.findall(r"([a-z_.]+):", kql))


def mapped(properties: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, about in properties.items():
        if "type" in about:
            yield path + name, about["type"]
        for inner in ("properties", "fields"):
            yield from mapped(about.get(inner, {}), f"{path}{name}.")


@pytest.fixture(scope="module")
def data(shared_cluster: Cluster, shared_narrawatch) -> Cluster:
    """The demo's articles, cards, flags, and a verdict of each kind."""
    with DemoSites(now=dt.datetime.now(dt.UTC)) as sites:
        shared_narrawatch("narratives", "import", *CARDS)
        shared_narrawatch("run", "--outlets", sites.outlets_dir)
    lines = shared_narrawatch("flags", "list", "--json").stdout.splitlines()
    for number, decision in enumerate(("confirm", "reject", "unsure")):
        shared_narrawatch("flags", decision, json.loads(lines[-1 - number])["id"], "--note", "a test")
    return shared_cluster


@pytest.fixture(scope="module")
def fields(data: Cluster) -> dict[str, dict[str, str]]:
    """The type of every field, by data view and the field's name, as the real index has it."""
    types = {}
    for view in by_type("index-pattern"):
        alias = view["id"].removeprefix("x-")
        (found,) = data.client.indices.get_mapping(index=data.name(alias)).values()
        types[view["id"]] = dict(mapped(found["mappings"]["properties"]))
    return types


def test_data_views_name_fields_that_are_there(fields) -> None:
    for view in by_type("index-pattern"):
        attributes, known = view["attributes"], fields[view["id"]]
        assert known[attributes["timeFieldName"]] == "date"
        assert known.keys() >= nested(attributes["fieldAttrs"]).keys()
        assert known.keys() >= nested(attributes["fieldFormatMap"]).keys()


def test_searches_show_and_sort_fields_that_are_there_and_find_flags(data, fields) -> None:
    for search in by_type("search"):
        known = fields[search["references"][0]["id"]]
        (tab,) = search["attributes"]["tabs"]
        for attributes in (search["attributes"], tab["attributes"]):
            query = nested(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]["query"]
            assert known.keys() >= {*attributes["columns"], *attributes["grid"]["columns"], *fields_of(query)}
            assert {known[name] for name, _ in attributes["sort"]} <= AGGREGATABLE
            hits = data.client.search(
                index=data.name("flags"), query=asked(query), sort=[{name: way} for name, way in attributes["sort"]]
            )["hits"]["hits"]
            assert hits
            filled = {name for hit in hits for name, value in hit["_source"].items() if value is not None}
            assert filled >= set(attributes["columns"])


@pytest.mark.parametrize("dashboard", by_type("dashboard"), ids=lambda one: one["id"])
def test_controls_offer_values(data, fields, dashboard) -> None:
    for name, box in controls(dashboard).items():
        given = box["explicitInput"]
        view = next(ref["id"] for ref in dashboard["references"] if ref["name"].startswith(f"controlGroup_{name}:"))
        assert fields[view][given["fieldName"]] == "keyword"
        assert fields[view][given.get("parentFieldName", given["fieldName"])] in {"keyword", "text"}
        assert buckets(data, view, {}, {"terms": {"field": given["fieldName"]}}), given["fieldName"]


def cases() -> list[Any]:
    found = []
    for dashboard in by_type("dashboard"):
        base = nested(dashboard["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]["query"]
        for view, columns, attributes in lens(dashboard):
            found.append(pytest.param(view, base, columns, id=f"{dashboard['id']}: {attributes['title']}"))
    return found


@pytest.mark.parametrize(("view", "base", "columns"), cases())
def test_a_panel_has_an_answer(data, fields, view, base, columns) -> None:
    known = fields[view]
    for column in columns.values():
        source = column.get("sourceField")
        if source not in {None, "___records___"}:
            assert known[source] in AGGREGATABLE
            assert column["operationType"] not in {"date_histogram", "max"} or known[source] == "date"
        assert known.keys() >= fields_of(column.get("filter", {}).get("query", ""))
    figures = {name: figure(column) for name, column in columns.items() if not column["isBucketed"]}
    request: dict[str, Any] = {"aggs": figures}
    for name, column in reversed([item for item in columns.items() if item[1]["isBucketed"]]):
        request = {"aggs": {name: bucketed(column) | request}}
    answer = data.client.search(index=data.name(view.removeprefix("x-")), size=0, query=asked(base), **request)
    rows = list(leaves(answer["aggregations"], [name for name, column in columns.items() if column["isBucketed"]]))
    assert rows
    for name in figures:
        values = [row[name].get("doc_count", row[name].get("value")) for row in rows]
        assert any(values), columns[name]["label"]


def figure(column: dict[str, Any]) -> dict[str, Any]:
    match column["operationType"]:
        case "count":
            return {"filter": asked(column.get("filter", {}).get("query", ""))}
        case "unique_count":
            return {"cardinality": {"field": column["sourceField"]}}
        case "max":
            return {"max": {"field": column["sourceField"]}}
    raise AssertionError(column["operationType"])


def bucketed(column: dict[str, Any]) -> dict[str, Any]:
    params = column["params"]
    match column["operationType"]:
        case "terms":
            return {"terms": {"field": column["sourceField"], "size": params["size"]}}
        case "date_histogram":
            return {"date_histogram": {"field": column["sourceField"], "calendar_interval": params["interval"]}}
        case "filters":
            return {"filters": {"filters": {one["label"]: asked(one["input"]["query"]) for one in params["filters"]}}}
    raise AssertionError(column["operationType"])


def leaves(answer: dict[str, Any], names: list[str]) -> Iterator[dict[str, Any]]:
    if not names:
        yield answer
        return
    found = answer[names[0]]["buckets"]
    for bucket in found.values() if isinstance(found, dict) else found:
        yield from leaves(bucket, names[1:])


def buckets(cluster: Cluster, view: str, query: dict[str, Any], aggregation: dict[str, Any]) -> list[Any]:
    answer = cluster.client.search(
        index=cluster.name(view.removeprefix("x-")), size=0, query=query or {"match_all": {}}, aggs={"it": aggregation}
    )
    return list(answer["aggregations"]["it"]["buckets"])


def test_every_flag_is_in_one_state_of_the_chart_over_time(data) -> None:
    (column,) = [columns["state"] for _, _, columns in (case.values for case in cases()) if "state" in columns]
    found = data.client.search(index=data.name("flags"), size=0, track_total_hits=True, aggs={"it": bucketed(column)})
    counts = {name: bucket["doc_count"] for name, bucket in found["aggregations"]["it"]["buckets"].items()}
    every = found["hits"]["total"]["value"]
    assert counts == {"open": every - 3, "confirmed": 1, "rejected": 1, "unsure": 1}


# --- the import


class ImportApi(BaseHTTPRequestHandler):
    """Speaks Kibana's import API as documented: multipart NDJSON in, one result an object out."""

    server: "Kibana"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, dict(self.headers)))
        status, answer = self.server.answer or self.take(body)
        text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def take(self, body: bytes) -> tuple[int, Any]:
        wanted = "Basic " + base64.b64encode(b"narrawatch:secret").decode()
        if self.headers["Authorization"] not in {wanted, "ApiKey a-key"}:
            return 401, {"statusCode": 401, "error": "Unauthorized", "message": "[security_exception]: missing"}
        if not self.headers["kbn-xsrf"] or self.path != "/base/api/saved_objects/_import?overwrite=true":
            return 400, {
                "statusCode": 400,
                "error": "Bad Request",
                "message": "Request must contain a kbn-xsrf header.",
            }
        message = BytesParser(policy=HTTP).parsebytes(
            b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n" + body
        )
        (part,) = message.iter_parts()
        assert part.get_filename().endswith(".ndjson"), "Kibana takes no other name"
        objects = [json.loads(line) for line in part.get_payload(decode=True).splitlines()]
        known = {(one["type"], one["id"]) for one in objects}
        errors = [failure for one in objects if (failure := self.fault(one, known))]
        self.server.stored = {one["id"]: one for one in objects}
        answer = {"success": not errors, "successCount": len(objects) - len(errors), "warnings": []}
        return 200, answer | ({"errors": errors} if errors else {})

    def fault(self, one: dict[str, Any], known: set[tuple[str, str]]) -> dict[str, Any] | None:
        missing = [ref for ref in one["references"] if (ref["type"], ref["id"]) not in known]
        about = {"id": one["id"], "type": one["type"], "title": one["attributes"]["title"], "meta": {}}
        if missing:
            return about | {"error": {"type": "missing_references", "references": missing}}
        if one["id"] in self.server.refuse:
            return about | {"error": self.server.refuse[one["id"]]}
        return None

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


class Kibana(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ImportApi)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.stored: dict[str, Any] = {}
        self.refuse: dict[str, dict[str, Any]] = {}
        self.answer: tuple[int, Any] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/base"


@pytest.fixture
def kibana() -> Iterator[Kibana]:
    with Kibana() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def told(kibana: Kibana | str, **more: str) -> settings_module.Settings:
    url = kibana if isinstance(kibana, str) else kibana.url
    return settings_module.load({"KIBANA_URL": url, "KIBANA_API_KEY": "a-key", **more})


def test_setup_imports_everything_and_says_where_it_is(narrawatch, environ, kibana) -> None:
    environ |= {"KIBANA_URL": kibana.url, "KIBANA_USER": "narrawatch", "KIBANA_PASSWORD": "secret"}
    prefix = environ["NARRAWATCH_INDEX_PREFIX"]
    done = narrawatch("setup")
    assert f"Kibana has {len(OURS)} data views, searches and dashboards of ours:" in done.stdout
    assert f"Review: {kibana.url}/app/dashboards#/view/{prefix}review\n" in done.stdout
    assert kibana.stored == {one["id"]: one for one in saved_objects(prefix)}
    assert kibana.stored[f"{prefix}flags"]["attributes"]["title"] == f"{prefix}flags"
    assert narrawatch("setup").returncode == 0, "it can be repeated"
    assert len(kibana.requests) == 2


def test_an_api_key_wins_over_a_user(kibana) -> None:
    imported = import_objects(told(kibana, KIBANA_USER="somebody", KIBANA_PASSWORD="else"))
    assert imported.count == len(OURS)
    assert kibana.requests[0][1]["Authorization"] == "ApiKey a-key"


def test_every_object_that_was_not_taken_is_named(narrawatch, environ, kibana) -> None:
    environ |= {"KIBANA_URL": kibana.url, "KIBANA_API_KEY": "a-key"}
    prefix = environ["NARRAWATCH_INDEX_PREFIX"]
    kibana.refuse = {
        f"{prefix}review": {"type": "missing_references", "references": [{"type": "search", "id": "gone"}]},
        f"{prefix}review-queue": {"type": "unknown", "message": "belongs to a more recent\nversion", "statusCode": 422},
        f"{prefix}flags": {"type": "conflict"},
    }
    done = narrawatch("setup", check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"did not take 3 of {len(OURS)} objects" in line
    assert f"dashboard {prefix}review (refers to search gone, missing)" in line
    assert f"search {prefix}review-queue (belongs to a more recent version)" in line
    assert f"index-pattern {prefix}flags (conflict)" in line
    assert f"{prefix}flags" in done.stdout, "the indices are set up all the same"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, {"message": "x"}), "refused us (401); check KIBANA_API_KEY"),
        ((403, {"message": "x"}), "refused us (403)"),
        ((400, {"statusCode": 400, "message": "no\nxsrf"}), "refused the import (400): no xsrf"),
        ((503, b"Kibana server is not ready yet"), "(503) is no Kibana that is ready"),
        ((200, b"<html>hello</html>"), "(200) is no Kibana that is ready"),
        ((200, []), "(200) is no Kibana that is ready"),
        ((302, b""), "(302) is no Kibana that is ready"),
    ],
)
def test_a_refusal_is_one_line(kibana, answer, said) -> None:
    kibana.answer = answer
    with pytest.raises(KibanaError) as caught:
        import_objects(told(kibana))
    assert said in str(caught.value)
    assert kibana.url in str(caught.value)
    assert "\n" not in str(caught.value)


def test_wrong_credentials_are_refused(kibana) -> None:
    with pytest.raises(KibanaError, match=r"refused us \(401\)"):
        import_objects(told(kibana, KIBANA_API_KEY="another"))


def test_a_kibana_that_is_down_is_one_line(free_port, tmp_path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(KibanaError, match=f"Kibana at {url} does not answer"):
        import_objects(told(url))
    with pytest.raises(KibanaError, match="KIBANA_CA="):
        import_objects(told(url, KIBANA_CA=str(tmp_path / "none.pem")))
