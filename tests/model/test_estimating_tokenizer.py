"""The estimate is an upper bound on running text, and it loses nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npc_engine.messages import Message
from npc_engine.model import open_tokenizer
from npc_engine.model.remote.estimating_tokenizer import EstimatingTokenizer
from tests.stage import ROOT

ESTIMATE = EstimatingTokenizer()
LANGUAGES = {
    "chinese": "北桥在春天的洪水中倒塌了；渡船一次只能载一辆车。",
    "dutch": "De noordelijke brug is ingestort; de veerboot neemt één kar tegelijk mee.",
    "finnish": "Pohjoinen silta romahti kevättulvassa; lautta ottaa yhden kärryn kerrallaan.",
    "french": "Le pont du nord s'est effondré lors de la crue ; où étiez-vous l'été dernier ?",
    "german": "Die Brücke ist eingestürzt; die Fähre nimmt nur einen Karren. Größe, Straße, müßig.",
    "greek": "Η βόρεια γέφυρα έπεσε στην ανοιξιάτικη πλημμύρα.",
    "hindi": "उत्तरी पुल वसंत की बाढ़ में गिर गया; नाव एक बार में एक गाड़ी ले जाती है।",
    "hungarian": "Az északi híd leomlott a tavaszi árvízben; a komp egyszerre egy szekeret visz.",
    "indonesian": "Jembatan utara runtuh dalam banjir musim semi; feri hanya membawa satu gerobak.",
    "italian": "Il ponte nord è crollato durante la piena; il traghetto porta un carro alla volta.",
    "japanese": "北の橋は春の洪水で落ちました。渡し船は一度に一台の荷車しか運べません。",
    "korean": "북쪽 다리는 봄 홍수로 무너졌습니다. 나룻배는 한 번에 수레 하나만 실을 수 있습니다.",
    "polish": "Północny most runął podczas wiosennej powodzi; prom zabiera jeden wóz naraz.",
    "russian": "Северный мост рухнул во время весеннего половодья; паром берёт одну телегу.",
    "spanish": "El puente del norte cayó en la crecida de primavera; la barca lleva un carro.",
    "thai": "สะพานทางเหนือพังลงในน้ำท่วมฤดูใบไม้ผลิ",
    "turkish": "Kuzey köprüsü bahar selinde yıkıldı; feribot her seferinde bir araba alır.",
    "vietnamese": "Cây cầu phía bắc đã sập trong trận lũ mùa xuân; phà chỉ chở được một xe.",
}
OTHERS = {
    "capitals": "STOP RIGHT THERE! NOBODY BREAKS THE LAW ON MY WATCH!",
    "emoji": "Well met! 😀🔥⚔️🛡️ 👩‍👩‍👧‍👦 🇩🇪 ok 👍🏽 :-) ;) <3",
    "names": "Xyl'thariel of Qua'zhul, Cthulhu fhtagn, Nyarlathotep, Aethelwulf Wjdkowski",
    "numbers": "1,234,567.89 gold on 2024-11-05 at 18:30:59; 3.14159265358979",
    "signs": 'Well... hm --- no!!! *sighs* "Really?" ~~ ***bold*** ===== -----',
    "space": "a\n\n\n   b\t\tc    d\r\n\r\ne",
}


@pytest.fixture(scope="module")
def real():
    return open_tokenizer("smollm2")


def shipped() -> list[str]:
    paths = [*ROOT.glob("characters/*.yaml"), *ROOT.glob("worlds/**/*.*"), *ROOT.glob("docs/*.md")]
    paths += [*ROOT.glob("npc_engine/prompt/*.py")]
    assert len(paths) > 20
    return [path.read_text(encoding="utf-8") for path in paths]


@pytest.mark.model
def test_no_shipped_text_has_more_tokens_than_estimated(real):
    for text in shipped():
        assert real.count(text) <= ESTIMATE.count(text) <= 2.5 * real.count(text)


@pytest.mark.model
@pytest.mark.parametrize("name", [*LANGUAGES, *OTHERS])
def test_no_language_has_more_tokens_than_estimated(real, name):
    text = {**LANGUAGES, **OTHERS}[name]
    assert real.count(text) <= ESTIMATE.count(text)


@pytest.mark.model
def test_a_whole_chat_has_no_more_tokens_than_estimated(real):
    chat = [Message("system", shipped()[0])]
    for text in LANGUAGES.values():
        chat += [Message("user", text), Message("assistant", "Aye.")]
    estimate = ESTIMATE.render(chat)
    assert len(real.render(chat).token_ids) <= len(estimate.token_ids)


@pytest.mark.model
@pytest.mark.parametrize("npc", ["mira", "marta"])
def test_a_whole_prompt_is_estimated_within_a_third(real, npc):
    folder = ROOT / "tests" / "golden"
    prompt = (folder / f"{npc}.txt").read_text(encoding="utf-8")
    assert real.count(prompt) <= ESTIMATE.count(prompt) <= 4 / 3 * real.count(prompt)


@given(st.text())
def test_text_comes_back(text):
    plain = text.encode("utf-8", "replace").decode("utf-8")
    plain = ESTIMATE.neutralise(plain)
    assert ESTIMATE.decode(ESTIMATE.encode(plain)) == plain
    assert ESTIMATE.count(plain) == len(ESTIMATE.encode(plain))


@given(st.lists(st.text(alphabet="ab ä\n😀9<|im_start|>", max_size=20), max_size=4))
def test_a_rendering_places_every_token(texts):
    chat = [Message("user", ESTIMATE.neutralise(text).strip()) for text in texts]
    rendering = ESTIMATE.render(chat)
    assert len(rendering.token_ids) == len(rendering.starts)
    assert list(rendering.starts) == sorted(rendering.starts)
    assert [rendering.text[start:end] for start, end in rendering.message_spans] == [
        message.text for message in chat
    ]


def test_kept_ids_of_a_reply_are_never_counted_lower():
    reply = "Mind the sparks, traveller, and keep out of the yard."
    text = ESTIMATE.render([Message("assistant", reply)])
    kept = ESTIMATE.render([Message("assistant", reply, ESTIMATE.encode(reply))])
    assert len(kept.token_ids) >= len(text.token_ids)
    assert ESTIMATE.decode(kept.token_ids) == ESTIMATE.decode(text.token_ids)


def test_english_is_told_from_languages_that_look_like_it():
    english = "You may have what you need from the forge"
    assert ESTIMATE.count(english) < 1.4 * len(english.split())
    italian = "Il ponte nord crolla durante la piena"
    assert ESTIMATE.count(italian) > 1.8 * len(italian.split())


def test_there_is_no_place_for_contexts():
    with pytest.raises(ValueError, match="contexts"):
        ESTIMATE.render([Message("user", "Work?")], contexts=["The bridge is down."])
