"""An article of the demo as its outlet's page. Same article, same `now`: same bytes."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import escape

from narrawatch.demo.sample import SampleArticle, Site


def page(site: Site, article: SampleArticle, now: datetime) -> bytes:
    """Write the page in the outlet's encoding; characters that the encoding lacks become references."""
    values = dict(_texts(site, article, now)) | dict(_blocks(site, article))
    return site.template.substitute(values).encode(site.encoding, errors="xmlcharrefreplace")


def section(site: Site, now: datetime) -> bytes:
    """Write the outlet's page that lists its newest links, with the usual links to elsewhere around them."""
    rows = "".join(
        f'<li><time>{when(site, minutes, now).strftime(site.date_format)}</time> <a href="{escape(link)}">{escape(title)}</a></li>\n'
        for link, title, minutes in listed(site)
    )
    return (
        f'<!DOCTYPE html>\n<html lang="{site.languages[0]}"><head><meta charset="{site.encoding}"><title>{escape(site.name)}</title></head>\n'
        f'<body><nav><a href="/">{escape(site.name)}</a> <a href="/about">·</a> <a href="/tags/">#</a></nav>\n'
        f'<main><ul class="newest">\n{rows}</ul></main>\n'
        '<footer><a href="/imprint">©</a> Sample page of the Narrawatch demo – invented</footer></body></html>\n'
    ).encode(site.encoding, errors="xmlcharrefreplace")


def listed(site: Site) -> list[tuple[str, str, int]]:
    """Everything the outlet's start points list, newest first: link, title, minutes since."""
    rows = [(site.address(article), article.title, article.minutes_ago) for article in site.articles]
    rows += [(extra.link, extra.title, extra.minutes_ago) for extra in site.extras]
    return sorted(rows, key=lambda row: (row[2], row[0]))


def when(site: Site, minutes_ago: int, now: datetime) -> datetime:
    """Tell a time of publication, to the second, in the outlet's own time zone."""
    return (now - timedelta(minutes=minutes_ago)).astimezone(site.offset).replace(microsecond=0)


def _texts(site: Site, article: SampleArticle, now: datetime) -> Iterator[tuple[str, str]]:
    """Each text twice: escaped for HTML, and as `<name>_json` for JSON-LD."""
    published = when(site, article.minutes_ago, now)
    changed = article.minutes_ago if article.updated_minutes_ago is None else article.updated_minutes_ago
    texts = {
        "title": article.title,
        "description": article.description,
        "language": article.language,
        "section": article.section,
        "site": site.name,
        "home": site.home,
        "url": site.home + site.address(article),
        "image": f"{site.home}/img/{article.slug}.jpg",
        "published": published.isoformat(),
        "published_text": published.strftime(site.date_format),
        "updated": when(site, changed, now).isoformat(),
        "author": ", ".join(article.authors),
        "tags": ", ".join(article.tags),
    }
    for name, text in texts.items():
        yield name, escape(text)
        yield f"{name}_json", _json(text)


def _blocks(site: Site, article: SampleArticle) -> Iterator[tuple[str, str]]:
    others = [other for other in site.articles if other.slug != article.slug][:4]
    yield "body", "" if article.video else "\n".join(_paragraphs(article.body))
    yield "player", f'<video controls src="/video/{article.slug}.mp4"></video>' if article.video else ""
    yield (
        "related",
        "\n".join(f'<li><a href="{site.address(other)}">{escape(other.title)}</a></li>' for other in others),
    )
    yield "authors_json", _json([{"@type": "Person", "name": name} for name in article.authors])
    yield "claim_review", _claim_review(site, article) if article.claim else ""


def _paragraphs(body: str) -> Iterator[str]:
    for block in body.split("\n\n"):
        text = escape(" ".join(block.split()), quote=False)
        if text.startswith("## "):
            yield f"<h2>{text.removeprefix('## ')}</h2>"
        elif text.startswith("&gt; "):
            yield f"<blockquote><p>{text.removeprefix('&gt; ')}</p></blockquote>"
        else:
            yield f"<p>{text}</p>"


def _claim_review(site: Site, article: SampleArticle) -> str:
    review = {
        "@context": "https://schema.org",
        "@type": "ClaimReview",
        "url": site.home + site.address(article),
        "claimReviewed": article.claim,
        "author": {"@type": "Organization", "name": site.name, "url": site.home},
        "reviewRating": {
            "@type": "Rating",
            "ratingValue": 1,
            "bestRating": 5,
            "worstRating": 1,
            "alternateName": article.rating,
        },
    }
    return f'<script type="application/ld+json">{_json(review)}</script>'


def _json(value: object) -> str:
    """JSON that may stand inside a script element: `</` would end it."""
    return json.dumps(value, ensure_ascii=False).replace("</", "<\\/")
