"""The normal form of addresses is frozen: ids come from it. A failure here means that every known page would be new."""

import random

import pytest

from crawlers.address import MAX_LENGTH, AddressError, fetchable, normalise, url_id

PINNED = {
    # host, scheme and port
    "https://example.org": "https://example.org/",
    "http://example.org/": "https://example.org/",
    "HTTP://Example.ORG:80/A": "https://example.org/A",
    "https://example.org:443/a": "https://example.org/a",
    "http://example.org:443/a": "http://example.org:443/a",
    "https://example.org:80/a": "https://example.org:80/a",
    "http://127.0.1.7:8800/a/x": "http://127.0.1.7:8800/a/x",
    "https://example.org./a": "https://example.org/a",
    "https://www.example.org/a": "https://www.example.org/a",
    "http://[0:0:0:0:0:0:0:1]:8080/a": "http://[::1]:8080/a",
    "https://пример.рф/новости": "https://xn--e1afmkfd.xn--p1ai/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8",
    "https://XN--E1AFMKFD.xn--p1ai/": "https://xn--e1afmkfd.xn--p1ai/",
    "https://bücher.example/a": "https://xn--bcher-kva.example/a",
    # path
    "  https://example.org/a\n": "https://example.org/a",
    "https://example.org/a/\n  b": "https://example.org/a/%20%20b",
    "https://example.org/a b": "https://example.org/a%20b",
    "https://example.org/%d0%bf": "https://example.org/%D0%BF",
    "https://example.org/%D0%BF": "https://example.org/%D0%BF",
    "https://example.org/%7Euser": "https://example.org/~user",
    "https://example.org/a%2Fb": "https://example.org/a%2Fb",
    "https://example.org/100%-sure": "https://example.org/100%25-sure",
    "https://example.org/caf%E9": "https://example.org/caf%E9",
    "https://example.org/x/../y/./z": "https://example.org/y/z",
    "https://example.org/a/": "https://example.org/a/",
    "https://example.org/a\\b": "https://example.org/a/b",
    "https://example.org/a;jsessionid=1F2E?id=3": "https://example.org/a?id=3",
    "https://example.org/a,1;c": "https://example.org/a,1;c",
    # query and fragment
    "https://example.org/a#comments": "https://example.org/a",
    "https://example.org/#!/story/1": "https://example.org/",
    "https://example.org/a?": "https://example.org/a",
    "https://example.org/a?b=2&a=1": "https://example.org/a?a=1&b=2",
    "https://example.org/a?q=x%20y": "https://example.org/a?q=x+y",
    "https://example.org/a?n": "https://example.org/a?n=",
    "https://example.org/?p=39032": "https://example.org/?p=39032",
    "https://example.org/article.php?sid=7&page=2": "https://example.org/article.php?page=2&sid=7",
    "https://example.org/a?article_id=5&cid=9&n=1": "https://example.org/a?article_id=5&cid=9&n=1",
    "https://example.org/a?from=2026-11-22&ref=42": "https://example.org/a?from=2026-11-22&ref=42",
    # what tracks readers and sessions
    "https://example.org/a?utm_source=rss&UTM_Medium=x&id=1": "https://example.org/a?id=1",
    "https://example.org/a?utm_source=rss": "https://example.org/a",
    "https://example.org/a?id=1&amp;utm_source=rss": "https://example.org/a?id=1",
    "https://example.org/a?fbclid=I&gclid=1&yclid=2&igshid=3": "https://example.org/a",
    "https://example.org/a?mc_cid=1&mc_eid=2&_openstat=3": "https://example.org/a",
    "https://example.org/a?at_medium=RSS&at_campaign=x": "https://example.org/a",
    "https://example.org/a?xtor=RSS-1&CMP=share_btn_tw&ns_campaign=y": "https://example.org/a",
    "https://example.org/a?ref=rss&source=feed": "https://example.org/a",
    "https://example.org/a?PHPSESSID=ab12&id=1": "https://example.org/a?id=1",
    "https://example.org/a?__cf_chl_jschl_tk__=z": "https://example.org/a",
}

PINNED_IDS = {
    "https://example.org/": "8198d1bac40a1033653a78e48800cefc",
    "http://example.org:80/?utm_source=rss#top": "8198d1bac40a1033653a78e48800cefc",
    "https://example.org/a?b=2&a=1": "acfdff69c781145cbd6a774202fac552",
    "http://127.0.1.7:8800/a/x": "7834e3bb8ef0c70065516fa082945cbd",
    "https://пример.рф/новости": "1c193a8011d4d60d3f790cf694e1e7d2",
    "https://www.example.org/2026/11/22/story.html": "6569f42324082f337d087da803f29acf",
}

REFUSED = {
    "": "no http or https",
    "/a": "no http or https",
    "ftp://example.org/": "no http or https",
    "javascript:alert(1)": "no http or https",
    "https:///a": "no host",
    "https://": "no host",
    "https://user@example.org/": "user name",
    "https://user:word@example.org/": "user name",
    "https://good.example\\@evil.example/": "user name",
    "https://example.org:99999/": "Port out of range",
    "https://example.org:0/": "malformed host or port",
    "https://example.org:a/": "no address",
    "https://[::1/": "no address",
    "https://exa mple.org/": "malformed host",
    "https://exam%70le.org/": "malformed host",
    "https://a..b/": "no host name",
    f"https://{'a' * 64}.org/": "no host name",
    f"https://example.org/{'a' * MAX_LENGTH}": "2048 is the limit",
    f"https://example.org/{'п' * 500}": "2048 is the limit",
    "https://example.org/\ud800": "no address",
}


@pytest.mark.parametrize("url", PINNED)
def test_normal_form_is_frozen(url: str) -> None:
    assert normalise(url) == PINNED[url]


@pytest.mark.parametrize("url", PINNED)
def test_normal_form_is_its_own_and_that_of_what_is_fetched(url: str) -> None:
    assert normalise(normalise(url)) == normalise(url)
    assert normalise(fetchable(url)) == normalise(url)


@pytest.mark.parametrize("url", PINNED_IDS)
def test_ids_are_frozen(url: str) -> None:
    assert url_id(url) == PINNED_IDS[url]


@pytest.mark.parametrize("url", REFUSED)
def test_unusable_addresses_are_refused_with_a_reason(url: str) -> None:
    with pytest.raises(AddressError, match=REFUSED[url]):
        normalise(url)


def test_any_address_is_refused_or_has_a_stable_form() -> None:
    letters = [
        *"aZ/.:;?#&=%[]@\\+~!$'()*,-_0éп😀|^`{}<>\" \t\n",
        "%41",
        "%2f",
        "%C3%A9",
        "..",
        "utm_source=",
        ";jsessionid=",
    ]
    dice = random.Random(3)
    stable = 0
    for _ in range(5_000):
        host = dice.choice(["ex.org", "EX.org:80", "xn--a.b:8080", "пример.рф", "[::1]", "a.b."])
        url = f"http{dice.choice(['', 's'])}://{host}/{''.join(dice.choices(letters, k=dice.randrange(20)))}"
        try:
            form = normalise(url)
        except AddressError:
            continue
        assert form == normalise(form) == normalise(fetchable(url)), url
        stable += 1
    assert stable > 3_000


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://Example.org:80/b?z=1&a=2&utm_source=rss#x", "http://Example.org:80/b?z=1&a=2"),
        ("https://example.org/a?PHPSESSID=1&fbclid=2", "https://example.org/a?PHPSESSID=1"),
        ("https://example.org/a;jsessionid=1", "https://example.org/a;jsessionid=1"),
        ("https://example.org/%d0%bf?", "https://example.org/%d0%bf"),
        (" https://example.org/a b\n", "https://example.org/a%20b"),
    ],
)
def test_what_is_fetched_differs_only_by_fragment_and_tracking(url: str, expected: str) -> None:
    assert fetchable(url) == expected
