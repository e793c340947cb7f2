"""Which addresses belong to one publisher's site: those with one registrable domain (example.co.uk, name.github.io)."""

import functools
from urllib.parse import urlsplit

from tldextract import TLDExtract

# The list that comes with the library, never a download; with the domains under which others' customers have theirs.
_EXTRACT = TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


def site(url: str) -> str:
    """The registrable domain of an address; of an IP address or a bare name, the host itself; "" without a host."""
    try:
        return _of_host(urlsplit(url).hostname or "")
    except ValueError:
        return ""


@functools.lru_cache(maxsize=4096)
def _of_host(host: str) -> str:
    return _EXTRACT.extract_str(host).top_domain_under_public_suffix or host
