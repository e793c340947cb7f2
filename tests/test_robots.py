"""robots.txt: what follows from an answer, and how long it is remembered. How it is asked for: test_politeness.py."""

import json
from pathlib import Path

import pytest

from crawlers.robots import MAX_AGE, MAX_SIZE, Cache, Rules, read

ORIGIN = "https://example.org"
CLOSED = b"User-agent: *\nDisallow: /\n"


def allowed(rules: Rules, path: str) -> bool:
    return rules.usable and rules.allows(ORIGIN + path, "Narrawatch")


@pytest.mark.parametrize(
    ("body", "open_", "closed"),
    [
        (b"User-agent: *\nDisallow: /private/\n", ["/a", "/private"], ["/private/x"]),
        (b"User-agent: *\nDisallow: /a\nAllow: /a/b\n", ["/a/b/c", "/c"], ["/a/c"]),
        (b"User-agent: *\nDisallow: /*.pdf$\n", ["/x.pdf?y"], ["/x.pdf"]),
        (b"User-agent: *\nDisallow: /\n\nUser-agent: narrawatch\nDisallow: /x\n", ["/a"], ["/x"]),
        (b"User-agent: NARRAWATCH\nUser-agent: other\nDisallow: /x\n", ["/a"], ["/x"]),
        (b"User-agent: watch\nDisallow: /\n", ["/a"], []),
        (b"user-agent: *\r\ndisallow: /x # not this\r\n", ["/a"], ["/x"]),
        ("User-agent: *\nDisallow: /новини\n".encode(), ["/a"], ["/%D0%BD%D0%BE%D0%B2%D0%B8%D0%BD%D0%B8/1"]),
        (b"Sitemap: https://example.org/s.xml\n", ["/a"], []),
        (b"", ["/a"], []),
    ],
)
@pytest.mark.parametrize("encoding", ["plain", "utf-8-sig", "utf-16"])
def test_rules(body, open_, closed, encoding) -> None:
    if encoding != "plain":
        body = body.decode().encode(encoding)
    rules = read(200, body)
    assert [path for path in open_ if not allowed(rules, path)] == []
    assert [path for path in closed if allowed(rules, path)] == []


@pytest.mark.parametrize(
    ("status", "usable", "outcome"),
    [
        *((200, True, "read"), (204, True, "read"), (304, True, "invalid_url"), (401, True, "http_401")),
        *((403, True, "http_403"), (404, True, "http_404"), (410, True, "http_410"), (418, True, "http_4xx")),
        *((429, False, "http_429"), (500, False, "http_5xx"), (503, False, "http_5xx"), (599, False, "http_5xx")),
    ],
)
def test_only_a_success_holds_rules(status, usable, outcome) -> None:
    rules = read(status, CLOSED)
    assert (rules.usable, rules.outcome) == (usable, outcome)
    assert allowed(rules, "/a") is (usable and outcome != "read")


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><p>" + CLOSED, b"\xef\xbb\xbf \n<html>\n" + CLOSED])
def test_a_page_of_html_holds_no_rules(body) -> None:
    assert read(200, body) == Rules("html", usable=True)


@pytest.mark.parametrize("body", [b"\xff\xfe", b"\x00" * 1000, bytes(range(256)), b"Disallow: /\n" * 50_000])
def test_nonsense_closes_nothing_and_breaks_nothing(body) -> None:
    assert allowed(read(200, body), "/a")


def test_only_so_much_is_read_and_no_rule_is_cut_in_two() -> None:
    head = b"User-agent: *\nDisallow: /early\n"
    filler = b"Disallow: /" + b"x" * 88 + b"\n"
    body = (head + filler * (MAX_SIZE // len(filler)))[: MAX_SIZE - 12] + b"\nDisallow: /late/but/not/cut\n"
    rules = read(200, body)
    assert not allowed(rules, "/early")
    assert allowed(rules, "/late"), "cut after '/', this rule would close everything"
    assert len(rules.text) <= MAX_SIZE


@pytest.mark.parametrize(("asked", "delay"), [("7", 7.0), ("0.5", 0.5), ("0", None), ("-1", None), ("inf", None)])
def test_crawl_delay(asked, delay) -> None:
    assert read(200, f"User-agent: *\nCrawl-delay: {asked}\n".encode()).delay("Narrawatch") == delay


def test_an_answer_is_remembered_for_a_while(tmp_path: Path) -> None:
    cache, rules = Cache(tmp_path / "robots"), read(200, CLOSED)
    assert cache.get(ORIGIN, 0.0) is None
    cache.put(ORIGIN, rules, 1000.0)
    assert cache.get(ORIGIN, 1000.0 + MAX_AGE - 1) == rules
    assert cache.get(ORIGIN, 1000.0 + MAX_AGE) is None
    assert cache.get(ORIGIN, 999.0) is None, "the clock was set back"
    assert cache.get("http://example.org", 1001.0) is None
    assert MAX_AGE <= 24 * 3600, "RFC 9309, 2.4"


def test_a_failure_is_not_remembered(tmp_path: Path) -> None:
    Cache(tmp_path).put(ORIGIN, read(503, b""), 1000.0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b'{"fetched": "x"}', b'{"fetched": 1}', b"\xff"])
def test_a_damaged_memory_is_none(tmp_path: Path, content) -> None:
    cache = Cache(tmp_path)
    cache.put(ORIGIN, read(200, CLOSED), 1000.0)
    (file,) = tmp_path.iterdir()
    assert json.loads(file.read_text())["text"] == CLOSED.decode()
    file.write_bytes(content)
    assert cache.get(ORIGIN, 1001.0) is None
