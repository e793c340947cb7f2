"""Evidence in the letters themselves: the script of a text, and which languages can be written with its letters."""

import unicodedata
from collections import Counter
from functools import lru_cache

BY_SCRIPT = {  # scripts that one language of the news writes
    "georgian": "ka", "armenian": "hy", "greek": "el", "thai": "th", "hangul": "ko", "hiragana": "ja", "katakana": "ja", "tamil": "ta",
    "telugu": "te", "gujarati": "gu", "gurmukhi": "pa", "kannada": "kn", "malayalam": "ml", "sinhala": "si", "khmer": "km", "lao": "lo",
    "myanmar": "my", "tibetan": "bo", "oriya": "or", "thaana": "dv",
}  # fmt: skip

ISO_15924 = {
    "latin": "Latn", "cyrillic": "Cyrl", "greek": "Grek", "arabic": "Arab", "hebrew": "Hebr", "armenian": "Armn", "georgian": "Geor", "devanagari": "Deva",
    "bengali": "Beng", "ethiopic": "Ethi", "thai": "Thai", "hangul": "Hang", "hiragana": "Jpan", "katakana": "Jpan", "han": "Hani", "tamil": "Taml",
    "telugu": "Telu", "gujarati": "Gujr", "gurmukhi": "Guru", "kannada": "Knda", "malayalam": "Mlym", "sinhala": "Sinh", "khmer": "Khmr", "lao": "Laoo",
    "myanmar": "Mymr", "tibetan": "Tibt", "oriya": "Orya", "thaana": "Thaa",
}  # fmt: skip

_RU = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
_AR = "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي"
_AZ = "abcdefghijklmnopqrstuvwxyz"
ALPHABETS = {
    "cyrillic": {
        "ru": _RU, "uk": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя", "be": "абвгдеёжзійклмнопрстуўфхцчшыьэюя", "bg": "абвгдежзийклмнопрстуфхцчшщъьюя",
        "sr": "абвгдђежзијклљмнњопрстћуфхцчџш", "mk": "абвгдѓежзѕијклљмнњопрстќуфхцчџш", "kk": _RU + "әғқңөұүһі", "ky": _RU + "ңөү", "mn": _RU + "өү",
        "tg": _RU + "ғӣқӯҳҷ", "tt": _RU + "әөүҗңһ", "ba": _RU + "ғҙҡңөҫүһә", "uz": _RU + "ўқғҳ", "cv": _RU + "ӑӗҫӳ", "os": _RU + "ӕ", "ce": _RU + "ӏ",
        "sah": _RU + "ҕҥөһү",
    },
    "arabic": {
        "ar": _AR, "fa": "آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهیءأؤئۀة", "ur": "آأابپتٹثجچحخدڈذرڑزژسشصضطظعغفقکگلمنںوؤہۂۃھءیئےۓ",
        "ps": "آابپتټثجځچڅحخدډذرړزژږسشښصضطظعغفقکګگلمنڼوهۀیيېۍئءأؤة", "ckb": "ئابپتجچحخدرڕزژسشعغفڤقکگلڵمنوۆهھەیێ", "ug": "ئاەبپتجچخدرزژسشغفقكگڭلمنھوۇۆۈۋېىي",
        "sd": "اآبٻپڀتٿٽٺثٽجڄڃچڇحخدڌڏڊڍذرڙزسشصضطظعغفڦقڪکگڳڱلمنڻوهھءيئ",
    },
    "hebrew": {"he": "אבגדהוזחטיכךלמםנןסעפףצץקרשת", "yi": "אבגדהוזחטיכךלמםנןסעפףצץקרשתװױײ"},
    "devanagari": {"hi": "", "mr": "ळ", "ne": ""},
    "bengali": {"bn": "", "as": "ৰৱ"},
    "ethiopic": {"am": "", "ti": ""},
    "latin": {
        "en": "", "de": "äöüß", "fr": "àâæçéèêëîïôœùûü", "es": "áéíñóúüªº", "pt": "ãáàâçéêíóôõúüªº", "it": "àèéìíîòóùúªº", "ca": "àçèéíïòóúü·", "gl": "áéíñóúüï",
        "ro": "ăâîșțşţ", "pl": "ąćęłńóśźż", "cs": "áčďéěíňóřšťúůýž", "sk": "áäčďéíĺľňóôŕšťúýž", "sl": "čšž", "hr": "čćđšž", "bs": "čćđšž", "sr": "čćđšž",
        "hu": "áéíóöőúüű", "tr": "çğıöşüâîû", "az": "əçğıöşü", "uz": "ʻʼ", "sv": "åäöé", "no": "åæøéòôóê", "da": "åæøé", "fi": "äöåšž", "et": "äöõüšž",
        "lv": "āčēģīķļņšūž", "lt": "ąčęėįšųūž", "is": "áéíóúýþæöð", "fo": "áíóúýæøð", "sq": "çë", "nl": "éëïöóáèüê", "af": "êëôîûéèáïöü", "eu": "ñç", "ga": "áéíóú",
        "cy": "âêîôûŵŷáéïöẁẃ", "vi": "àáâãèéêìíòóôõùúýăđĩũơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ", "tl": "ñ", "id": "é", "ms": "é", "sw": "", "so": "",
        "mt": "ċġħżà", "eo": "ĉĝĥĵŝŭ", "la": "āēīōūæœëăĕĭŏŭ", "yo": "ẹọṣáàéèíìóòúùńǹ", "lb": "äëéüöôêè", "tk": "çäžňöşüý", "ku": "çêîşû", "ht": "èò", "jv": "éè",
        "su": "é", "mg": "àòô", "rm": "àèéìòù", "oc": "áàçèéíóòúïü", "br": "êñùü", "gd": "àèéìòù", "fy": "âêéïôúû", "co": "àèìòù",
    },
}  # fmt: skip

_RANGES = (
    (0x0041, 0x024F, "latin"), (0x0250, 0x02AF, "latin"), (0x0370, 0x03FF, "greek"), (0x0400, 0x052F, "cyrillic"), (0x0530, 0x058F, "armenian"),
    (0x0590, 0x05FF, "hebrew"), (0x0600, 0x077F, "arabic"), (0x0780, 0x07BF, "thaana"), (0x0900, 0x097F, "devanagari"), (0x0980, 0x09FF, "bengali"),
    (0x0A00, 0x0A7F, "gurmukhi"), (0x0A80, 0x0AFF, "gujarati"), (0x0B00, 0x0B7F, "oriya"), (0x0B80, 0x0BFF, "tamil"), (0x0C00, 0x0C7F, "telugu"),
    (0x0C80, 0x0CFF, "kannada"), (0x0D00, 0x0D7F, "malayalam"), (0x0D80, 0x0DFF, "sinhala"), (0x0E00, 0x0E7F, "thai"), (0x0E80, 0x0EFF, "lao"),
    (0x0F00, 0x0FFF, "tibetan"), (0x1000, 0x109F, "myanmar"), (0x10A0, 0x10FF, "georgian"), (0x1100, 0x11FF, "hangul"), (0x1200, 0x139F, "ethiopic"),
    (0x1780, 0x17FF, "khmer"), (0x1C90, 0x1CBF, "georgian"), (0x1E00, 0x1EFF, "latin"), (0x1F00, 0x1FFF, "greek"), (0x3040, 0x309F, "hiragana"),
    (0x30A0, 0x30FF, "katakana"), (0x3130, 0x318F, "hangul"), (0x3400, 0x4DBF, "han"), (0x4E00, 0x9FFF, "han"), (0xAC00, 0xD7AF, "hangul"),
    (0xF900, 0xFAFF, "han"), (0xFB50, 0xFDFF, "arabic"), (0xFE70, 0xFEFF, "arabic"), (0x20000, 0x323AF, "han"),
)  # fmt: skip


@lru_cache(maxsize=65536)
def script_of(character: str) -> str | None:
    """The script of a letter, or of a sign that stands on letters; None for everything else."""
    if unicodedata.category(character)[0] not in "LM":
        return None
    code = ord(character)
    return next((name for first, last, name in _RANGES if first <= code <= last), "other")


def by_script(text: str) -> dict[str, Counter[str]]:
    """How often each letter stands in the text, lower case, one count a script.

    A fifth of kana among Han characters makes a text Japanese: then all of them are counted as hiragana.
    """
    scripts: dict[str, Counter[str]] = {}
    for character, count in Counter(text.lower()).items():
        if script := script_of(character):
            if script not in scripts:
                scripts[script] = Counter()
            scripts[script][character] = count
    kana = scripts.pop("katakana", Counter()) + scripts.get("hiragana", Counter())
    if kana:
        is_japanese = 4 * kana.total() >= scripts.get("han", Counter()).total()
        scripts["hiragana"] = kana + (scripts.pop("han", Counter()) if is_japanese else Counter())
    return scripts


@lru_cache(maxsize=256)
def alphabet(script: str, language: str) -> frozenset[str] | None:
    """The letters a language writes in this script; None where we have no list."""
    extra = ALPHABETS.get(script, {}).get(language)
    if extra is None or script not in {"latin", "cyrillic", "arabic"}:
        return None
    return frozenset(extra + (_AZ if script == "latin" else ""))


def foreign(counts: Counter[str], script: str, language: str) -> float:
    """The share of one script's letters that this language does not write, 0 to 1; 0 where we have no list."""
    own = alphabet(script, language)
    if own is None:
        return 0.0
    return sum(counts[letter] for letter in counts.keys() - own if letter.isalpha()) / counts.total()
