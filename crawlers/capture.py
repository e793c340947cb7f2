"""What came over the wire: one page as fetched, before anybody understands it."""

from dataclasses import dataclass

from crawlers.address import url_id


@dataclass(frozen=True, kw_only=True)
class Capture:
    """One fetched page. `url` is where the body came from, `requested_url` where the crawl began; a redirect parts them."""

    outlet: str
    run: str
    url: str
    requested_url: str
    fetched: str
    status: int
    content_type: str | None
    body: bytes
    file: str = ""
    offset: int = -1

    @property
    def id(self) -> str:
        """The article's id: from the address the page was fetched at."""
        return url_id(self.url)
