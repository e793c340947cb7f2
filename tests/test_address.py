"""The normal form of addresses is frozen: ids come from it. A failure here means that every known page would be new."""

import hashlib
import random

import pytest

from crawlers.address import MAX_LENGTH, NORMAL_FORM, AddressError, fetchable, normalise, url_id

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
    "https://example.org/a;JSESSIONID=0000xYz:-1/b": "https://example.org/a/b",
    "https://example.org/a;sid=7": "https://example.org/a;sid=7",
    "https://example.org/a;sid=0123456789abcdef0123456789abcdef": "https://example.org/a",
    "https://example.org/(S(lit3py55t21z5v55vlm25s55))/News.aspx?id=4": "https://example.org/News.aspx?id=4",
    "https://example.org/(A(b)C)/x": "https://example.org/(A(b)C)/x",
    "https://example.org//news///2026//a": "https://example.org/news/2026/a",
    "https://example.org/a//../b": "https://example.org/a/b",
    "https://example.org//": "https://example.org/",
    "https://example.org/r/https://other.example/x": "https://example.org/r/https:/other.example/x",
    "https://example.org/./a/../../b": "https://example.org/b",
    "https://example.org/a/.": "https://example.org/a/",
    "https://example.org/%2e%2e/a": "https://example.org/a",
    "https://example.org/News/A": "https://example.org/News/A",
    "https://example.org/a+b": "https://example.org/a+b",
    "https://example.org/a%2bb": "https://example.org/a+b",
    "https://example.org/a(1)'!*": "https://example.org/a(1)'!*",
    "https://example.org/a%00b": "https://example.org/a%00b",
    "https://example.org/новости/2026": "https://example.org/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8/2026",
    "https://example.org/caf\u00e9": "https://example.org/caf%C3%A9",
    "https://example.org/cafe\u0301": "https://example.org/cafe%CC%81",
    # what only the pages can prove stays apart
    "https://example.org/a/index.html": "https://example.org/a/index.html",
    "https://example.org/a.amp.html": "https://example.org/a.amp.html",
    "https://example.org/a/amp/": "https://example.org/a/amp/",
    "https://example.org/amp/a": "https://example.org/amp/a",
    "https://example.org/a?amp": "https://example.org/a?amp=",
    "https://example.org/a?amp=1": "https://example.org/a?amp=1",
    "https://example.org/a?outputType=amp": "https://example.org/a?outputType=amp",
    "https://amp.example.org/a": "https://amp.example.org/a",
    "https://m.example.org/a": "https://m.example.org/a",
    "https://mobile.example.org/a": "https://mobile.example.org/a",
    "https://example.org/print/a": "https://example.org/print/a",
    "https://example.org/a?print=1": "https://example.org/a?print=1",
    "https://example.org/a?output=print": "https://example.org/a?output=print",
    "https://example.org/a?page=2": "https://example.org/a?page=2",
    # caches of AMP pages
    "https://cdn.ampproject.org/c/s/www.example.org/a/amp": "https://www.example.org/a/amp",
    "https://www-example-org.cdn.ampproject.org/c/s/www.example.org/a?amp=1": "https://www.example.org/a?amp=1",
    "https://www-example-org.cdn.ampproject.org/v/s/www.example.org/a?utm_source=x": "https://www.example.org/a",
    "https://cdn.ampproject.org/c/example.org/a": "https://example.org/a",
    "https://cdn.ampproject.org:443/c/s/example.org/a": "https://example.org/a",
    "https://www.google.com/amp/s/www.example.org/a/amp/": "https://www.example.org/a/amp/",
    "https://www.google.co.uk/amp/s/example.org/a": "https://example.org/a",
    "https://example-org.bing-amp.com/c/s/example.org/a": "https://example.org/a",
    "https://cdn.ampproject.org/c/s/cdn.ampproject.org/c/s/example.org/a": "https://example.org/a",
    "https://cdn.ampproject.org/v0.js": "https://cdn.ampproject.org/v0.js",
    "https://www.google.com/amp/s/": "https://www.google.com/amp/s/",
    "https://blog.google.com/amp/s/example.org/a": "https://blog.google.com/amp/s/example.org/a",
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
    "https://example.org/a?utm=rss&utm_id=4&utm_source_platform=x": "https://example.org/a",
    "https://example.org/a?itm_source=parsely-api&itm_campaign=x": "https://example.org/a",
    "https://example.org/a?dm_source=homepage&dm_medium=link": "https://example.org/a",
    "https://example.org/a?ga_campaign=x&hsa_acc=2&__hstc=3&_hsmi=4": "https://example.org/a",
    "https://example.org/a?pk_campaign=x&mtm_source=y&matomo_kwd=z": "https://example.org/a",
    "https://example.org/a?at_link_id=1&at_ptr_name=twitter&at_bbc_team=editorial": "https://example.org/a",
    "https://example.org/a?at_id=7": "https://example.org/a?at_id=7",
    "https://example.org/a?xtmc=q&xtcr=1&xtref=example.org": "https://example.org/a",
    "https://example.org/a?maca=en-rss-en-all-1573-rdf": "https://example.org/a",
    "https://example.org/a?traffic_source=rss": "https://example.org/a",
    "https://example.org/a?ocid=socialflow&intcid=CNI-00&ftag=CAD1": "https://example.org/a",
    "https://example.org/a?n_cid=TPRN0016": "https://example.org/a",
    "https://example.org/a?spm=C96370.PsikHJQ1ICOX.E2": "https://example.org/a",
    "https://example.org/a?ysclid=l1&ymclid=2&yadclid=3": "https://example.org/a",
    "https://example.org/a?msclkid=1&twclid=2&ttclid=3&wbraid=4&gad_source=5": "https://example.org/a",
    "https://example.org/a?mibextid=1&fref=ts&__tn__=K-R&__xts__[0]=2": "https://example.org/a",
    "https://example.org/a?ref_src=twsrc%5Etfw": "https://example.org/a",
    "https://example.org/a?Echobox=1669190000": "https://example.org/a",
    "https://example.org/a#Echobox=1669190000": "https://example.org/a",
    "https://example.org/a#xtor=RSS-3208": "https://example.org/a",
    "https://example.org/a?replytocom=896026": "https://example.org/a",
    "https://example.org/a.html?showComment=1381172401460#c1": "https://example.org/a.html",
    "https://example.org/a?amp;amp;utm_medium=x&amp;id=2": "https://example.org/a?amp%3Bid=2",
    "https://example.org/a?%75tm_source=rss": "https://example.org/a",
    "https://example.org/a?src=rss&srcref=rss&from=feed&partner=rss&emc=rss": "https://example.org/a",
    "https://example.org/a?src=5&from=menu&source=tass": "https://example.org/a?from=menu&source=tass&src=5",
    "https://example.org/a?keyword=x&campaign=1&medium=2&uid=3&eid=4": "https://example.org/a?campaign=1&eid=4&keyword=x&medium=2&uid=3",
    "https://example.org/a?format=x&channel=tv&type=news": "https://example.org/a?channel=tv&format=x&type=news",
    "https://example.org/a?share=x&cHash=670cf3e2": "https://example.org/a?cHash=670cf3e2&share=x",
    # sessions
    "https://example.org/t.php?t=5&sid=0123456789abcdef0123456789ABCDEF": "https://example.org/t.php?t=5",
    "https://example.org/a?sid=0123456789abcdef0123456789abcdef": "https://example.org/a?sid=0123456789abcdef0123456789abcdef",
    "https://example.org/a?id=1&sid=12": "https://example.org/a?id=1&sid=12",
    "https://example.org/a?ASPSESSIONIDQQABC=X&CFID=1&CFTOKEN=2": "https://example.org/a",
    "https://example.org/a?osCsid=9&___SID=S&jsessionid=3": "https://example.org/a",
    "https://example.org/a?session=5": "https://example.org/a?session=5",
    # repeated, empty and odd parameters
    "https://example.org/a?id=2&id=1": "https://example.org/a?id=1&id=2",
    "https://example.org/a?&&id=1&": "https://example.org/a?id=1",
    "https://example.org/a?=x": "https://example.org/a?=x",
    "https://example.org/a?q=%d0%bf&r=п": "https://example.org/a?q=%D0%BF&r=%D0%BF",
    "https://example.org/a?q=100%": "https://example.org/a?q=100%25",
    "https://example.org/a?u=https%3A%2F%2Fother.example%2F%3Futm_source%3Dx": "https://example.org/a?u=https%3A%2F%2Fother.example%2F%3Futm_source%3Dx",
    "https://example.org?id=1": "https://example.org/?id=1",
    "https://example.org/a?id=1?utm_source=rss": "https://example.org/a?id=1%3Futm_source%3Drss",
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


def test_the_table_changes_only_with_the_version() -> None:
    """Adding a case changes the digest too: then write the new one. Changing a case means counting NORMAL_FORM up."""
    table = "\n".join(f"{url} {form}" for url, form in sorted(PINNED.items()))
    assert (NORMAL_FORM, len(PINNED), hashlib.sha256(table.encode()).hexdigest()[:16]) == (2, 136, "2e859711560bd6ee")


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
        host = dice.choice(
            ["cdn.ampproject.org/c/s/ex.org", "ex.org", "EX.org:80", "xn--a.b:8080", "пример.рф", "[::1]", "a.b."]
        )
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
        ("https://cdn.ampproject.org/c/s/example.org/a?amp=1", "https://example.org/a?amp=1"),
        ("https://example.org//a/?replytocom=7", "https://example.org//a/"),
        ("https://example.org/a?PHPSESSID=1&fbclid=2", "https://example.org/a?PHPSESSID=1"),
        ("https://example.org/a;jsessionid=1", "https://example.org/a;jsessionid=1"),
        ("https://example.org/%d0%bf?", "https://example.org/%d0%bf"),
        (" https://example.org/a b\n", "https://example.org/a%20b"),
    ],
)
def test_what_is_fetched_differs_only_by_fragment_and_tracking(url: str, expected: str) -> None:
    assert fetchable(url) == expected
