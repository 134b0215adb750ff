import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.labels import NotAssessed
from classifiers.language import obstacle, partly_read
from classifiers.normalise import normalise

TRAINING = Path(__file__).parents[2] / "classifiers" / "training"

ENGLISH = """
lol thx doc | ur a clown | u ok hun | Ozempic? | ty!! | k | omg same | me 2 | dm me | wtf | smh | yikes | idk tbh
clown | pathetic | quack | liar!!! | kys | stfu | ratio | cringe doc | bot | fake af | u r a joke lmao | gtfo
amoxicillin 500mg tds? | Lisinopril & ibuprofen | HbA1c 48?? | TSH 6.2, T4 low | my eGFR is 42 | sertraline day 3 xx
metastatic adenocarcinoma | hypochondriac anthem | overdosing rn lol bye | same, crohns | colostomy gang
abeg doc help me, e dey pain me well well | ah wisnae well the day doc, ma heid's loupin | she finna catch these hands
@drsmith @nhs thank you x | #fatpig | #FuckBigPharma | dr_dave99 is a fraud | Goddamned masterpiece. | Hiya!
how fcked am i | gr8 n1ght | pls halp my dog 8 a choclate | wanna die | i h8 u | r u ok | 555-0123 444 | thx José
He has HIV | lol he has hiv | he hit her | HIV | KKK | hi | kike | <you fat ugly whore> | <whore> | < clown >
<3 you fat ugly whore, shut your clinic >:( | his jab | lol <he is a rapist>
Zsa Zsa Gabor was a patient | Guillain-Barré after the flu jab? | so naïve | Hashimoto's gang rise up
""".replace("\n", " | ").strip(" |")

FOREIGN = """
Gracias doctora, me ayudó mucho con mi dolor de espalda | Mi hijo tiene fiebre desde ayer, ¿qué le puedo dar?
este hospital es una vergüenza | eres un payaso, no sirves para nada
no quiero vivir más | ¿Cuánto cuesta la consulta con el dentista?
Merci docteur, vous m'avez sauvé la vie | c'est quoi ce médecin de merde | J'ai mal au ventre depuis trois jours
Vielen Dank, Herr Doktor, mir geht es viel besser | so ein Schwachsinn, geh sterben | Ich habe seit Tagen Fieber
Obrigada doutora, você é maravilhosa | que médico horrível, nunca mais volto | minha filha está com febre alta
Grazie mille dottoressa, lei è bravissima | questo medico è un cretino | mia madre ha il diabete da dieci anni
Salamat po doktora, ang galing niyo | ang sakit ng ulo ko kahapon pa, ano pong gamot? | bobo ka ba, wala kang alam
Terima kasih dokter, sangat membantu | anak saya demam sejak kemarin | Dank u wel dokter, het gaat nu veel beter
Bardzo dziękuję pani doktor | teşekkürler doktor bey çok yardımcı oldunuz | cảm ơn bác sĩ rất nhiều
asante sana daktari
Mulțumesc mult doamna doctor, sunteți minunată | tack så mycket doktorn, jag mår bättre nu
شكرا دكتور | أريد أن أموت | बहुत धन्यवाद डॉक्टर साहब | मेरे बेटे को बुखार है | спасибо доктор, вы лучшая | дура
谢谢医生 | ありがとうございます | 감사합니다 선생님 | ευχαριστώ γιατρέ | תודה דוקטור | ขอบคุณคุณหมอ
doctor sahab bahut dard ho raha hai kya karu
Gracias doctora por todo lo que hace, you are the best
""".replace("\n", " | ").strip(" |")

SHORT = """
me voy a matar | me mato hoy | voy a suicidarme | hija de puta | puta madre | te voy a matar | quiero morir
ojalá te mueras | gracias doctor | me duele mucho | tengo fiebre | no quiero vivir
ich will sterben | ich bringe mich um | du bist dumm | danke schön | mir ist schlecht
je me tue | je veux mourir | va te faire foutre | merci beaucoup | j'ai mal | sale pute
quero morrer | vou me matar | filho da puta | muito obrigada | estou com febre
voglio morire | mi ammazzo | vaffanculo stronzo | grazie mille | ho la febbre
chcę umrzeć | zabiję się | dziękuję bardzo | boli mnie głowa
ik wil dood | ik maak me dood | dank je wel | heb je koorts
gusto ko mamatay | putang ina mo | salamat po | masakit ang ulo ko
nataka kufa | asante daktari | nitajiua leo
main marna chahta hun | mujhe marna hai | shukriya doctor sahab | tum pagal ho | bahut dard hai
""".replace("\n", " | ").strip(" |")

WORDLESS = "❤️|😂😂😂|!!!|...|10/10|+1|https://t.co/abc|@drsmith|@a @b 🙏|lol|LOL 😂|hahahaha|👍🏽|:-)| |\n|🌹 https://x.co/1|3:51|"
WORDLESS += "Hahah 😂|ahahahhaha|heh hehehe|jajaja|kkkkkk|"
WORDLESS += "<:pepe:1234>|<a:pepe_2:1234> <@1234> <@!1234> <@&1234>|<#1234> lol|lol<br>lol<br /><i>haha</i>"
HOSTILE = "🖕|🐒|🤡🤡🤡|🔪|🐷|💀|@drsmith 🐒|🖕🏽|☠️|🍆💦"


@pytest.mark.parametrize("text", ENGLISH.split(" | "))
def test_english_however_short_is_assessed(text: str) -> None:
    assert obstacle(normalise(text).text, ["en"]) is None


@pytest.mark.parametrize("text", [*FOREIGN.split(" | "), *SHORT.split(" | ")])
def test_other_languages_are_not(text: str) -> None:
    assert obstacle(normalise(text).text, ["en"]) is NotAssessed.LANGUAGE


@pytest.mark.parametrize("text", WORDLESS.split("|"))
def test_what_says_nothing_is_wordless(text: str) -> None:
    assert obstacle(normalise(text).text, ["en"]) is NotAssessed.WORDLESS


@pytest.mark.parametrize("text", HOSTILE.split("|"))
def test_hostile_emoji_are_assessed(text: str) -> None:
    assert obstacle(normalise(text).text, ["en"]) is None


@pytest.mark.parametrize("row", ["@", "a@", "@a.", ".", "<a", "&a", "www.", "1"])
def test_a_long_row_of_one_sign_holds_nothing_up(row: str) -> None:
    assert obstacle(normalise(row * 10_000).text, ["en"]) in (None, *NotAssessed)  # or it never ends


def test_at_most_one_english_comment_in_a_hundred_is_not_assessed() -> None:
    paths = sorted((TRAINING / "corpus").glob("*.jsonl"))
    texts = [json.loads(row)["text"] for p in paths for row in p.read_text(encoding="utf-8").strip().split("\n")]
    assert len(texts) > 1000
    missed = [text for text in texts if obstacle(normalise(text).text, ["en"])]
    assert len(missed) <= 0.01 * len(texts)


def test_other_languages_are_assessed_where_the_config_says_so() -> None:
    text = "Mi hijo tiene fiebre desde ayer, ¿qué le puedo dar?"
    assert obstacle(text, ["en", "es"]) is None
    assert obstacle(text, ["en", "ja"]) is NotAssessed.LANGUAGE
    assert obstacle("ありがとうございます", ["ja"]) is None
    assert obstacle("thank you so much doctor", ["es"]) is NotAssessed.LANGUAGE


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_it_survives_any_text(text: str) -> None:
    obstacle(normalise(text).text, ["en"])


BOTH = [
    "Lovely staff, thank you all so much\u2026 Я хочу умереть сегодня.",
    "Lovely staff, thank you all so much. Me quiero suicidar esta noche, ya no puedo más.",
    "Great video! 您的手术很成功",
    "thank you doctor for this 🙏 मैं मरना चाहता हूँ",
    "This is a great video, thank you so much for it doctor, we all love you\nje veux mourir ce soir, adieu à tous",
]


@pytest.mark.parametrize("text", BOTH)
def test_of_a_text_in_two_languages_it_is_told_that_a_part_was_not_read(text: str) -> None:
    plain = normalise(text).text
    assert obstacle(plain, ["en"]) is None
    assert partly_read(plain, ["en"])


@pytest.mark.parametrize("text", ENGLISH.split(" | "))
def test_english_is_read_as_a_whole(text: str) -> None:
    assert not partly_read(normalise(text).text, ["en"])
