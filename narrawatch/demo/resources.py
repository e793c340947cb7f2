"""What each of the demo's outlets answers, by path, and the outlet file that says where to begin."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from narrawatch.demo import listings, pages
from narrawatch.demo.sample import Site

XML = "application/xml; charset=utf-8"
START_PATHS = {
    "rss": ("feeds", "/feed.xml"),
    "atom": ("feeds", "/atom.xml"),
    "news-sitemap": ("news_sitemaps", "/news-sitemap.xml"),
    "sitemap-index": ("news_sitemaps", "/sitemap-index.xml"),
    "section": ("sections", "/newest/"),
}


@dataclass(frozen=True)
class Resource:
    """What one path answers."""

    body: bytes
    content_type: str
    etag: str | None = None
    status: int = HTTPStatus.OK
    location: str | None = None


def resources(site: Site, base: str, now: datetime) -> dict[str, Resource]:
    """Everything the outlet at `base` answers, by path; every other path is not found."""
    html = f"text/html; charset={site.encoding}"
    rules = "".join(f"Disallow: {path}\n" for path in site.disallow) or "Disallow:\n"
    found = {"/robots.txt": Resource(f"User-agent: *\n{rules}".encode(), "text/plain; charset=utf-8")}
    found |= {site.address(article): Resource(pages.page(site, article, now), html) for article in site.articles}
    found |= {
        old: Resource(b"", html, status=HTTPStatus.MOVED_PERMANENTLY, location=new)
        for old, new in site.redirects.items()
    }
    section = Resource(pages.section(site, now), html)
    found["/"] = section
    for start in site.starts:
        match start:
            case "rss":
                found["/feed.xml"] = _tagged(listings.rss(site, base, now), "application/rss+xml; charset=utf-8")
            case "atom":
                found["/atom.xml"] = _tagged(listings.atom(site, base, now), "application/atom+xml; charset=utf-8")
            case "section":
                found["/newest/"] = section
            case "sitemap-index" | "news-sitemap":
                found["/news-sitemap.xml"] = Resource(listings.news_sitemap(site, base, now), XML)
        if start == "sitemap-index":
            found["/sitemap-index.xml"] = Resource(listings.sitemap_index(base), XML)
    return found


def outlet_file(site: Site, base: str) -> dict[str, Any]:
    """Write the outlet file with which `site`, served at `base`, is crawled."""
    start: dict[str, list[Any]] = {}
    for kind in site.starts:
        key, path = START_PATHS[kind]
        url = base + path
        start.setdefault(key, []).append({"url": url, "links": site.links} if kind == "section" else url)
    return {
        "id": site.id,
        "name": site.name,
        "country": site.country,
        "languages": list(site.languages),
        "kind": site.kind,
        "start": start,
        "schedule": "*/15 * * * *",
        "expect": {"per_day": [1, 50]},
    }


def _tagged(body: bytes, content_type: str) -> Resource:
    return Resource(body, content_type, f'"{hashlib.sha256(body).hexdigest()[:16]}"')
