"""Which country an outlet's address and page hint at. Only a proposal: a person says it."""

import pycountry

# Sold to all the world: they say nothing about a country.
_SOLD = {"ai", "am", "be", "cc", "cd", "co", "dj", "eu", "fm", "gg", "im", "io", "is", "la", "ly", "me", "nu", "sh", "st", "tk", "to", "tv", "vc", "ws"}  # fmt: skip
_KEPT = {"am", "be", "is"}  # sold too, but their own outlets use them
_SCRIPTS = {  # top-level domains in other letters
    "xn--p1ai": "ru", "xn--j1amh": "ua", "xn--90ais": "by", "xn--80ao21a": "kz", "xn--90a3ac": "rs", "xn--node": "ge",
    "xn--y9a3aq": "am", "xn--d1alf": "mk", "xn--qxam": "gr", "xn--90ae": "bg", "xn--l1acc": "mn",
}  # fmt: skip


def proposal(host: str, *tags: str | None) -> str | None:
    """A country's code, from the host's top-level domain, else from language tags with a region (`ru-KZ`, `uk_UA`)."""
    top = host.rstrip(".").rpartition(".")[2].lower()
    code = _SCRIPTS.get(top, "gb" if top == "uk" else top)
    if len(code) == 2 and (code not in _SOLD or code in _KEPT) and pycountry.countries.get(alpha_2=code):
        return code
    for tag in tags:
        region = (tag or "").replace("_", "-").partition(".")[0].rpartition("-")[2]
        if len(region) == 2 and "-" in (tag or "").replace("_", "-") and pycountry.countries.get(alpha_2=region):
            return region.lower()
    return None
