"""An internet of our own: `isolated_net.py inside SOCKET COMMAND…` in a fresh network namespace runs a command in it.

All of it lies on the loopback interface: a name server that lies, and a web server at addresses that are public, private,
and a cloud's metadata service. Prints what was asked of each address. Elasticsearch is reached through SOCKET, a Unix
socket that `isolated_net.py bridge SOCKET PORT` keeps open outside.
"""

import contextlib
import json
import os
import re
import select
import socket
import struct
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PUBLIC, METADATA = "93.184.215.14", "169.254.169.254"
PRIVATE = (METADATA, "10.1.2.3", "100.100.100.200", "192.168.7.7", "fd00:ec2::254", "fe80::7")
NAMES = {
    "news.example": [[PUBLIC]],
    "rebind.example": [[PUBLIC], [METADATA]],
    "inside.example": [["10.1.2.3"]],
    "meta.example": [[METADATA]],
    "mixed.example": [[METADATA, PUBLIC, "10.1.2.3"]],
    "ula.example": [["fd00:ec2::254"]],
    "mapped.example": [["::ffff:169.254.169.254"]],
    "home.example": [["127.0.0.1"]],
}
"""Name → what the name server says the first, the second … time; the last for ever."""
ASKED: defaultdict[str, list[str]] = defaultdict(list)
TEXT = "The harbour office said on Monday that the ferry to the outer islands will run twice a day until spring. " * 5
LINKS = [
    "http://news.example/good",
    "http://rebind.example/1",
    "http://rebind.example/2",
    "http://mixed.example/good",
    "http://inside.example/x",
    "http://meta.example/latest/",
    "http://ula.example/x",
    "http://mapped.example/x",
    "http://home.example/x",
    "http://localhost/x",
    "http://169.254.169.254/latest/",
    "http://2852039166/latest/",
    "http://0xa9fea9fe/latest/",
    "http://[fd00:ec2::254]/latest/",
    "http://[::ffff:169.254.169.254]/latest/",
    "http://10.1.2.3/x",
    "http://r1.example/to/http://169.254.169.254/latest/meta-data/",
    "http://r2.example/to/http://meta.example/latest/",
    "http://r3.example/to/http://100.100.100.200/latest/",
    "http://r4.example/to/http://192.168.7.7/",
    "http://r5.example/to/file:///etc/passwd",
    "http://r6.example/to/ftp://10.1.2.3/x",
    "http://r7.example/to/http://news.example:25/",
    "http://robots.example/x",
]


class Site(BaseHTTPRequestHandler):
    """Answers at every address."""

    def do_GET(self) -> None:
        address = self.connection.getsockname()[0].removeprefix("::ffff:")
        ASKED[address].append(f"{self.headers['Host']}{self.path}")
        if self.headers["Host"] == "robots.example":
            return self.answer(302, Location="http://169.254.169.254/robots.txt")
        if self.path.startswith("/to/"):
            return self.answer(302, Location=self.path[4:])
        if self.path == "/robots.txt":
            return self.answer(404)
        if self.path == "/feed.xml":
            items = "".join(f"<item><link>{link}</link></item>" for link in LINKS)
            return self.answer(200, f'<rss version="2.0"><channel><title>t</title>{items}</channel></rss>', "text/xml")
        return self.answer(200, f"<html lang=en><title>A story</title><article><h1>A story</h1><p>{TEXT}</article>")

    def answer(self, status: int, body: str = "", kind: str = "text/html", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Of both families."""

    address_family = socket.AF_INET6


def name_server() -> None:
    """Answers over UDP, as NAMES says; every answer may be forgotten at once (TTL 0)."""
    times: defaultdict[tuple[str, int], int] = defaultdict(int)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.53", 53))
        while True:
            question, asker = server.recvfrom(4096)
            end, labels = 12, []
            while length := question[end]:
                labels.append(question[end + 1 : end + 1 + length].decode())
                end += length + 1
            name, kind = ".".join(labels), struct.unpack(">H", question[end + 1 : end + 3])[0]
            said = NAMES.get(name, [[PUBLIC]] if re.fullmatch(r"(r\d+|robots)\.example", name) else None)
            turn, times[name, kind] = times[name, kind], times[name, kind] + 1
            found = said[min(turn, len(said) - 1)] if said else []
            family, wanted = {1: (socket.AF_INET, False), 28: (socket.AF_INET6, True)}.get(kind, (0, None))
            packed = [socket.inet_pton(family, one) for one in found if (":" in one) is wanted]
            records = b"".join(struct.pack(">HHHIH", 0xC00C, kind, 1, 0, len(one)) + one for one in packed)
            head = question[:2] + struct.pack(">HHHHH", 0x8180 if said else 0x8183, 1, len(packed), 0, 0)
            server.sendto(head + question[12 : end + 5] + records, asker)


def relay(listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
    """Pass on every connection, until the process ends."""
    while True:
        near, _ = listener.accept()
        threading.Thread(target=_pump, args=(near, connect()), daemon=True).start()


def _pump(near: socket.socket, far: socket.socket) -> None:
    other = {near: far, far: near}
    with near, far, contextlib.suppress(OSError):
        while True:
            for ready in select.select(list(other), [], [])[0]:
                if not (data := ready.recv(65536)):
                    return
                other[ready].sendall(data)


def bridge(path: str, port: int) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        print("ready", flush=True)
        relay(listener, lambda: socket.create_connection(("127.0.0.1", port)))


def _to_unix(path: str) -> socket.socket:
    far = socket.socket(socket.AF_UNIX)
    far.connect(path)
    return far


def set_up(path: str, port: int) -> None:
    for address in (PUBLIC, *PRIVATE):
        subprocess.run(["ip", "address", "add", address, "dev", "lo"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for file, text in {
        "/etc/resolv.conf": "nameserver 127.0.0.53\n",
        "/etc/hosts": "127.0.0.1 localhost\n",
        "/etc/nsswitch.conf": "hosts: files dns\n",
    }.items():
        ours = Path(f"{path}-{Path(file).name}")
        ours.write_text(text)
        subprocess.run(["mount", "--bind", ours, file], check=True)
    threading.Thread(target=name_server, daemon=True).start()
    listener = socket.create_server(("127.0.0.1", port))
    threading.Thread(target=relay, args=(listener, lambda: _to_unix(path)), daemon=True).start()
    threading.Thread(target=Server(("::", 80), Site).serve_forever, daemon=True).start()


def inside(path: str, port: int, command: list[str]) -> None:
    set_up(path, port)
    for address in (METADATA, "10.1.2.3"):  # they answer whoever asks, so silence below means that nobody did
        with socket.create_connection((address, 80)) as probe:
            probe.sendall(b"GET /probe HTTP/1.0\r\nHost: probe\r\n\r\n")
            probe.recv(10)
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
    print(json.dumps({"asked": ASKED, "code": done.returncode, "said": done.stdout + done.stderr}))


if __name__ == "__main__":
    role, socket_path, to_port, *rest = sys.argv[1:]
    if role == "bridge":
        bridge(socket_path, int(to_port))
    else:
        inside(socket_path, int(to_port), rest)
