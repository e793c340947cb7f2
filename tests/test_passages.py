"""Windows of sentences: their offsets, sizes, overlap and bounds."""

import time

import pytest

from processing.passages import LONG, MOST, OPENING, Passage, split
from processing.sentences import LONGEST as LONGEST_SENTENCE
from processing.sentences import weight

EN = "The council met on Monday. Mr. Brown said that the U.S. firm had paid 3.5 million. Nobody objected! Why not? The vote is next week. "
TEXTS = {
    "en": EN * 12,
    "ru": "Совет собрался в понедельник. Как сообщил г-н Браун, фирма заплатила 3,5 млн. руб. в прошлом году. Никто не возразил! "
    * 12,
    "ar": "اجتمع المجلس يوم الاثنين. وقال رئيسه إن الشركة دفعت المبلغ كاملا؟ لم يعترض أحد! " * 12,
    "zh": "议会周一开会。主席说公司已经付款。没有人反对！为什么呢？下周投票。" * 30,
    "hi": "परिषद की बैठक सोमवार को हुई। अध्यक्ष ने कहा कि कंपनी ने भुगतान कर दिया है। किसी ने आपत्ति नहीं की! " * 12,
    "hy": "Խորհուրդը հավաքվեց երկուշաբթի։ Նախագահն ասաց, որ ընկերությունը վճարել է։ Ոչ ոք չառարկեց։ " * 12,
    "ka": "საბჭო ორშაბათს შეიკრიბა. თავმჯდომარემ თქვა, რომ კომპანიამ გადაიხადა. არავინ შეეწინააღმდეგა! " * 12,
    "kk": "Кеңес дүйсенбіде жиналды. Төраға компания төледі деді. Ешкім қарсы болған жоқ! " * 12,
    "th": "สภาประชุมเมื่อวันจันทร์ ประธานกล่าวว่าบริษัทได้จ่ายเงินแล้ว ไม่มีใครคัดค้าน " * 20,
    "emoji": "Breaking 😀! 👩‍👩‍👧 family saved. Ünïcödé ok? 🇺🇦 flags. " * 20,
    "paragraphs": "\n\n".join([EN.strip(), "  Indented  paragraph. ", "\tTabs too.", EN.strip()] * 4),
    "halves": "Half \ud800 a character. And\udfff another. \x00 Nothing. " * 10,
    "carriage": EN.replace(". ", ".\r\n") * 6,
}


@pytest.mark.parametrize("name", TEXTS)
def test_offsets_are_exact(name):
    title, text = f"  {TEXTS[name][:40]} ", TEXTS[name]
    passages = split(title, text, language=name if len(name) == 2 else None)
    assert [passage.number for passage in passages] == list(range(len(passages)))
    for passage in passages:
        source = title if passage.kind == "title" else text
        assert source[passage.start : passage.end] == passage.text
        assert passage.read == (f"{title.strip()}\n{passage.text}" if passage.kind == "opening" else passage.text)
        assert passage.text == passage.text.strip()
        assert passage.text


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_is_left_out(name):
    text = TEXTS[name]
    covered = [False] * len(text)
    for passage in split(None, text):
        covered[passage.start : passage.end] = [True] * (passage.end - passage.start)
    assert not "".join(letter for letter, seen in zip(text, covered, strict=True) if not seen).strip()


def test_kinds():
    kinds = [passage.kind for passage in split("A title", EN * 12)]
    assert kinds[:4] == ["opening", "title", "lead", "body"]
    assert set(kinds[3:]) == {"body"}
    assert [passage.kind for passage in split(None, EN * 12)][:3] == ["opening", "lead", "body"]


@pytest.mark.parametrize("title", [None, "A title of its own"])
@pytest.mark.parametrize("name", TEXTS)
def test_an_opening_is_the_title_and_as_many_words_as_fit(name, title):
    text = TEXTS[name]
    opening = split(title, text)[0]
    assert (opening.kind, opening.start) == ("opening", 0)
    assert 0.7 * OPENING < weight(opening.read) <= OPENING + 1
    if " " in opening.text:
        assert not text[opening.end - 1].isspace()
        assert text[opening.end].isspace()


@pytest.mark.parametrize(
    ("title", "text", "kinds"),
    [
        (None, "x" * OPENING, ["lead"]),
        (None, "x" * (OPENING + 1), ["opening", "lead"]),
        ("Title", "One.", ["opening", "title", "lead"]),
        ("Title", "", ["title"]),
        ("x" * OPENING, "One.", ["title", "lead"]),
    ],
)
def test_an_opening_is_made_only_where_it_says_what_no_passage_says_alone(title, text, kinds):
    assert [passage.kind for passage in split(title, text)] == kinds


def test_windows_overlap_by_one_sentence():
    first, second = split(None, EN * 12)[1:3]
    assert first.start < second.start < first.end < second.end
    shared = (EN * 12)[second.start : first.end]
    assert shared.count("?") + shared.count("!") + shared.count(". ") <= 1


@pytest.mark.parametrize("name", TEXTS)
def test_sizes(name):
    passages = split(None, TEXTS[name])
    assert all(len(passage.text) <= LONG + 200 for passage in passages)
    assert name in {"zh", "emoji"} or len(passages[1].text) >= 200


def test_an_endless_sentence_is_cut_between_words():
    passages = split(None, "word " * 4000)[1:]
    assert len(passages) > 20
    assert all(len(passage.text) <= LONGEST_SENTENCE + LONG for passage in passages)
    assert all(passage.text.startswith("word") and passage.text.endswith("word") for passage in passages)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 300_000,
        "字。" * 150_000,
        "a. " * 100_000,
        "«\"(' " * 60_000,
        "\n" * 300_000,
        "слово " * 50_000,
        "?!" * 150_000,
    ],
)
def test_time_and_number_are_bounded(text):
    began = time.process_time()
    passages = split("Title", text)
    assert len(passages) <= MOST
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("title", "text", "count"), [(None, "", 0), ("", " \n ", 0), ("  ", "One.", 1), ("Title", "", 1)]
)
def test_little_text(title, text, count):
    assert len(split(title, text)) == count


def test_a_short_text_is_one_passage():
    assert split(None, "One. Two. Three.") == [Passage(0, "lead", 0, 16, "One. Two. Three.")]


def test_unknown_languages_are_segmented_too():
    assert split(None, EN, language="und") == split(None, EN, language="zz")
