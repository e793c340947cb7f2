"""The spider a run uses: an outlet may publish by feed, sitemap and section page at once."""

from crawlers.spiders.feed import FeedSpider
from crawlers.spiders.home import HomeSpider
from crawlers.spiders.listing import ListingSpider
from crawlers.spiders.sitemap import SitemapSpider


class OutletsSpider(FeedSpider, SitemapSpider, ListingSpider, HomeSpider):
    """All platforms in one engine: one downloader, hence one slot and one robots.txt per domain."""

    name = "outlets"
