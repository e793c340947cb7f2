"""Query parameters that name no page: where a reader came from, and the reader's session.

Our own table, not a library's: ids come from it. courlan's pattern grows with its releases and takes everything with
`cid`, `ref`, `source` or `keyword` in its name, and on many sites those select the article. So do `sid`, `from`, `amp`
and `page`: they stay, since two addresses of one text are a smaller harm than two texts at one address, and what the
pages themselves say joins such addresses later. What browsers and privacy lists strip on every site is here.
"""

import re
from urllib.parse import unquote

_TRACKING = re.compile(
    # campaigns, by the analytics that reads them
    r"utm(_\w+)?|mtm_\w+|(pk|piwik|matomo)_(campaign|kwd|keyword|source|medium|content|cid)|itm_\w+|otm_\w+|dm_(source|medium|campaign)"
    r"|ga_(source|medium|campaign|term|content|place)|hsa_\w+|__hs(fp|sc|tc)|_hsenc|_hsmi|hsctatracking|bsft_\w+"
    r"|at_(medium|campaign\w*|custom\d*|link\w*|bbc_team|ptr_name|format|creation|variant|channel|type|objective|recipient\w*|send_\w+"
    r"|identifier|emailtype|publisher|platform|general_placement|detail_placement)"
    r"|ns_(mchannel|source|campaign|linkname|fee)|xtor|xtref|xt(mc|cr|np)|wt_z?mc|wtrid|cmp|cmpid|icid|ncid|ocid|intcid|intcmp|smid|ftag"
    r"|s_cid|s_kwcid|ef_id|mkt_tok|vero_(id|conv)|oly_(enc|anon)_id|vgo_ee|wickedid|srsltid|rb_clickid|spm|traffic_source|n_cid|maca"
    r"|echobox|ml_subscriber(_hash)?|mc_(cid|eid|tc)|dicbo|tblci|_ga|_gl|_gac|_branch_match_id|guccounter|guce_referrer(_sig)?"
    # clicks, by the network that counts them
    r"|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|gad_source|gad_campaignid|msclkid|twclid|ttclid|li_fat_id|yclid|ysclid|ymclid|yrclid"
    r"|yadclid|_openstat|igsh|igshid|mibextid|sfnsn|fb_(action_ids|action_types|source|ref|comment_id)|action_(object|type|ref)_map"
    r"|ref_src|ref_url|hc_ref|fref|__tn__|__xts__(\[\d*\])?|__twitter_impression|__cf_chl_\w+"
    # the same page with the form or the place for a comment open
    r"|replytocom|showcomment"
)
_SESSION = re.compile(
    r"phpsessid|jsessionid|aspsessionid\w*|sessionid|session_id|cfid|cftoken|oscsid|___sid|zenid"  # forums, shops
)
_RANDOM = re.compile(r"[0-9a-f]{32}")
_TRACKING_VALUES = {
    "ref": {"rss", "feed", "facebook", "twitter", "telegram", "share"},
    "source": {"rss", "feed"},
    "src": {"rss", "feed"},
    "srcref": {"rss"},
    "from": {"rss", "feed"},
    "partner": {"rss", "feed"},
    "emc": {"rss"},
}


def without_tracking(query: str) -> str:
    """The query as it stands, only without what tracks readers."""
    return "&".join(item for item in query.split("&") if not _tracks(*_read(item)))


def without_reader(query: str) -> str:
    """The query without what tracks readers or holds their sessions, and without empty items."""
    kept = [item for item in query.split("&") if item and not _tracks(*_read(item)) and not _is_session(*_read(item))]
    # `sid` is an article's number on some sites; beside other parameters, 128 random bits are a session (phpBB and kin)
    sessions = [item for item in kept if _read(item)[0] == "sid" and _RANDOM.fullmatch(_read(item)[1])]
    return "&".join(item for item in kept if item not in sessions or len(kept) == len(sessions))


def _read(item: str) -> tuple[str, str]:
    name, _, value = item.partition("=")
    name = unquote(name).lower()
    while name.startswith("amp;"):  # feeds that escape "&" twice
        name = name[4:]
    return name, unquote(value).lower()


def _tracks(name: str, value: str) -> bool:
    return bool(_TRACKING.fullmatch(name)) or value in _TRACKING_VALUES.get(name, ())


def _is_session(name: str, _value: str) -> bool:
    return bool(_SESSION.fullmatch(name))
