"""Paywalls and live blogs, as pages mark them."""

import json

import pytest

from processing import hints, metadata
from processing.markup import parse


def page(node=None, meta="", body=""):
    script = f'<script type="application/ld+json">{json.dumps(node)}</script>' if node else ""
    return metadata.gather(
        parse(f"<html><head>{meta}{script}</head><body>{body}<p>x</p></body></html>"), "https://a.example/x"
    )


def article(**values):
    return {"@type": "NewsArticle", "headline": "A storm", **values}


@pytest.mark.parametrize(
    ("value", "paywall"),
    [(False, True), ("False", True), ("http://schema.org/False", True), (["false"], True), (True, False), ("true", False),
     (None, None), ("perhaps", None), ({"a": 1}, None)],
)  # fmt: skip
def test_is_accessible_for_free(value, paywall):
    assert hints.paywall(page(article(isAccessibleForFree=value))) is paywall


def test_a_part_behind_the_paywall():
    part = {"@type": "WebPageElement", "isAccessibleForFree": "False", "cssSelector": ".paywall"}
    assert hints.paywall(page(article(hasPart=part))) is True
    assert hints.paywall(page(article(isAccessibleForFree=True, hasPart=[part]))) is True


@pytest.mark.parametrize(
    ("meta", "paywall"),
    [
        ('<meta property="article:content_tier" content="locked">', True),
        ('<meta property="article:content_tier" content="metered">', False),
        ('<meta property="article:content_tier" content="free">', False),
        ('<meta name="is_paywalled" content="true">', True),
        ('<meta name="premium" content="no">', False),
        ('<meta itemprop="isAccessibleForFree" content="False">', True),
        ("", None),
    ],
)
def test_meta(meta, paywall):
    assert hints.paywall(page(meta=meta)) is paywall


def test_microdata_of_teasers_below_the_article_say_nothing_of_it():
    teaser = '<div itemprop="hasPart" itemscope><meta itemprop="isAccessibleForFree" content="false"></div>'
    assert hints.paywall(page(meta='<meta itemprop="isAccessibleForFree" content="true">', body=teaser)) is False
    assert hints.paywall(page(article(isAccessibleForFree=True), body=teaser)) is False


@pytest.mark.parametrize(
    ("given", "live"),
    [
        ({"node": {"@type": "LiveBlogPosting", "headline": "Storm, live"}}, True),
        ({"node": [article(), {"@type": ["LiveBlogPosting"], "coverageStartTime": "2026-01-01"}]}, True),
        ({"body": '<div itemscope itemtype="https://schema.org/LiveBlogPosting"></div>'}, True),
        ({"node": article()}, False),
    ],
)
def test_live_blog(given, live):
    assert hints.live_blog(page(**given)) is live
