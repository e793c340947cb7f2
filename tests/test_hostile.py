"""One run over pages that do what they can to break it: every URL its right outcome, and the healthy outlet complete."""

import contextlib
import gzip
import socketserver
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from socket import SO_LINGER, SOL_SOCKET

import brotli
import pytest
import yaml

from index_config.cluster import Cluster

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Send = Callable[[bytes], None]
PARAGRAPHS = "".join(
    f"<p>On day {day} the harbour office said that the ferry to the outer islands will run until the storm comes.</p>"
    for day in range(9)
)


def page(title: str, extra: str = "") -> bytes:
    text = f"<article><h1>{title}</h1>{PARAGRAPHS}{extra}</article>"
    return f"<!doctype html><html lang=en><head><title>{title}</title></head><body>{text}</body></html>".encode()


def head(*lines: str, status: str = "200 OK", kind: str = "text/html; charset=utf-8") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Type: {kind}", *lines, "", ""]).encode("latin-1")


def answer(body: bytes, *lines: str, status: str = "200 OK", kind: str = "text/html; charset=utf-8") -> bytes:
    return head(*lines, f"Content-Length: {len(body)}", status=status, kind=kind) + body


def redirect(target: str) -> bytes:
    return answer(b"", f"Location: {target}", status="302 Found")


def packed(coding: str, body: bytes) -> bytes:
    return answer(body, f"Content-Encoding: {coding}")


def again(part: bytes, times: int = 10**9, pause: float = 0.0) -> Callable[[Send], None]:
    def keep_sending(send: Send) -> None:
        for _ in range(times):
            send(part)
            time.sleep(pause)

    return keep_sending


def after(start: bytes, then: Callable[[Send], None]) -> Callable[[Send], None]:
    def both(send: Send) -> None:
        send(start)
        then(send)

    return both


def silence(send: Send) -> None:
    time.sleep(60)


STORY = page("A story")
CHUNK = b"10000\r\n" + b"<p>" * 21845 + b"x\r\n"
PIECES: dict[str, tuple[bytes | Callable[[Send], None], str, str | None]] = {
    # name: (what is sent, outcome of fetching, state after processing)
    "plain": (answer(STORY), "captured", "indexed"),
    "http10": (b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n" + STORY, "captured", "indexed"),
    "chunked": (
        head("Transfer-Encoding: chunked") + b"%x\r\n%b\r\n0\r\n\r\n" % (len(STORY), STORY),
        "captured",
        "indexed",
    ),
    "continue": (b"HTTP/1.1 100 Continue\r\n\r\n" * 2 + answer(STORY), "captured", "indexed"),
    "nul-in-value": (answer(STORY, "X-A: a\0b", "X-B: \xff\xfe"), "captured", "indexed"),
    "line-in-value": (answer(STORY, "X-A: a\rWARC-Type: b", "X-B: a\x0bb\x85c", " folded"), "captured", "indexed"),
    "nul-in-name": (answer(STORY, "\0: c"), "connection", None),
    "long-cookie": (answer(STORY, "Set-Cookie: " + "x" * 30_000), "captured", "indexed"),
    "wrong-charset": (answer(page("Überfluß"), kind="text/html; charset=utf-16"), "captured", "indexed"),
    "more-than-said": (answer(STORY) + b"<p>and more" * 1000, "captured", "indexed"),
    "slow": (after(b"", lambda send: (time.sleep(1), send(answer(STORY)))), "captured", "indexed"),
    "gzip": (packed("gzip", gzip.compress(STORY)), "captured", "indexed"),
    "deflate": (packed("deflate", zlib.compress(STORY)), "captured", "indexed"),
    "br": (packed("br", brotli.compress(STORY)), "captured", "indexed"),
    "zstd": (packed("zstd", zstd.compress(STORY)), "captured", "indexed"),
    "colspan": (answer(page("Table", "<table><tr><td colspan=1000000>a<td>b</table>")), "captured", "indexed"),
    "nested": (answer(page("Deep", "<div>" * 50_000)), "captured", "indexed"),
    "tags": (answer(page("Tags", "<b>x</b>" * 200_000)), "captured", "extract_failed"),
    "no-text": (answer(b"<html><body><div>Log in.</div></body></html>"), "captured", "too_short"),
    "badgzip": (packed("gzip", gzip.compress(STORY * 9)[:-100] + b"x" * 50), "bad_encoding", None),
    "badbr": (packed("br", STORY), "bad_encoding", None),
    "cutzstd": (packed("zstd", zstd.compress(STORY)[:-9]), "bad_encoding", None),
    "compress": (packed("compress", STORY), "bad_encoding", None),
    "gzip-bomb": (packed("gzip", gzip.compress(bytes(64 << 20))), "too_big", None),
    "br-bomb": (packed("br", brotli.compress(bytes(64 << 20), quality=3)), "too_big", None),
    "zstd-bomb": (packed("zstd", zstd.compress(bytes(64 << 20))), "too_big", None),
    "stacked-bomb": (packed("gzip, gzip", gzip.compress(gzip.compress(bytes(64 << 20)))), "too_big", None),
    "huge": (after(head(), again(b"<p>" + b"x" * 100_000)), "too_big", None),
    "huge-said": (head("Content-Length: 9999999999") + b"<p>", "too_big", None),
    "chunked-endless": (after(head("Transfer-Encoding: chunked"), again(CHUNK)), "too_big", None),
    "long-header": (answer(STORY, "X-A: " + "x" * 100_000), "too_big", None),
    "many-headers": (answer(STORY, *[f"X-{n}: y" for n in range(5000)]), "too_big", None),
    "endless-head": (after(b"HTTP/1.1 200 OK\r\n", again(b"X-A: y\r\n" * 100)), "too_big", None),
    "endless-line": (after(b"HTTP/1.1 200 OK\r\nX-A: ", again(b"y" * 10_000)), "too_big", None),
    "continue-flood": (again(b"HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n" * 100), "too_big", None),
    "hang": (silence, "timeout", None),
    "hang-in-head": (after(b"HTTP/1.1 200 OK\r\nX-A", silence), "timeout", None),
    "hang-in-body": (after(head("Content-Length: 9000") + STORY[:100], silence), "timeout", None),
    "drip": (after(head(), again(b"x", pause=0.1)), "timeout", None),
    "drip-head": (after(b"HTTP/1.1 200 OK\r\nX-A: ", again(b"x", pause=0.1)), "timeout", None),
    "drip-chunks": (after(head("Transfer-Encoding: chunked"), again(b"1\r\nx\r\n", pause=0.1)), "timeout", None),
    "truncated": (head(f"Content-Length: {len(STORY) * 2}") + STORY, "connection", None),
    "chunked-cut": (head("Transfer-Encoding: chunked") + b"ffff\r\n" + STORY, "connection", None),
    "chunked-bad": (head("Transfer-Encoding: chunked") + b"zz\r\n" + STORY, "connection", None),
    "two-lengths": (head("Content-Length: 10", "Content-Length: 20") + STORY, "connection", None),
    "no-http": (STORY, "connection", None),
    "closed": (b"", "connection", None),
    "private": (redirect("http://169.254.169.254/latest/meta-data/"), "private_address", None),
    "intranet": (redirect("http://10.0.0.1/"), "private_address", None),
    "decimal": (redirect("http://2852039166/"), "private_address", None),
    "to-file": (redirect("file:///etc/passwd"), "invalid_url", None),
    "to-ftp": (redirect("ftp://127.0.0.1/x"), "invalid_url", None),
    "to-data": (redirect("data:text/html,<p>hello"), "invalid_url", None),
    "to-mail": (redirect("http://127.0.0.1:25/"), "invalid_url", None),
    "to-user": (redirect("http://a:b@127.0.0.1/"), "invalid_url", None),
    "to-bracket": (redirect("http://[half/"), "invalid_url", None),
    "to-nowhere": (answer(b"", status="302 Found"), "invalid_url", None),
    "to-long": (redirect("http://127.0.0.1/" + "x" * 5000), "invalid_url", None),
    "to-loop": (redirect("?again"), "redirect_loop", None),
    "to-closed-port": (redirect("http://127.0.0.1:1099/"), "connection", None),
    "empty": (answer(b""), "not_html", None),
    "picture": (answer(b"\x89PNG\r\n\x1a\n" + bytes(99), kind="image/png"), "not_html", None),
    "e403": (answer(b"no", status="403 Forbidden"), "http_403", None),
    "e404": (answer(b"no", status="404 Not Found"), "http_404", None),
    "e410": (answer(b"no", status="410 Gone"), "http_410", None),
    "e451": (answer(b"no", status="451 Censored"), "http_4xx", None),
    "e500": (answer(b"no", status="500 Oops"), "http_5xx", None),
    "e999": (answer(b"no", status="999 Bots"), "http_5xx", None),
}
LISTED = {
    "file:///etc/passwd": "invalid_url",
    "http://169.254.169.254/latest/": "private_address",
    "http://127.0.0.1:22/": "invalid_url",
    "http://user@127.0.0.1/": "invalid_url",
    "http://nowhere.invalid/": "dns",
    "javascript:alert(1)": "invalid_url",
    "http://127.0.0.1/" + "y" * 3000: "invalid_url",
}
"""Addresses a feed may hold, beside the pages above."""


class _Site(socketserver.StreamRequestHandler):
    """127.0.4.1 is an outlet in good health; of the others, 127.0.5.n sends the nth of PIECES for whatever is asked."""

    def handle(self) -> None:
        with contextlib.suppress(OSError, IndexError):
            path = self.rfile.readline().split()[1].decode()
            while self.rfile.readline().strip():
                """The request's headers say nothing new."""
            self.respond(self.connection.getsockname()[0], path)

    def respond(self, host: str, path: str) -> None:
        send = self.wfile.write
        if path == "/robots.txt":
            send(answer(b"", "Connection: close", kind="text/plain"))
        elif path == "/feed.xml":
            links = _links(self.server.server_address[1], healthy=host == "127.0.4.1")
            items = "".join(f"<item><link>{link}</link></item>" for link in links)
            feed = f'<rss version="2.0"><channel><title>t</title>{items}</channel></rss>'
            send(answer(feed.encode(), "Connection: close", kind="application/rss+xml"))
        elif host == "127.0.4.1":
            send(answer(page(f"Story {path[1:]}"), "Connection: close"))
        else:
            piece = list(PIECES.values())[int(host.rpartition(".")[2]) - 1][0]
            if isinstance(piece, bytes):
                send(piece)
            else:
                piece(send)
        if path == "/reset":
            self.connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256


def _links(port: int, *, healthy: bool) -> list[str]:
    if healthy:
        return [f"http://127.0.4.1:{port}/{number}" for number in range(30)]
    return [f"http://127.0.5.{number}:{port}/{name}" for number, name in enumerate(PIECES, 1)] + list(LISTED)


@pytest.fixture(scope="module")
def site() -> Iterator[int]:
    with _Server(("0.0.0.0", 0), _Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def crawled(site, shared_cluster: Cluster, shared_environ, shared_narrawatch, tmp_path_factory) -> dict[str, dict]:
    """One `narrawatch run` over both outlets; returns the documents of `urls` and `crawls` by their ids."""
    folder = tmp_path_factory.mktemp("outlets")
    for name, host in {"healthy": "127.0.4.1", "hostile": "127.0.5.1"}.items():
        outlet = {
            "id": name,
            "name": name,
            "country": "gb",
            "languages": ["en"],
            "kind": "news",
            "start": {"feeds": [f"http://{host}:{site}/feed.xml"]},
            "schedule": "0 * * * *",
            "expect": {"per_day": [0, 1000]},
        }
        (folder / f"{name}.yml").write_text(yaml.safe_dump(outlet))
    environ = shared_environ | {"NARRAWATCH_PAGE_SECONDS": "3"}
    shared_narrawatch("run", "--outlets", folder, "--run-id", "r1", env=environ)
    found = {}
    for alias in ("urls", "crawls", "articles"):
        shared_cluster.client.indices.refresh(index=shared_cluster.name(alias))
        hits = shared_cluster.client.search(index=shared_cluster.name(alias), size=1000)["hits"]["hits"]
        found[alias] = {hit["_source"].get("url", hit["_id"]): hit["_source"] for hit in hits}
    return found


@pytest.mark.parametrize("name", PIECES)
def test_page(name: str, crawled: dict, site: int) -> None:
    number = list(PIECES).index(name) + 1
    record = crawled["urls"][f"http://127.0.5.{number}:{site}/{name}"]
    _, fetched, state = PIECES[name]
    assert record["outcome"] == fetched
    if state:
        assert record["state"] == state


def test_every_url_is_counted_once(crawled: dict) -> None:
    account = crawled["crawls"]["hostile:r1"]
    expected = [outcome for _, outcome, _ in PIECES.values()] + list(LISTED.values())
    counts = {name: expected.count(name) for name in set(expected)}
    assert {name: count for name, count in account["fetch"].items() if count} == counts
    assert account["discovered"] == len(expected)
    assert account["status"] == "complete"
    processed = [state for _, _, state in PIECES.values() if state]
    counts = {name: processed.count(name) for name in set(processed)}
    assert {name: count for name, count in account["processing"].items() if count} == counts


def test_the_healthy_outlet_is_complete(crawled: dict) -> None:
    account = crawled["crawls"]["healthy:r1"]
    assert account["fetch"]["captured"] == account["processing"]["indexed"] == account["discovered"] == 30


def test_text_survives_a_wrong_charset(crawled: dict) -> None:
    assert "Überfluß" in {article["title"] for article in crawled["articles"].values()}
