"""Which addresses a crawl may connect to, however they are written and whatever a name server says."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from scrapy import Request
from twisted.internet.task import Clock

from crawlers import failures
from crawlers.guard import BadAddress, GuardedResolver, GuardMiddleware, PrivateAddress, permitted

NEVER = [
    "169.254.169.254",  # metadata: AWS, Azure, GCP, …
    "169.254.170.2",  # AWS containers
    "100.100.100.200",  # Alibaba
    "192.0.0.192",  # Oracle
    "fd00:ec2::254",  # AWS over IPv6
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.127.255.254",
    "198.18.0.1",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "192.88.99.1",
    "0.0.0.0",
    "0.1.2.3",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "fd00::1",
    "ff02::1",
    "100::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "::10.0.0.1",  # IPv4-compatible
    "::93.184.215.14",
    "::ffff:0:10.0.0.1",  # IPv4-translated
    "64:ff9b::a9fe:a9fe",  # NAT64
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "64:ff9b:1:a9fe:a9:fe00::",
    "2002:a9fe:a9fe::1",  # 6to4
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",  # Teredo
]
AT_HOME = ["127.0.0.1", "127.8.8.8", "127.255.255.255", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]
OPEN = ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", NEVER)
def test_never(address: str) -> None:
    assert not permitted(address, allow_loopback=False)
    assert not permitted(address, allow_loopback=True)


@pytest.mark.parametrize("address", AT_HOME)
def test_only_when_allowed(address: str) -> None:
    assert not permitted(address, allow_loopback=False)
    assert permitted(address, allow_loopback=True)


@pytest.mark.parametrize("address", OPEN)
def test_open_internet(address: str) -> None:
    assert permitted(address, allow_loopback=False)


SPELLINGS = [
    "http://127.0.0.1:9200/",
    "http://[::1]/",
    "http://169.254.169.254/latest/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0xa9.0xfe.0xa9.0xfe/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://169.16689662/",
    "http://127.1/",
    "http://0/",
    "http://169.254.169.254./",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[0:0:0:0:0:ffff:169.254.169.254]/",
    "http://[fe80::1%25eth0]/",
    "http://１６９.２５４.１６９.２５４/",
    "http://⑯⑨.②⑤④.⑯⑨.②⑤④/",
    "http://169。254。169。254/",
]


def resolved(url: str, answers: dict[str, list[str]] | None = None) -> tuple[list[str], GuardedResolver]:
    """The addresses that a connection for this URL would be opened to; by the system's own resolver, offline."""
    host = urlsplit(Request(url).url).hostname or ""

    def look_up(name: str, port: int, **kind: int) -> list:
        if answers is None:
            return socket.getaddrinfo(name, port, flags=socket.AI_NUMERICHOST, **kind)
        return [(0, 0, 0, "", (address, port)) for address in answers[name]]

    resolver = GuardedResolver(_Here(), allow_loopback=False, timeout=5, look_up=look_up)
    receiver = _Receiver()
    resolver.resolveHostName(receiver, host, 80)
    assert receiver.complete
    return receiver.addresses, resolver


class _Here(Clock):
    """A reactor without threads: what is to be done in one is done at once."""

    def getThreadPool(self) -> "_Here":  # noqa: N802
        return self

    def callInThreadWithCallback(self, done, function, *args, **kwargs) -> None:  # noqa: N802
        from twisted.python.failure import Failure

        try:
            done(True, function(*args, **kwargs))
        except OSError:
            done(False, Failure())

    def callFromThread(self, function, *args, **kwargs) -> None:  # noqa: N802
        function(*args, **kwargs)


class _Receiver:
    """What Twisted gives a resolver to answer to."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.complete = False

    def resolutionBegan(self, resolution: object) -> None:  # noqa: N802
        """Nothing to note."""

    def addressResolved(self, address) -> None:  # noqa: N802
        self.addresses.append(address.host)

    def resolutionComplete(self) -> None:  # noqa: N802
        self.complete = True


@pytest.mark.parametrize("url", SPELLINGS)
def test_no_spelling_of_a_forbidden_address_is_connected_to(url: str) -> None:
    guard = GuardMiddleware(allow_loopback=False)
    try:
        guard.process_request(Request(url))
    except (PrivateAddress, BadAddress):
        return
    assert resolved(url)[0] == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:9200/", "http://[::1]/", "http://[::ffff:a9fe:a9fe]/"])
def test_literal_addresses_are_refused_before_anything_else(url: str) -> None:
    with pytest.raises(PrivateAddress):
        GuardMiddleware(allow_loopback=False).process_request(Request(url))


@pytest.mark.parametrize(
    "url",
    [
        "http://user@example.org/",
        "http://a:b@169.254.169.254/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "data:text/html,<p>",
        "gopher://example.org:70/",
        "http://example.org:25/",
        "http://example.org:22/",
        "http://example.org:0/",
        f"http://example.org/{'a' * 3000}",
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(BadAddress) as refusal:
        GuardMiddleware(allow_loopback=True).process_request(Request(url))
    assert failures.outcome_of(refusal.value) == "invalid_url"


@pytest.mark.parametrize("url", ["http://example.org/", "https://example.org:8443/", "http://example.org:81/a"])
def test_names_are_left_to_the_resolver(url: str) -> None:
    GuardMiddleware(allow_loopback=False).process_request(Request(url))


def test_of_several_addresses_only_the_permitted_are_handed_out() -> None:
    answers = {"mixed.example": ["10.0.0.1", "93.184.215.14", "169.254.169.254", "fd00::1", "8.8.8.8"]}
    assert resolved("http://mixed.example/", answers)[0] == ["93.184.215.14", "8.8.8.8"]
    assert len(resolved("http://many.example/", {"many.example": [f"8.8.8.{n}" for n in range(200)]})[0]) == 8


def test_rebinding_finds_the_first_answer() -> None:
    """The second answer is private, but nobody asks for a second one; were it asked for, it would be judged as well."""
    answers = {"rebind.example": ["93.184.215.14"]}
    first, resolver = resolved("http://rebind.example/", answers)
    answers["rebind.example"] = ["169.254.169.254"]
    receiver = _Receiver()
    resolver.resolveHostName(receiver, "rebind.example", 80)
    assert receiver.addresses == first == ["93.184.215.14"]
    assert resolver.admit(["169.254.169.254"], "rebind.example") == []
    assert "rebind.example" in resolver.refused
    assert resolver.admit(["93.184.215.14"], "rebind.example") == ["93.184.215.14"]
    assert "rebind.example" not in resolver.refused


def test_a_name_without_an_answer_is_not_a_private_one() -> None:
    addresses, resolver = resolved("http://nowhere.example/")  # AI_NUMERICHOST knows no names
    assert addresses == []
    assert "nowhere.example" not in resolver.refused


def _namespaces() -> str | None:
    """Why no network namespace can be had here; None when one can."""
    if os.geteuid() or not shutil.which("unshare") or not shutil.which("ip"):
        return "needs root, unshare and ip"
    done = subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False)
    return None if done.returncode == 0 else "this machine makes no network namespaces"


@pytest.fixture(scope="module")
def crawled(node, shared_cluster, shared_environ, tmp_path_factory) -> dict:
    """A crawl in an internet of our own, where the name server lies: what was asked of whom, and how each URL ended."""
    if reason := _namespaces():
        pytest.skip(reason)
    folder, script = tmp_path_factory.mktemp("net"), Path(__file__).with_name("isolated_net.py")
    outlet = {
        "id": "news",
        "name": "News",
        "country": "gb",
        "languages": ["en"],
        "kind": "news",
        "start": {"feeds": ["http://news.example/feed.xml", "http://meta.example/feed.xml"]},
        "schedule": "0 * * * *",
        "expect": {"per_day": [0, 100]},
    }
    (folder / "news.yml").write_text(yaml.safe_dump(outlet))
    port = str(urlsplit(node).port)
    environ = shared_environ | {
        "NARRAWATCH_ALLOW_LOOPBACK": "0",
        "NARRAWATCH_USER_AGENT_CONTACT": "https://news.example/contact",
        "http_proxy": "http://10.1.2.3:80",
        "https_proxy": "http://10.1.2.3:80",
        "no_proxy": "127.0.0.1",
    }
    command = [Path(sys.executable).with_name("narrawatch"), "crawl", "--outlets", folder, "--run-id", "net"]
    path = f"/tmp/narrawatch-{os.getpid()}"
    with subprocess.Popen([sys.executable, script, "bridge", path, port], stdout=subprocess.PIPE, text=True) as bridge:
        try:
            assert bridge.stdout.readline() == "ready\n"
            inside = ["unshare", "--net", "--mount", sys.executable, script, "inside", path, port, *command]
            done = subprocess.run(inside, env=environ, capture_output=True, text=True, timeout=120, check=False)
        finally:
            bridge.terminate()
            for left in Path("/tmp").glob(f"{Path(path).name}*"):
                left.unlink()
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["code"] == 0, told["said"]
    shared_cluster.client.indices.refresh(index=shared_cluster.name("urls"))
    hits = shared_cluster.client.search(index=shared_cluster.name("urls"), size=100)["hits"]["hits"]
    account = shared_cluster.client.get(index=shared_cluster.name("crawls"), id="news:net")["_source"]
    outcomes = {hit["_source"]["url"]: hit["_source"].get("outcome") for hit in hits}
    return {**told, "outcomes": outcomes, "account": account}


def test_nothing_reaches_a_private_address(crawled: dict) -> None:
    asked = crawled["asked"]
    assert asked["93.184.215.14"], crawled["said"]
    probes = {address: requests for address, requests in asked.items() if address != "93.184.215.14"}
    assert probes == {"169.254.169.254": ["probe/probe"], "10.1.2.3": ["probe/probe"]}


EXPECTED = {
    "http://news.example/good": "captured",
    "http://rebind.example/1": "captured",
    "http://rebind.example/2": "captured",
    "http://mixed.example/good": "captured",
    "http://inside.example/x": "private_address",
    "http://meta.example/latest/": "private_address",
    "http://ula.example/x": "private_address",
    "http://mapped.example/x": "private_address",
    "http://home.example/x": "private_address",
    "http://localhost/x": "private_address",
    "http://169.254.169.254/latest/": "private_address",
    "http://2852039166/latest/": "private_address",
    "http://0xa9fea9fe/latest/": "private_address",
    "http://[fd00:ec2::254]/latest/": "private_address",
    "http://[::ffff:169.254.169.254]/latest/": "private_address",
    "http://10.1.2.3/x": "private_address",
    "http://r1.example/to/http://169.254.169.254/latest/meta-data/": "private_address",
    "http://r2.example/to/http://meta.example/latest/": "private_address",
    "http://r3.example/to/http://100.100.100.200/latest/": "private_address",
    "http://r4.example/to/http://192.168.7.7/": "private_address",
    "http://r5.example/to/file:///etc/passwd": "invalid_url",
    "http://r6.example/to/ftp://10.1.2.3/x": "invalid_url",
    "http://r7.example/to/http://news.example:25/": "invalid_url",
    "http://robots.example/x": "private_address",
}


def test_every_url_has_its_outcome(crawled: dict) -> None:
    assert {url: crawled["outcomes"][url] for url in EXPECTED} == EXPECTED
    assert sum(crawled["account"]["fetch"].values()) == crawled["account"]["discovered"] == len(EXPECTED)


def test_start_points_are_checked_too(crawled: dict) -> None:
    starts = {start["url"]: start["outcome"] for start in crawled["account"]["starts"]}
    assert starts == {"http://news.example/feed.xml": "read", "http://meta.example/feed.xml": "private_address"}
