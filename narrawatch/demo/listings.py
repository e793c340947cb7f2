"""The start points of the demo's outlets for machines: feeds and news sitemaps."""

from datetime import datetime
from email.utils import format_datetime
from xml.etree import ElementTree as ET

from narrawatch.demo.pages import listed, when
from narrawatch.demo.sample import Site

ATOM = "http://www.w3.org/2005/Atom"
SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
NEWS = "http://www.google.com/schemas/sitemap-news/0.9"


def rss(site: Site, base: str, now: datetime) -> bytes:
    """Write RSS 2.0 with absolute links."""
    root = ET.Element("rss", version="2.0")
    channel = ET.SubElement(root, "channel")
    for tag, text in (
        ("title", site.name),
        ("link", f"{base}/"),
        ("description", site.name),
        ("language", site.languages[0]),
    ):
        ET.SubElement(channel, tag).text = text
    for link, title, minutes in listed(site):
        item = ET.SubElement(channel, "item")
        ET.SubElement(item, "title").text = title
        ET.SubElement(item, "link").text = base + link
        ET.SubElement(item, "guid", isPermaLink="false").text = f"{site.id}:{link}"
        ET.SubElement(item, "pubDate").text = format_datetime(when(site, minutes, now))
    return _bytes(root)


def atom(site: Site, base: str, now: datetime) -> bytes:
    """Write Atom with links relative to `xml:base`, as some publishing systems write them."""
    root = ET.Element("feed", {"xmlns": ATOM, "xml:base": f"{base}/"})
    newest = when(site, listed(site)[0][2], now).isoformat()
    for tag, text in (("id", site.home), ("title", site.name), ("updated", newest)):
        ET.SubElement(root, tag).text = text
    for link, title, minutes in listed(site):
        entry = ET.SubElement(root, "entry")
        ET.SubElement(entry, "id").text = site.home + link
        ET.SubElement(entry, "title").text = title
        ET.SubElement(entry, "link", rel="alternate", href=link.removeprefix("/"))
        ET.SubElement(entry, "updated").text = when(site, minutes, now).isoformat()
    return _bytes(root)


def news_sitemap(site: Site, base: str, now: datetime) -> bytes:
    """Write a news sitemap; an article's language is its own, not the outlet's."""
    language = {site.address(article): article.language for article in site.articles}
    root = ET.Element("urlset", {"xmlns": SITEMAP, "xmlns:news": NEWS})
    for link, title, minutes in listed(site):
        url = ET.SubElement(root, "url")
        ET.SubElement(url, "loc").text = base + link
        news = ET.SubElement(url, "news:news")
        publication = ET.SubElement(news, "news:publication")
        ET.SubElement(publication, "news:name").text = site.name
        ET.SubElement(publication, "news:language").text = language.get(link, site.languages[0])
        ET.SubElement(news, "news:publication_date").text = when(site, minutes, now).isoformat()
        ET.SubElement(news, "news:title").text = title
    return _bytes(root)


def sitemap_index(base: str) -> bytes:
    """Write a sitemap index with the news sitemap in it."""
    root = ET.Element("sitemapindex", {"xmlns": SITEMAP})
    ET.SubElement(ET.SubElement(root, "sitemap"), "loc").text = f"{base}/news-sitemap.xml"
    return _bytes(root)


def _bytes(root: ET.Element) -> bytes:
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text
