"""Serves the demo's outlets on loopback, each on an address of its own, from threads of this process."""

import errno
import sys
import tempfile
import threading
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any, Self

import yaml

from narrawatch.demo.resources import Resource, outlet_file, resources
from narrawatch.demo.sample import Site, load_sites
from narrawatch.errors import NarrawatchError


class DemoSitesError(NarrawatchError):
    """The demo's outlets cannot be served; the message names the address."""


@dataclass
class DemoSites:
    """Serves every outlet while the context is open.

    Outlet n answers on `network`.n, or where that cannot be bound (macOS) on 127.0.0.1 with `port` + n; `port` 0 takes
    free ports. `now` is the time (with zone) from which articles' ages count. While the context is open, `outlets_dir`
    is a folder with one outlet file each, `base` the outlets' addresses, and `requests` counts what each outlet was
    asked for, by path with query. Raises DemoSitesError when a port is taken or `now` has no zone.
    """

    now: datetime
    port: int = 0
    network: str = "127.0.2"
    sites: tuple[Site, ...] = field(default_factory=load_sites)
    base: dict[str, str] = field(default_factory=dict, init=False)
    requests: dict[str, Counter[str]] = field(default_factory=dict, init=False)
    outlets_dir: Path = field(default=Path(), init=False)
    _open: ExitStack = field(default_factory=ExitStack, init=False, repr=False)

    def __enter__(self) -> Self:
        if self.now.tzinfo is None:
            raise DemoSitesError(f"now={self.now.isoformat()} has no time zone; give one, as in datetime.now(UTC)")
        with ExitStack() as stack:
            self.outlets_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="narrawatch-demo-")))
            for number, site in enumerate(self.sites, start=1):
                self._serve(stack, number, site)
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _serve(self, stack: ExitStack, number: int, site: Site) -> None:
        server = stack.enter_context(_listen(self.network, number, self.port))
        host, port = server.server_address[:2]
        base = f"http://{host!s}:{port}"
        server.resources = resources(site, base, self.now)
        self.base[site.id] = base
        self.requests[site.id] = server.requests
        text = yaml.safe_dump(outlet_file(site, base), allow_unicode=True, sort_keys=False)
        (self.outlets_dir / f"{site.id}.yml").write_text(text, encoding="utf-8")
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, name=f"demo-{site.id}", daemon=True
        )
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(address, _Handler)
        self.resources: dict[str, Resource] = {}
        self.requests: Counter[str] = Counter()
        self.lock = threading.Lock()

    def server_bind(self) -> None:
        """Bind without the look-up of our own name that HTTPServer does: it can take seconds, and nobody reads it."""
        TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a crawler that hung up, as it may whenever it likes; anything else is a fault of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "narrawatch-demo"
    disable_nagle_algorithm = True
    timeout = 30
    server: _Server

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.requests[self.path] += 1
        missing = Resource(
            b"<!DOCTYPE html><title>404</title><h1>404</h1>", "text/html; charset=utf-8", status=HTTPStatus.NOT_FOUND
        )
        found = self.server.resources.get(self.path.partition("?")[0], missing)
        if found.etag and found.etag in self.headers.get("If-None-Match", ""):
            self._answer(Resource(b"", found.content_type, found.etag, HTTPStatus.NOT_MODIFIED))
        else:
            self._answer(found)

    do_HEAD = do_GET  # noqa: N815 - the base class looks methods up by the request's verb

    def _answer(self, resource: Resource) -> None:
        self.send_response(resource.status)
        headers = {"ETag": resource.etag, "Location": resource.location}
        if resource.status != HTTPStatus.NOT_MODIFIED:
            headers |= {"Content-Type": resource.content_type, "Content-Length": str(len(resource.body))}
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(resource.body)

    def log_message(self, *_: object) -> None:
        """Say nothing on standard error: what was asked for is counted."""


def _listen(network: str, number: int, port: int) -> _Server:
    """Take the outlet's own address, or else a port of its own on 127.0.0.1."""
    try:
        return _bind(f"{network}.{number}", port)
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise DemoSitesError(f"{network}.{number}:{port}: {error.strerror}; choose another port") from error
    own = port + number if port else 0
    try:
        return _bind("127.0.0.1", own)
    except OSError as error:
        raise DemoSitesError(f"127.0.0.1:{own}: {error.strerror}; choose another port") from error


def _bind(host: str, port: int) -> _Server:
    return _Server((host, port))
