"""Every text, name, date and address of a page, each time replaced by the same invented one."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

from record_dates import moved, pattern
from record_leaks import folded_words, words
from record_words import WITHOUT_SPACES, Words

LONGEST_IN_PARTS = 160
"""Characters. A longer text with a name or a date in it is prose: all of it is replaced."""
_SPACE = re.compile(r"\s+")
_DIGITS = re.compile(r"\d{3,}")
_EPOCH = re.compile(r"1[3-9]\d{8}(\d{3})?")
_PLATFORMS = re.compile(
    r"(^|\.)(facebook|twitter|x|instagram|youtube|linkedin|whatsapp|t|telegram|google|schema|ampproject)\.(com|me|org)$"
)


@dataclass(frozen=True)
class Facts:
    """What is known of the page: the real title and names, what is the outlet's own, and how its dates move."""

    title: str
    authors: tuple[str, ...]
    outlet: tuple[str, ...]
    """Its own names, which stay."""
    site: str
    """The outlet's domain, without `www.`: addresses there keep it."""
    sections: tuple[str, ...]
    """Of the page's own address: words of the site, not of the article."""
    year: int
    days: int


def plain(text: str) -> str:
    """For comparing: one line, no soft hyphens."""
    text = unicodedata.normalize("NFC", text.replace("\u00ad", "").replace("\u200b", ""))
    return _SPACE.sub(" ", text).strip()


class Rewriter:
    """Replaces; remembers each replacement, so what was equal stays equal."""

    def __init__(self, words: Words, facts: Facts) -> None:
        self.words, self.facts = words, facts
        self.memory: dict[str, str] = {}
        self._hosts: dict[str, str] = {}
        self._slugs: dict[str, str] = {}
        if facts.title:
            self.memory[plain(facts.title)] = words.headline()
        for name in facts.authors:
            self.memory[plain(name)] = words.person()
        known = sorted(
            (plain(fact) for fact in (facts.title, *facts.authors, *facts.outlet) if fact), key=len, reverse=True
        )
        self._known = re.compile(
            f"((?<!\\w)(?:{'|'.join(map(re.escape, known))})(?!\\w)|{pattern(words.language).pattern})", re.IGNORECASE
        )

    def text(self, original: str) -> str:
        """Invented words of about the same length; white space around them stays."""
        core = plain(original)
        if not core:
            return original
        before = original[: len(original) - len(original.lstrip())]
        after = original[len(original.rstrip()) :]
        return f"{before}{self._core(core)}{after}"

    def name(self, original: str) -> str:
        """An invented person for a real one, or for what stands where a person's name is expected."""
        core = plain(original)
        if core and core not in self.memory and core not in self.facts.outlet:
            self.memory[core] = self.words.person()
        return self.memory.get(core, core)

    def date(self, value: str) -> str:
        if _EPOCH.fullmatch(value.strip()):
            unit = 1000 if len(value.strip()) == 13 else 1
            return str(int(value) + self.facts.days * 86400 * unit)
        return moved(value, self.facts.days, self.words.language, self.facts.year)

    def is_date(self, value: str) -> bool:
        return bool(
            re.match(r"\s*20\d\d-\d\d-\d\d|[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d [\d:]{8} ", value)
            or _EPOCH.fullmatch(value.strip())
        )

    def _core(self, core: str) -> str:
        if core not in self.memory:
            parts = self._known.split(core) if len(core) <= LONGEST_IN_PARTS else [core]
            if len(parts) == 1:
                self.memory[core] = self._invented(core)
            else:
                self.memory[core] = "".join(
                    self._part(part) if number % 2 else self._between(part) for number, part in enumerate(parts)
                )
        return self.memory[core]

    def _part(self, fact: str) -> str:
        for known in (fact, self.facts.title, *self.facts.authors):
            if plain(known).casefold() == plain(fact).casefold() and plain(known) in self.memory:
                return self.memory[plain(known)]
        return fact if plain(fact).casefold() in {name.casefold() for name in self.facts.outlet} else self.date(fact)

    def _between(self, piece: str) -> str:
        core = re.search(r"\w.*\w|\w", piece, re.DOTALL)
        if not core:
            return piece
        return piece[: core.start()] + self._invented(core[0]) + piece[core.end() :]

    def _invented(self, core: str) -> str:
        if not any(map(str.isalpha, core)):
            return _DIGITS.sub(lambda match: _scrambled(match[0]), core)
        parts = core.split(" ")
        start = next((at for at, word in enumerate(parts) if not self._stays(word)), len(parts))
        kept, rest = " ".join(parts[:start]), " ".join(parts[start:])
        if rest and start <= 3:
            new = self._new(rest)
            return f"{kept} {new}".strip()
        return core if not rest else self._new(core)

    def _stays(self, word: str) -> bool:
        bare = word.strip(".,:;|()[]/–—-·•")
        return bare in self.words.kept or not any(map(str.isalpha, bare))

    def _new(self, core: str) -> str:
        length = len(core) * (2.5 if self.words.language in WITHOUT_SPACES | {"ko"} else 1)
        if length <= 32:
            new = self.words.label()
        elif length <= 110 and core[-1] not in ".!…。":
            new = self.words.headline()
        else:
            new = self.words.sentences(len(core))
        return new.upper() if core.isupper() and core.lower() != core else new

    def url(self, address: str) -> str:
        """The same kind of address: its site kept if it is the outlet's own, slugs and numbers invented."""
        address = address.strip()
        if address.startswith(("mailto:", "tel:", "javascript:", "data:", "whatsapp:", "#")):
            return "#"
        try:
            parts = urlsplit(address)
        except ValueError:
            return "#"
        segments = self.date(parts.path).split("/")
        path = "/".join(self._segment(segment, first=at < 2) for at, segment in enumerate(segments))
        return urlunsplit((parts.scheme, self._host(parts.netloc), path, "", ""))

    def _host(self, host: str) -> str:
        bare = host.lower().split(":")[0]
        if not bare or bare == self.facts.site or bare.endswith("." + self.facts.site) or _PLATFORMS.search(bare):
            return host
        return self._hosts.setdefault(
            bare, f"{('cdn', 'img', 'partner', 'static')[len(self._hosts) % 4]}{len(self._hosts)}.example"
        )

    def _segment(self, segment: str, *, first: bool) -> str:
        stem, dot, ending = segment.rpartition(".")
        if not stem or not re.fullmatch(r"[a-z]{2,5}|amp", ending):
            stem, dot, ending = segment, "", ""
        said = words(unquote(stem))
        if name := next(
            (name for name in self.facts.authors if {word for word in words(name) if len(word) > 3} & said), None
        ):
            return _slug(stem, self.memory[plain(name)]) + dot + ending
        plainly = re.fullmatch(r"[a-z]{1,16}", stem) and (first or len(stem) < 4 or stem in self.facts.sections)
        if plainly or not stem or re.fullmatch(r"\d{1,2}|(?:19|20)\d\d", stem):
            return segment
        if len(said) <= 1:
            return _scrambled(stem) + dot + ending
        return _slug(stem, self._of_slug(plain(unquote(stem).replace("-", " ")))) + dot + ending

    def _of_slug(self, core: str) -> str:
        """What became of the text that this address was made from, which may have been cut; else something new."""
        if core not in self._slugs:
            said = folded_words(core)
            said = said[:-1] if said[-1].isdigit() else said[1:] if said[0].isdigit() else said
            whole = (new for old, new in self.memory.items() if folded_words(old)[: len(said)] == said)
            self._slugs[core] = (len(said) > 2 and next(whole, None)) or self.words.headline()
        return self._slugs[core]


def _scrambled(text: str) -> str:
    """Other digits in the place of digits, letters in the place of letters, where both are mixed as in ids."""
    seed = hashlib.sha256(text.encode()).digest()
    return "".join(_other(char, seed[at % len(seed)]) for at, char in enumerate(text))


def _other(char: str, chance: int) -> str:
    if char.isdigit():
        return str(1 + chance % 9)
    if char.isascii() and char.isalpha():
        letter = "bcdfghjklmnpqrstvwxz"[chance % 20]
        return letter.upper() if char.isupper() else letter
    return char


def _slug(old: str, text: str) -> str:
    """The invented words as in an address, with the number an article's address ends or begins with."""
    folded = unicodedata.normalize("NFKD", text.replace("ł", "l").replace("ı", "i").replace("ß", "ss"))
    slug = "-".join(re.findall(r"[^\W_]+", folded.encode("ascii", "ignore").decode().lower())[:8])
    if not slug:
        slug = _scrambled(re.sub(r"%[0-9A-Fa-f]{2}|\W", "", old)[:12] or "article")
    number = re.search(r"(?:(?<=^)|(?<=-)|(?<=_))([a-z]{0,4}\d{3,})$", old) or re.match(r"([a-z]{0,4}\d{4,})[-_]", old)
    return f"{slug}-{_scrambled(number[1])}" if number else slug
