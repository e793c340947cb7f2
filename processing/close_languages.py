"""Languages with the same letters and nearly the same words, told apart by the words that differ.

Detectors are weak here: each has its favourite in a group, and langdetect knows one of it. The lists are facts about the
languages, one wording against the other; the weights were set by eye on a set of sentences, so what they reach there is no
measure of what they reach elsewhere.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

# Words and stems (with *) of one side that the other would write otherwise; `_` is a space.
_EAST = (  # Bosnian and Serbian against Croatian
    "hiljad* sedmic* januar* februar* april* juna juni jula juli avgust* august* septembar* septembr* oktobar* "
    "oktobr* novembar* novembr* decembar* decembr* ko neko niko svako šta tačk* tačn* netačn* univerzitet* historij* "
    "muzik* muzič* pozoriš* kompanij* vozom vozov* avion* aerodrom* izvještaj* izveštaj* saopć* saopš* sistem* "
    "procent* procenat* ambasad* zvanič* evrop* evra uslov* uticaj* utica* takmič* fudbal* saradn* sarađ* savremen* "
    "učestv* učesni* učešć* porodic* porodič* stepen* ugao ugla uglu uglom uglovi pravougl* pravougao trougao trougl* "
    "prečnik* nauka nauke nauci nauku naukom naučn* geografij* geografsk* kompjuter* računar računara računari* "
    "hemij* hrišćan* hirur* haos* haotič* hronik* hronolo* hroničn* hljeb* hleb* supe supu upotreb* upoređ* poređ* "
    "zavisi zavise zavisn* konkurs* privred* ekonomij* ekonomsk* budžet* advokat* oficir* kasarn* unutrašnj* vanredn* "
    "tokom prisutn* prisustv* kompozitor* režiser* reditelj* gledaoc* slušaoc* čitaoc* rukovodi* prenos* prevoz* "
    "stanovniš* posmatra* saobraćaj* preduzeć* preduzet* preduzim* okean* talas* ostrv* vazduh* vazduš* pošto lično "
    "ličn* odbran* bezbjedn* bezbedn* komand* krst krsta krstu krstom svešteni* apotek* ljekar ljekara ljekari "
    "ljekaru ljekarsk* lekar* štamp* sudija sudije sudiji sudiju krivičn* povrijeđ* povređ* penzij* penzion* plata "
    "platu platama fabri* španij* španski španska špansko italijan* rumunij* holand* kipra kipru kiparsk* atini "
    "atinsk* jevrej* milion* tečnost* ćelij* spisak spiska spisku dužin* rastojanj* objekat projekat subjekat aspekat "
    "efekat defekat organizova* definisa* definiše kontrolisa* kritikova* informisa* interesova* regulisa* finansi* "
    "diskutova* protestova* formulisa* identifikova* klasifikova* emitova* kombinova* reagova* operisa* registrova* "
    "može_da mogu_da treba_da trebalo_da mora_da moraju_da želi_da žele_da hoće_da počeo_da počela_da mogao_da "
    "mogla_da mogli_da uspio_da uspeo_da odlučio_da da_li kancelarij* fondacij* udružen* hapšen* uhapšen* glasat* "
    "glasan* vjerovatn* verovatn* poen* krompir* snabdijeva* snabdeva* obezbijed* obezbed* obezbjeđ* obezbeđ* "
    "prevazi* sproved* sprovod* sprovođ* ubijeđ* ubeđ* uposl* uslijed nabavk* fudbaler* uopšte vještačk* potiče* "
    "zasnovan* zasniva* sprat* zapremin* pritisak pritisk* rastvor* supstanc* azot* sisar* gmizav* kičm* vakcin* "
    "pješad* pešad* municij* bibliotek* prevod* preved* prevel* vajar* tvrđav* autoput* padavin* zaliv* poluostrv* "
    "moreuz* pirinač* pirinč* kafa kafe kafu mašin* točak točkov* golman* trka trke trku berz* akcionar* kurs kursa "
    "pronalaz* naelektris* jedinjenj* časova spoljn* spoljašnj* dejstv* uopćen* ličnost*",
    "potječ* utemelj* temelji_se obujam obujm* tlak tlaka tlakom gibanj* otopin* otapa* tvar tvari dušik* sisav* "
    "gmaz* kralježn* cjepiv* pješaštv* streljiv* knjižnic* prijevod* kipar kipara utvrd* autocest* oborin* zaljev* "
    "poluotok* tjesnac* riže rižom kava kave kavu stroj stroja strojev* strojn* kotač* vratar* utrka utrke utrku "
    "utrci burz* dioničar* tečaj tečaja izum izuma izumi* športsk* šport* naobrazb* pučk* vrhnj* istodobn* istovjet* "
    "mjerodavn* opseg* pozornost* prijepor* pristojb* prosudb* raščlamb* svrsishodn* uljudb* uradak urad* vlastit* "
    "zaprim* žurn* tisuć* tjedan tjedn* siječnj* siječanj veljač* ožujk* ožujak travnj* travanj svibnj* svibanj "
    "lipnj* lipanj srpnj* srpanj kolovoz* rujna rujnu rujan listopad* studenog studenoga studenom studeni prosinac "
    "prosinc* tko netko nitko svatko itko točk* točn* netočn* sveučiliš* povijes* glazb* kazališ* tvrtk* vlakom "
    "vlakov* zrakoplov* zračna_luka zračne_luke izvješć* priopć* sustav* postotak postotk* veleposlan* dužnosn* "
    "europ* eura euro uvjet* utjecaj* natjeca* natječ* nogomet* suradn* surađ* suvremen* sudjelov* sudioni* obitelj* "
    "stupanj stupnj* kutom kutovi pravokut* trokut* promjer* znanost* znanstv* zemljopis* računal* kemij* kršćan* "
    "kirur* kaos* kaotič* kronik* kronolo* kroničn* kruh* juhe juhu uporab* rabi rabe rabiti usporedb* ovisi ovise "
    "ovisn* gospodar* proračun* odvjet* časni* vojarn* unutarnj* izvanredn* tijekom unatoč nazoč* skladatelj* "
    "redatelj* gledatelj* slušatelj* čitatelj* ravnatelj* prijenos* prijevoz* pučanst* promatra* prometn* poduzeć* "
    "poduzet* poduzim* ocean* valovi valova zrak zraka zraku zračn* premda budući_da osobno osobn* obran* sigurnosn* "
    "zapovjed* križ* svećeni* ljekarn* liječni* tisk* sudac suca suci sudaca kaznen* ozlijeđ* ozljed* mirovin* "
    "umirovl* plaća plaću plaćama tvorni* španjol* talijan* rumunjsk* nizozem* cipra cipru ciparsk* ateni atensk* "
    "židov* milijun* tekućin* stanicama popis popisa popisu duljin* udaljenost* razdobl* osobit* jest organizira* "
    "definira* kontrolira* kritizira* informira* financi* regulira* prosvjed* formulira* identificira* klasificira* "
    "emitira* reagira* kombinira* operira* registrira* je_li objekt projekt subjekt aspekt efekt defekt ured ureda "
    "uredu uredsk* zaklad* udruga udruge udruzi udrugu udrugama uhić* uhit* glasovat* glasovan* potpor* vjerojatn* "
    "krumpir* opskrb* županij* poslužitelj* inačic* djelatni* povjerenstv* promicat* promidžb* odgajatelj* odgoj* "
    "blagdan* diljem glede sukladno izravn* skrb skrbi stožer* ustroj* posjetitelj* iznimn* putovnic* rajčic* žlic* "
    "predodžb* posve doznat* dozna* stanovit* prigod* svjetonazor* nadnevak nogometaš* tijek tijeka kojemu kojega "
    "čimbeni* dionik* dionic* tipkovnic* zaslon* pričuv* listopada",
)
_EAST_WEAK = (  # the same, where the other side knows the word too
    "grupa grupe grupi grupu grupom bosn* bosansk* hercegov* bih sarajev* tuzl* zenic* mostar* banjaluč* banjoj "
    "bošnja* federacij* kanton* općin* entitet* veoma jeste period* oblast oblasti naročit* desi* dešav* pogotovo "
    "islam* džamij* allah* kur kuran* hadis* njen njena njeno njene njenu njeni sa_b* sa_d* sa_g* sa_k* sa_m* sa_n* "
    "sa_o* sa_p* sa_t* sa_v* sa_j* sa_r* vijekovi* vijeka firma firme firmi lahk* mehk* kahv* duhan* posmatran* "
    "štaviše sljedeće_sedmice",
    "skupin* zagreb* hrvat* split* rijeci osijek* zadar* zadr* vrlo područj* događ* stoljeć* župn* njezin* zbor* "
    "sabor* branitelj* domoljub* natjecan* posebice redovit* svojega svojemu",
)
_EKAVIAN = (  # Serbian against Bosnian and Croatian
    "istorij* istorič* saopšt* uopšt* vreme mesto mesta mestu mestom mestima posle gde ovde negde svuda pre uvek deo "
    "dela delu delom delova delovi reč reči rečima čovek* lep lepa lepo lepe lepi lepš* dete deteta deca dece deci "
    "decu decom dečij* predsedni* takođe hteo htela hteli videla videli videti rešen* rešit* rešav* obavešten* "
    "obavešta* vredn* vrednost* pobed* sused* svet sveta svetu svetom svetsk* promen* primer* zameni* levo leva leve "
    "levi beo bela bele beli belo belog reka reke reku rekom mere mera meru merama verovat* veruje veruju vera vere "
    "snega sneg hleb* telo tela telu delovanj* nedelj* pesm* pesnik* pevač* peva pevao zvezd* odeljen* razume razumeo "
    "razumev* živeo živela živeli živeti želeo želela želeli želeti voleo volela voleti sever* cena cene cenu cenom "
    "ceo cela celo cele celu celog cvet cveće vek veka veku vekova devojk* sedeo sedi sedišt* seća sećanj* savet* "
    "savetni* ponedeljak opštin* opšt* osećanj* oseća osećaj* lekar* umetni* umetno* bezbedn* zahtev* sledeć* napred "
    "unapred nameru uspeh* uspešn* uspeo uspela uspeli izveštaj* vest vesti vestima sprečen* primen* namen* ocen* "
    "procena procene proceni procenu procenj* procenil* smer* gnev* ređe retk* smeh osmeh* dvesta obe breg bregu "
    "mesec* mestim* umesto smešten* namešt* premešt* vetar vetra vetr* leto letos letnj* dve dvema lekov* leče* mleko "
    "mleka mlečn* pesak peska gnezd* pretnj* posledic* posledn* nasled* zapoved* svedok* svedoč* svest "
    "nesvest* savest* celokup* celin* delimič* podel* raspodel* delatnost* deluje deluju sreda sredu sednic* veštin* "
    "venčan* vernik* neverov* poveren* uveren* uverlj* prover* meriti merenj* izmeren* usmer* razmer* srazmer* "
    "umeren* namer* mešan* mešov* umeša* menja* izmen* zamen* smenjen* razmen* odeć* odelo pešak* pešic* izbegl* "
    "izbeg* izbeć* pobeg* belež* zabelež* obelež* belešk* lepot* slep* sveća sveće svetl* osvetl* svež* osvež* "
    "telesn* proteran* isteran* teraju vređa* želez* žlezd* rečnik* prosečn* prosek* srednjovekovn* vekovn* dosled*",
    "historij* historič* saopć* uopć* vrijeme mjest* mjesec* poslije gdje ovdje negdje prije uvijek dio dijel* riječ* "
    "čovjek* lijep* ljepš* dijete djet* djec* dječj* dječij* predsjed* također htje* vidje* riješ* rješ* obavijest* "
    "obavješ* vrijed* pobjed* pobije* susjed* svijet* svjet* promijen* promjen* primjer* zamijen* zamjen* lijev* "
    "bijel* rijek* rijec* mjer* vjer* snijeg* snježn* hljeb* tijel* djel* nedjelj* ponedjelj* pjes* pjev* zvijezd* "
    "zvjezd* odjel* razumije* razumje* živje* željel* željet* voljel* voljet* sjever* cijen* cijel* cvijet* cvijeć* "
    "vijek* djevoj* sjed* sjeć* sjeti* savjet* općin* opć* povijes* osjeć* osjet* liječ* lijek* umjet* zahtjev* "
    "zahtije* slijed* sljed* naprijed unaprijed uspije* uspje* izvješ* izvješta* vijest* izmijen* izmjen* ocijen* "
    "ocjen* procjen* smjer* smijer* rijet* rjeđ* smije* ljet* vjetr* siječ* cjel* donije* unije* odnije* prenije* "
    "dospije* dospje* stijen* trije* htjed* razdijel* ozlijed* povrijed* povjere* uvjer* povjer* mlijek* dvije "
    "dvjesto nasljed* naslijed* sjediš* zvijer* pijes* posjet* posjed* pripovije* ispovije*",
)
_MALAY = (  # Malaysian against Indonesian
    "kerana boleh ialah wang beliau polis syarikat kereta hospital mahu cuba daripada bahawa sahaja ogos jun julai "
    "rakyat kerajaan awak berkata manakala walau_bagaimanapun akhbar pejabat lelaki budak sekolah_menengah ahli "
    "universiti televisyen petang menyatakan peratus sen ringgit datuk_seri tan_sri hendak nak tak mesyuarat pelajar "
    "kakitangan pilihan_raya parlimen negeri semasa ketika_ini mengikut pengarah pengerusi perdana_menteri hutang "
    "kesihatan lapangan_terbang bandar jabatan pembangkang bagaimanapun esok_pagi berbanding kalangan mahupun "
    "sekiranya memandangkan bekalan kilang getah kelapa_sawit perlawanan bola_sepak pasukan tandas percuma",
    "karena bisa uang polisi perusahaan mobil rumah_sakit ingin coba bahwa saja agustus maret juni juli pemerintah "
    "kantor pria universitas televisi sore setelah persen rupiah kepolisian mantan sedangkan usai nggak kabupaten "
    "provinsi kota kecamatan warga hingga oleh_karena_itu gubernur wali_kota pemilu bandara kesehatan utang pabrik "
    "karyawan mahasiswa rapat sepak_bola pertandingan gratis pasokan kemarin namun banget enggak ujar ujarnya katanya",
)
# The vowel that gave Ijekavian its name: `je` behind a consonant, `ije` before one. Endings (-ijeg, -ijem, -ijen) are no sign of it …
_IJEKAVIAN_VOWEL = re.compile(
    r"[bcdmprstvz]je(?!v(?:[aeiou]|og|om|im|sk\w*)?$)\w|ije[cćdđhkpstzž]|[cmt]ijen|korijen|vrijem|[cdb]ijel|strijel"
)
_IN_ALL_THREE = re.compile(  # … nor are these words and names
    r"objek|subjek|adjek|sovjet|sjedinj|odje[kd]|pobijen|^unije$|^nijed|hijen|ijent|dijet(?!e)|"
    r"stjepan|bjelic|bjelogrl|pjer|kosjer|vi?jetnam|prijedor|prijepolj|osijek"
)
_BALKAN_CYRILLIC = {
    "bg": (
        "в във от че като с със ще който която което които това тази този е са бе беше бяха може трябва след според "
        "между няма според_това при до обаче"
    ),
    "mk": (
        "во од дека со ќе кој која кое кои тоа оваа овој таа тој тие е се беше биле може треба по според меѓу нема "
        "бидејќи но исто уште од_страна"
    ),
    "sr": (
        "у је су од са ће који која које што да није нису али или био била били може треба после према између као "
        "због ово овај та тај након кад још међутим"
    ),
}


@dataclass(frozen=True)
class WordList:
    """Words, stems and phrases of one side, looked up word by word: a pattern of hundreds of stems would be slow."""

    words: frozenset[str]
    stems: dict[int, frozenset[str]]
    phrases: "WordList | None" = None

    @classmethod
    def of(cls, text: str) -> "WordList":
        entries = text.split()
        phrases = [entry.replace("_", " ") for entry in entries if "_" in entry]
        return cls._plain([entry for entry in entries if "_" not in entry], cls._plain(phrases) if phrases else None)

    @classmethod
    def _plain(cls, entries: list[str], phrases: "WordList | None" = None) -> "WordList":
        stems = [entry[:-1] for entry in entries if entry.endswith("*")]
        lengths = sorted({len(stem) for stem in stems})
        by_length = {length: frozenset(stem for stem in stems if len(stem) == length) for length in lengths}
        return cls(frozenset(entry for entry in entries if not entry.endswith("*")), by_length, phrases)

    def count(self, words: list[str]) -> int:
        """How many of a text's words, in order and in lower case, are in the list."""
        found = sum(
            word in self.words or any(word[:length] in stems for length, stems in self.stems.items()) for word in words
        )
        return found + (self.phrases.count([" ".join(pair) for pair in pairwise(words)]) if self.phrases else 0)


_WORD = re.compile(r"\w+")
_EASTERN, _WESTERN = (WordList.of(words) for words in _EAST)
_EASTERN_HINT, _WESTERN_HINT = (WordList.of(words) for words in _EAST_WEAK)
_EKAVIAN_FORMS, _IJEKAVIAN_FORMS = (WordList.of(words) for words in _EKAVIAN)
_CYRILLIC_WORDS = {code: WordList.of(words) for code, words in _BALKAN_CYRILLIC.items()}
_MALAYSIAN, _INDONESIAN = (WordList.of(words) for words in _MALAY)


@dataclass(frozen=True)
class Group:
    """Languages to be told apart by their words, and how far the detectors' own opinions count beside these, 0 to 1.

    At 1 the words are asked only when the detectors are not sure.
    """

    script: str
    languages: tuple[str, ...]
    trust: float


GROUPS = {
    "south slavic": Group("latin", ("bs", "hr", "sr"), 0.5),
    "malay": Group("latin", ("id", "ms"), 0.9),
    "balkan cyrillic": Group("cyrillic", ("bg", "mk", "sr"), 1.0),
}

# how much one word says, as a logarithm of odds; and how much it says that there is none
_WORD_SAYS, _HINT_SAYS, _FORM_SAYS, _MALAY_SAYS, _SMALL_WORD_SAYS = 1.8, 0.8, 1.8, 1.2, 0.7
_BOSNIAN_UNLESS, _SERBIAN_UNLESS = 0.4, -0.2
_MOST = 12.0  # a list of ministries must not silence everything else


def evidence(text: str, group: str) -> dict[str, float]:
    """What the words of a text say for each language of a group, as logarithms of odds against the others."""
    words = _WORD.findall(text.lower())
    if group == "malay":
        return {"ms": _odds(_MALAY_SAYS * _balance(words, _MALAYSIAN, _INDONESIAN)), "id": 0.0}
    if group == "balkan cyrillic":
        return {code: _odds(_SMALL_WORD_SAYS * known.count(words)) for code, known in _CYRILLIC_WORDS.items()}
    eastern = _odds(
        _WORD_SAYS * _balance(words, _EASTERN, _WESTERN)
        + _HINT_SAYS * _balance(words, _EASTERN_HINT, _WESTERN_HINT)
        + _BOSNIAN_UNLESS
    )
    ijekavian = sum(_is_ijekavian(word) for word in words)
    ekavian = _odds(_FORM_SAYS * (_EKAVIAN_FORMS.count(words) - ijekavian) + _SERBIAN_UNLESS)
    return {"bs": eastern, "sr": eastern + ekavian, "hr": 0.0}


def _is_ijekavian(word: str) -> bool:
    shows = _IJEKAVIAN_VOWEL.search(word) or _IJEKAVIAN_FORMS.count([word])
    return bool(shows) and not _IN_ALL_THREE.search(word)


def _balance(words: list[str], one: WordList, other: WordList) -> int:
    return one.count(words) - other.count(words)


def _odds(logarithm: float) -> float:
    return max(-_MOST, min(_MOST, logarithm))
