"""Cyrillic languages written in Latin letters, which no detector knows: transliterated Russian and Ukrainian, Latin Kazakh.

The first two are told by words that are frequent in them and in no language of the same letters, Kazakh by its two official
Latin alphabets (2018: á ǵ ı ń ó ú ý; 2021: ä ğ ı ñ ö ş ū ü).
"""

import re
from collections import Counter

from processing.close_languages import WordList
from processing.detectors import fast, wide

_WORD = re.compile(r"[\w']+")
_LISTS = {
    "ru": WordList.of(
        "chto chtoby ego yego eyo ee eto etot etogo etom eti kak tak takzhe tozhe tolko tol'ko byl byla bylo byli budet budut est net dlya posle "
        "pered esli yesli ili uzhe eshche yeshche eshchyo kotor* svoi* svoe* svoyu svoey rossi* rossiy* ukrain* zayavi* soobshch* skaza* govor* "
        "mozhet mogut dolzhn* mezhdu protiv iz-za cherez okolo vse vsekh vremya goda godu god let den dnya lyud* chelovek* stran* strany "
        "prezident* ministr* pravitelstv* pravitel'stv* voyn* vlast* gorod* goroda mnogo ochen segodnya vchera zavtra kogda gde pochemu potomu "
        "nichego nikto kto eye yeye ikh ih im nas nam vas vam na ne po ot ob obo pri bez nad novy* novye pervy* posledn* odin odna dva tri "
        "shto ktoto protsent* million* evropeysk* evropy zapadn* voenn* voyenn* deystvi* rabot* pomoshch* zhizn* mir mira"
    ),
    "uk": WordList.of(
        "shcho shchob yak tak takozh tilky til'ky buv bula bulo buly bude budut' ye nemaye dlya pislya pered yakshcho abo vzhe shche yakyi yakyy "
        "yaka yake yaki yakykh svoyi* svoyu rosiy* rosiya rosiyi ukrayin* zayavyv zayavyla povidom* skazav skazala kazhe mozhe mozhut' povynn* mizh proty cherez "
        "blyzko vsi vsikh chas roku rik rokiv den' dnya lyud* lyudyn* krayin* krayiny prezydent* ministr* uryad* viyn* vlad* mist* bahato duzhe "
        "s'ohodni sohodni vchora zavtra koly de chomu tomu nichoho nikhto khto yoho yii yiyi yikh yim nas nam vas vam na ne po vid pro pry bez nad "
        "nov* persh* ostann* odyn odna dva try ta tse tsya tsey tsoho tsomu iz zi viys'k* viysk* dopomoh* zhytt* svit* yevrop*"
    ),
}  # fmt: skip
_FEWEST, _SHARE = 4, 0.22  # words, and their share of all words; in text of other languages it stays below a tenth
_NOT_SLAVIC = frozenset("äöüßàâçéèêëîïôûùœæøåąćęłńśźżčďěňřšťůžđõőűğışșțăəñ")
_SOME = 0.02  # share of such letters above which a text is not plain transliteration

# the two alphabets, letter for letter; `ı` and `i` stand for several Cyrillic letters, and either will do to recognise the language
_PLAIN = dict(zip("abdefghjklmnopqrstvyz", "абдефгхжклмнопқрствыз", strict=True))
_ALPHABETS = {
    "ǵńáóúý": str.maketrans(_PLAIN | dict(zip("áǵiıńóuúý", "әғіиңөұүу", strict=True))),
    "äğñöşūü": str.maketrans(_PLAIN | dict(zip("äğıiñöuūüş", "әғіиңөуұүш", strict=True))),
}
_SOME_OF = frozenset("ǵńūñáóúýäöüığş")  # with q: neither Turkish, which has no q, nor Uzbek, which has none of these
_KINDS = 2  # of these letters
_Q_WITHOUT_U = re.compile("q(?!u)")  # as in no Romance language
_KAZAKH = 1.2  # the two models' shares for Kazakh together


def romanised(text: str) -> str | None:
    """`ru` or `uk` when a text in plain Latin letters is one of these, else None."""
    words = _WORD.findall(text.lower())
    letters = [letter for letter in text.lower() if letter.isalpha()]
    if not words or sum(letter in _NOT_SLAVIC for letter in letters) > _SOME * len(letters):
        return None
    found = {code: known.count(words) for code, known in _LISTS.items()}
    best = max(found, key=lambda code: (found[code], code))
    return best if found[best] >= max(_FEWEST, _SHARE * len(words)) else None


def latin_kazakh(text: str, counts: Counter[str]) -> bool:
    """Whether a text is Kazakh in one of its Latin alphabets; `counts` are its letters.

    Its letters are put back into Cyrillic, for the detectors know Kazakh so.
    """
    if not counts["q"] or counts["ə"] or sum(bool(counts[letter]) for letter in _SOME_OF) < _KINDS:
        return False
    text = text.lower()
    if not _Q_WITHOUT_U.search(text):
        return False
    letters = max(_ALPHABETS, key=lambda own: sum(counts[letter] for letter in own))
    if letters.startswith("ǵ"):
        text = text.replace("sh", "ш").replace("ch", "ч")
    text = text.translate(_ALPHABETS[letters])
    return fast(text).get("kk", 0.0) + wide(text).opinion.get("kk", 0.0) >= _KAZAKH
