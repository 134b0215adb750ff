import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from classifiers.labels import Span, SpanType
from classifiers.normalise import normalise

SUITES = Path(__file__).parents[2] / "classifiers" / "training" / "suites"

UNTOUCHED = """
My son has type 1 diabetes and his mother thinks the pregnancy is viable.
Scunthorpe Hospital, Penistone surgery, Cockermouth and Lightwater are places; Dr Dick Shitta-Bey is a name.
5mg/kg q8h IV, max 400mg, 000MG, 600k, 2.5 -> 5 -> 7.5, 1L over 8h, x2/7, c/o n/v, O/E NAD, w/ or w/o food
HbA1c 48 mmol/mol, B12, CD4, T1DM, T1a N0 M0, p53, TP53, KRAS G12C, H1N1, IL-6, SARS-CoV-2, G6PD, N95, A55, PM2.5
H2O2, C8H10N4O2, NaCl 0.9% / KCl 20 mmol, CO2, Ca2+, TNFalpha, 5-HT, 11-cis-retinal, 1,25-(OH)2D3
hydroxychloroquine, ASSESS, cockatoo, analgesia, titrate, Sussex, therapist, grape, specialist, Rapeseed, raccoon
AAA repair, XXX, www, stage III, viii, hmm, well-being, follow-up, re-use, bull-shit detector, he/she, e.g. U.S.A.
A1 A2 B C D E; initials J. R. R. T.; vitamins A, C, D and E; plan a b c d; M R I; G.P.; A.D.P.K.D.
@d4n1el_b1tch3s_99 sh1thead@example.org https://example.org/sh1t/f-uck www.k1ll.example #b4d5
5ml b.d. p.r.n., 50% off, £20, $5, 3am, 10x, 2nd, 4ever, l8r, gr8, covid19, omega3, p.1, No.10, 24/7, 20/20
It's "quoted", it's fine :-) <3 (maybe) [x] {y} ~ 5 * 3 = 15 | * list * **bold** _it_ ... -- !!! ?!
crème brûlée, naïve, José, 30°, α-blocker, β2, µg, ½, 20€, Привет, мир. 你好 مرحبا ❤️‍🔥
""".strip().splitlines()

DISGUISES = [
    ("you 1d10t", "you idiot"),
    ("what a b1tch", "what a bitch"),
    ("sh!t doctor", "shit doctor"),
    ("f**k off and f*** you", "fuck off and fuck you"),
    ("such a f-u-c-k-i-n-g m0r0n", "such a fucking moron"),
    ("y o u  i d i o t", "you  idiot"),
    ("s.t.u.p.i.d", "stupid"),
    ("go h a n g y o u r s e l f", "go hang yourself"),
    ("fuuuuck you biiiitch", "fuck you bitch"),
    ("all mu$lim docs on a b0at", "all muslim docs on a boat"),
    ("wh4tsapp me for v1agra", "whatsapp me for viagra"),
    ("ret-ard", "retard"),
    ("\u0456d\u0456ot", "idiot"),  # Cyrillic і
    ("\uff46\uff55\uff43\uff4b you", "fuck you"),  # full width
    ("𝓲𝓭𝓲𝓸𝓽 ⓘⓓⓘⓞⓣ 🅘🅓🅘🅞🅣 🄸🄳🄸🄾🅃", "idiot idiot IDIOT IDIOT"),
    ("ɪ ᴡɪʟʟ ꜰɪɴᴅ ʏᴏᴜ", "I WILL FIND YOU"),
    ("i\u200bdi\u200do\u00adt", "idiot"),  # nobody sees these
    ("i\u0336d\u0336i\u0336o\u0336t\u0336", "idiot"),  # struck out
    ("\u202eidiot", "idiot"),  # right to left override
]


@pytest.mark.parametrize("text", UNTOUCHED)
def test_plain_words_doses_formulae_and_handles_stay(text: str) -> None:
    plain = text.replace("\ufe0f", "").replace("\u200d", "")
    assert normalise(text).text == plain


@pytest.mark.parametrize(("text", "plain"), DISGUISES)
def test_disguises_are_undone(text: str, plain: str) -> None:
    assert normalise(text).text == plain


def test_clinical_language_stays() -> None:
    rows = (SUITES / "clinical.jsonl").read_text(encoding="utf-8").strip().split("\n")
    texts = [json.loads(row)["text"] for row in rows]
    assert len(texts) > 300
    straight = str.maketrans("’‘“”", "''\"\"", "\ufe0f\u200d")
    changed = [t for t in texts if normalise(t).text != t.translate(straight)]
    assert changed == []


def test_a_span_comes_back_as_it_stood() -> None:
    text = "hey \u200bj\u200bo\u200be, you f u c k e r, call 555 0101"
    read = normalise(text)
    assert read.text == "hey joe, you fucker, call 555 0101"
    for word, original in [
        ("joe", "j\u200bo\u200be"),
        ("fucker", "f u c k e r"),
        ("555 0101", "555 0101"),
    ]:
        start = read.text.index(word)
        span = read.original(Span(start, start + len(word), SpanType.PERSON))
        assert text[span.start : span.end] == original
        assert span.type is SpanType.PERSON


nasty = st.text(
    st.one_of(
        st.characters(),  # lone surrogates too
        st.sampled_from("fuckshit10!@$*.-_ \u200b\u0301\u0336\u202e\0\ufe0f\u200d🖕🏽аеосӏｆⓕʟ🅵İßﬁ½ºµ\n"),
    ),
    max_size=60,
)


@settings(max_examples=2000, deadline=None)
@given(nasty)
@example("🐒" * 10_000)
@example("a" + "\u0301" * 10_000)
@example("f " * 5_000)
@example("f.u" * 5_000)
@example("\ud800" * 100)
@example("i1!" * 10)
def test_it_survives_any_text_and_keeps_its_places(text: str) -> None:
    read = normalise(text)
    read.text.encode()  # no half characters are left
    assert len(read.text) == len(read.starts) == len(read.ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(read.starts, read.ends, strict=True))
    assert list(read.starts) == sorted(read.starts)
    assert list(read.ends) == sorted(read.ends)


@settings(max_examples=2000, deadline=None)
@given(nasty)
def test_doing_it_twice_changes_nothing_more(text: str) -> None:
    once = normalise(text).text
    assert normalise(once).text == once
