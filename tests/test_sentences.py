"""Sentences in every script that our outlets use: sentences joined by a space are found again."""

import pytest

from processing.passages import split
from processing.sentences import LONGEST, READ, sentences

TEXTS = {
    "ar": ["اجتمع المجلس يوم الاثنين.", "هل دفعت الشركة المبلغ؟", "نعم!", "قال د. أحمد إن ذلك صحيح."],
    "am": ["ምክር ቤቱ ሰኞ ተሰበሰበ።", "ማን ተቃወመ፧", "ማንም አልተቃወመም።"],
    "az": ["Şura bazar ertəsi toplandı.", "Kim ödədi?", "Heç kim etiraz etmədi!"],
    "be": ["Савет сабраўся ў панядзелак.", "У 2024 г. фірма заплаціла 3,5 млн. руб.", "Ніхто не пярэчыў!"],
    "bg": ["Съветът се събра в понеделник.", "Проф. Иванов каза, че това е вярно.", "Никой не възрази!"],
    "bn": ["পরিষদ সোমবার বৈঠক করেছে।", "কে টাকা দিয়েছে?", "কেউ আপত্তি করেনি।"],
    "cs": ["Rada se sešla v pondělí.", "Podle prof. Nováka zaplatila firma 3,5 mil. korun.", "Nikdo neprotestoval!"],
    "de": ["Der Rat traf sich am 3. Mai.", "Z. B. sagte Dr. Müller, dass die Firma ca. 3 Mio. Euro zahlte.", "Niemand widersprach."],
    "el": ["Το συμβούλιο συνήλθε τη Δευτέρα.", "Ποιος πλήρωσε;", "Ο κ. Παπαδόπουλος διαφώνησε."],
    "en": ["Mr. Brown said the U.S. firm paid $3.5 million.", "J. K. Rowling wrote it.", "Why not?"],
    "es": ["El consejo se reunió el lunes.", "¿Quién pagó?", "El Sr. Pérez dijo que no."],
    "fa": ["شورا روز دوشنبه تشکیل جلسه داد.", "چه کسی پرداخت کرد؟", "هیچ کس مخالفت نکرد."],
    "fr": ["M. Dupont a dit non.", "Pourquoi ?", "Parce que l'art. 5 l'interdit."],
    "he": ["המועצה התכנסה ביום שני.", "מי שילם?", "איש לא התנגד."],
    "hi": ["परिषद की बैठक सोमवार को हुई।", "किसने भुगतान किया?", "डॉ. शर्मा ने आपत्ति की।"],
    "hy": ["Խորհուրդը հավաքվեց երկուշաբթի։", "Նախագահն ասաց, որ ընկերությունը վճարել է։", "Ոչ ոք չառարկեց։"],
    "ja": ["会議は月曜日に開かれた。", "「会社は支払った。」と議長は言った。", "反対は？", "ない！"],
    "ka": ["საბჭო ორშაბათს შეიკრიბა.", "თავმჯდომარემ თქვა, რომ კომპანიამ გადაიხადა.", "ვინ გადაიხადა?"],
    "kk": ["Кеңес дүйсенбіде жиналды.", "Төраға компания 3,5 млн. теңге төледі деді.", "Ешкім қарсы болған жоқ!"],
    "km": ["ក្រុមប្រឹក្សាបានជួបប្រជុំ។", "ប្រធានបាននិយាយ។"],
    "ko": ["위원회는 월요일에 모였다.", "의장은 회사가 돈을 냈다고 말했다.", "누가 반대했는가?"],
    "ky": ["Кеңеш дүйшөмбүдө чогулду.", "Ким төлөдү?", "Эч ким каршы болгон жок!"],
    "mk": ["Советот се состана во понеделник.", "Кој плати?", "Никој не се спротивстави."],
    "my": ["ကောင်စီသည် တနင်္လာနေ့တွင် တွေ့ဆုံသည်။", "ဥက္ကဋ္ဌက ပြောသည်။"],
    "pl": ["Rada zebrała się w poniedziałek.", "W 2024 r. firma zapłaciła ok. 3 mln zł.", "Prof. Kowalski zaprotestował."],
    "ro": ["Consiliul s-a întrunit luni.", "Cine a plătit?", "Nimeni nu s-a opus."],
    "ru": ["Совет собрался в понедельник.", "В 2024 г. фирма заплатила 3,5 млн. руб. по договору.", "А. С. Пушкин жил на ул. Мойка.",
           "«Почему?» — спросил он.", "Никто не возразил!"],
    "sr": ["Савет се састао у понедељак.", "Проф. Петровић је рекао да је то тачно.", "Нико се није противио!"],
    "tr": ["Meclis pazartesi günü toplandı.", "Kim ödedi?", "Dr. Yılmaz karşı çıktı."],
    "uk": ["Рада зібралася в понеділок.", "У 2024 р. фірма сплатила 3,5 млн. грн. за угодою.", "Т. Г. Шевченко жив на вул. Садовій.", "Ніхто!"],
    "ur": ["کونسل کا اجلاس پیر کو ہوا۔", "کس نے ادائیگی کی؟", "کسی نے اعتراض نہیں کیا۔"],
    "uz": ["Kengash dushanba kuni yig‘ildi.", "Kim to‘ladi?", "Hech kim qarshi chiqmadi!"],
    "zh": ["议会周一开会。", "主席说公司已经付款。", "为什么呢？", "下周投票。"],
}  # fmt: skip
SPACELESS = {"zh", "ja", "km", "my"}


@pytest.mark.parametrize("language", TEXTS)
def test_sentences_are_found_again(language):
    text = ("" if language in SPACELESS else " ").join(TEXTS[language])
    assert [text[start:end] for start, end in sentences(text, language)] == TEXTS[language]


@pytest.mark.parametrize("language", TEXTS)
def test_of_an_unknown_language_nothing_is_lost(language):
    text = " ".join(TEXTS[language])
    spans = sentences(text)
    assert len(spans) > 1
    assert " ".join(text[start:end] for start, end in spans).split() == text.split()


def test_text_without_full_stops_is_cut_at_spaces():
    text = "สภาประชุมเมื่อวันจันทร์ ประธานกล่าวว่าบริษัทได้จ่ายเงินแล้ว ไม่มีใครคัดค้าน " * 30
    spans = sentences(text, "th")
    assert len(spans) > 2
    assert all(end - start <= LONGEST for start, end in spans)
    assert all(start == 0 or text[start - 1] == " " for start, _ in spans)


@pytest.mark.parametrize("language", TEXTS)
def test_offsets_hold_when_an_article_is_processed_again(language):
    text = "\n".join(" ".join(TEXTS[language]) for _ in range(9))
    once, again = (split("Title", text, language=language) for _ in range(2))
    assert once == again
    assert all(passage.kind == "title" or text[passage.start : passage.end] == passage.text for passage in once)
    assert [passage.kind for passage in once][:3] == ["opening", "title", "lead"]


def test_text_beyond_the_limit_is_not_read():
    assert max(end for _, end in sentences("One sentence. " * 20_000)) <= READ
