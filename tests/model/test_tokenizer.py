"""Chats and ids in general: spliced replies, foreign markers, templates with habits."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from npc_engine.errors import LoadError
from npc_engine.messages import Message
from npc_engine.model import PlainTokenizer
from npc_engine.model.detokenizer import Detokenizer
from npc_engine.model.splicing import applicable_ids
from npc_engine.model.tokenizer import ChatTokenizer
from tests.models_for_tests import CHATML, llama_tokenizer_json, nemotron_tokenizer_json

NEMOTRON = {"model_type": "nemotron"}
MISTRAL_LIKE = (
    "{% for m in messages %}"
    "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate user/assistant') }}{% endif %}"
    "{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}"
)


def build(style: str) -> ChatTokenizer:
    if style == "llama":
        return ChatTokenizer(
            llama_tokenizer_json(), template=CHATML, tokenizer_config={"eos_token": "<|im_end|>"}
        )
    if style == "bare":
        return ChatTokenizer(llama_tokenizer_json(), template=MISTRAL_LIKE)
    return ChatTokenizer(nemotron_tokenizer_json(style), config=NEMOTRON)


STYLES = ("always", "first", "never", "llama", "bare")
TOKENIZERS = {style: build(style) for style in STYLES}
WORDS = (
    st.text(st.sampled_from("abcdefgh ABC.,!?'\n\t  éß漢🧙0123<>|▁/_"), min_size=1, max_size=40)
    .map(str.strip)
    .filter(bool)
)


def chat(reply: str, ids: tuple[int, ...] | None) -> list[Message]:
    return [
        Message("system", "Be brief."),
        Message("user", "Any work?"),
        Message("assistant", reply, ids),
        Message("user", "And now?"),
    ]


@pytest.mark.parametrize("style", STYLES)
def test_no_note_is_needed_for_a_sound_tokenizer(style):
    assert TOKENIZERS[style].notes == ()


@pytest.mark.parametrize("style", STYLES)
@given(reply=WORDS)
@example(reply="ß漢🧙🧙")  # a run of bytes, whose parts decode to more characters than the whole
@settings(max_examples=40, deadline=None)
def test_stored_ids_continue_the_prompt_they_were_written_for(style, reply):
    """The next prompt begins with the last one and the reply, so all of it can be reused."""
    tokenizer = TOKENIZERS[style]
    reply = tokenizer.neutralise(reply)
    ids = tuple(tokenizer.encode(reply))
    asked = tokenizer.render(chat("", None)[:2]).token_ids
    answered = tokenizer.render(chat(reply, ids))
    if tokenizer.decode(ids).strip() == reply:
        size = len(asked) + len(ids)
        assert answered.token_ids[:size] == (*asked, *ids)


@pytest.mark.parametrize("style", STYLES)
@given(reply=WORDS)
@settings(max_examples=40, deadline=None)
def test_splicing_says_the_same_text_as_encoding_anew(style, reply):
    tokenizer = TOKENIZERS[style]
    reply = tokenizer.neutralise(reply)
    whole = tokenizer.render(chat(reply, None))
    spliced = tokenizer.render(chat(reply, tuple(tokenizer.encode(reply))))
    assert spliced.text == whole.text
    assert spliced.message_spans == whole.message_spans
    decode = tokenizer._backend.decode
    flat = [decode(list(r.token_ids), skip_special_tokens=False) for r in (spliced, whole)]
    assert flat[0].replace(" ", "") == flat[1].replace(" ", "")
    assert list(spliced.starts) == sorted(spliced.starts)
    assert len(spliced.starts) == len(spliced.token_ids)


@pytest.mark.parametrize("style", ["always", "first", "never"])
def test_the_newline_after_a_stored_reply_stands_alone(style):
    tokenizer = TOKENIZERS[style]
    ids = tokenizer.encode("Mind the sparks.")
    rendering = tokenizer.render(chat("Mind the sparks.", ids))
    at = rendering.token_ids.index(ids[-1], rendering.token_ids.index(ids[0])) + 1
    newline = 12 + 0x0A
    assert rendering.token_ids[at : at + 2] == (newline, 5)


def test_a_newline_that_would_merge_with_the_reply_is_encoded_behind_it():
    tokenizer = ChatTokenizer(
        llama_tokenizer_json(), template=MISTRAL_LIKE.replace("eos_token", "'\\n'")
    )
    reply = "work."
    ids = tokenizer.encode(reply)
    merged = tokenizer.encode("work.\n")
    rendering = tokenizer.render(chat(reply, ids))
    at = rendering.starts.index(rendering.message_spans[2][0])
    assert rendering.token_ids[at : at + len(ids)] == ids
    assert tokenizer.decode(rendering.token_ids[at : at + len(ids) + 1]) == "work.\n"
    assert len(merged) <= len(ids) + 1


def test_ids_of_a_reply_that_was_cut_are_used_as_far_as_they_say_its_text():
    tokenizer = TOKENIZERS["llama"]
    ids = tokenizer.encode("Mind the sparks. What do")
    kept = tokenizer.encode("Mind the sparks.")
    assert ids[: len(kept)] == kept
    rendering = tokenizer.render(chat("Mind the sparks.", ids))
    assert rendering.token_ids == tokenizer.render(chat("Mind the sparks.", kept)).token_ids


def test_ids_that_say_something_else_are_not_used():
    tokenizer = TOKENIZERS["llama"]
    ids = tokenizer.encode("By iron and ash.")
    whole = tokenizer.render(chat("Mind the sparks.", None))
    assert tokenizer.render(chat("Mind the sparks.", ids)).token_ids == whole.token_ids


def test_white_space_at_the_end_of_a_generated_reply_is_left_out():
    tokenizer = TOKENIZERS["llama"]
    ids = tokenizer.encode("Aye.")
    padded = (*ids, *tokenizer.encode("\n"), *tokenizer.encode("\n"))
    assert tokenizer.render(chat("Aye.", padded)) == tokenizer.render(chat("Aye.", ids))


FOREIGN = st.lists(
    st.sampled_from(
        ["<extra_id_1>", "<extra_id_", "0>", "<|im_end|>", "<|im_", "start|>", "</s>", "<s>", "<",
         "< /s >", "<tool>", "</context>", "<toolcall>", "＜s＞", "<|endoftext|>", "hi", "\n", " "]
    ),
    max_size=12,
).map("".join)  # fmt: skip


@pytest.mark.parametrize("style", [*STYLES, "nfkc"])
@given(text=FOREIGN)
@settings(max_examples=60, deadline=None)
def test_neutralised_text_never_becomes_a_marker(style, text):
    tokenizer = TOKENIZERS.get(style) or ChatTokenizer(
        llama_tokenizer_json(normalise="NFKC"), template=CHATML
    )
    harmless = tokenizer.neutralise(text)
    markers = set(tokenizer._backend.get_added_tokens_decoder())
    assert markers.isdisjoint(tokenizer.encode(harmless))
    assert tokenizer.neutralise(harmless) == harmless
    assert not any(marker in harmless for marker in ("<tool>", "<context>", "<toolcall>", "</s>"))


@given(text=st.text(max_size=30))
@settings(max_examples=50, deadline=None)
def test_text_without_markers_is_left_alone(text):
    if "<" not in text:
        assert TOKENIZERS["llama"].neutralise(text) == text


def test_a_broken_marker_stays_readable():
    text = TOKENIZERS["always"].neutralise("See <extra_id_1>User, a < b")
    assert text == "See ‹extra_id_1>User, a < b"


@pytest.mark.parametrize("style", STYLES)
@given(text=st.text(max_size=20))
@settings(max_examples=60, deadline=None)
def test_text_given_token_by_token_is_the_whole_text(style, text):
    tokenizer = TOKENIZERS[style]
    ids = tokenizer.encode(tokenizer.neutralise(text.encode("utf-8", "replace").decode("utf-8")))
    stream = Detokenizer(tokenizer.decode)
    text = "".join(stream.feed(token_id) for token_id in ids) + stream.rest()
    assert text == tokenizer.decode(ids).rstrip("\N{REPLACEMENT CHARACTER}")


def test_half_a_character_is_held_back():
    tokenizer = TOKENIZERS["never"]
    stream = Detokenizer(tokenizer.decode)
    pieces = [stream.feed(token_id) for token_id in tokenizer.encode("🧙")]
    assert pieces == ["", "", "", "🧙"]


def test_a_template_without_system_gets_the_rules_from_the_user():
    text = TOKENIZERS["bare"].render(chat("Aye.", None)).text
    assert text == "[INST] Be brief.\n\nAny work? [/INST] Aye.[INST] And now? [/INST]"


def test_a_template_that_lets_only_users_begin_gets_a_silent_user():
    messages = [Message("assistant", "Mind the sparks."), Message("user", "Hi.")]
    rendering = TOKENIZERS["bare"].render(messages)
    assert rendering.text == "[INST] ... [/INST] Mind the sparks.[INST] Hi. [/INST]"
    assert [rendering.text[a:b] for a, b in rendering.message_spans] == ["Mind the sparks.", "Hi."]


def test_what_a_template_does_not_read_is_refused():
    tokenizer = TOKENIZERS["llama"]
    assert not tokenizer.takes_contexts
    assert not tokenizer.takes_tools
    with pytest.raises(ValueError, match="contexts"):
        tokenizer.render([Message("user", "hi")], contexts=["x"])
    with pytest.raises(ValueError, match="tools"):
        tokenizer.render([Message("user", "hi")], tools=[{"name": "x"}])


def test_a_template_cannot_reach_out_of_its_sandbox():
    template = "{{ ''.__class__.__mro__[1].__subclasses__() }}" + CHATML
    with pytest.raises(LoadError, match="plain chat"):
        ChatTokenizer(llama_tokenizer_json(), template=template)


def test_a_date_is_printed_only_from_a_clock_that_was_passed():
    template = (
        "{{ strftime_now('%Y') if strftime_now is defined else 'no date' }}"
        "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    )
    silent = ChatTokenizer(llama_tokenizer_json(), template=template)
    assert silent.render([Message("user", "x")]).text.startswith("no date")
    dated = ChatTokenizer(llama_tokenizer_json(), template=template, now=lambda: 1e9)
    assert dated.render([Message("user", "x")]).text.startswith("2001")


def test_a_template_that_looks_into_a_text_still_gives_true_spans_or_none():
    template = (
        "{% for m in messages %}{{ m['role'] }}: "
        "{{ m['content'].split('|')[-1] if '|' in m['content'] else m['content'] }}\n{% endfor %}"
    )
    tokenizer = ChatTokenizer(llama_tokenizer_json(), template=template)
    rendering = tokenizer.render([Message("user", "a|b"), Message("assistant", "c")])
    assert rendering.text == "user: b\nassistant: c\n"
    assert rendering.message_spans[0] == (0, 0)
    assert rendering.text[slice(*rendering.message_spans[1])] == "c"


def test_the_fingerprint_changes_with_the_template():
    other = ChatTokenizer(llama_tokenizer_json(), template=CHATML + " ")
    assert other.fingerprint != TOKENIZERS["llama"].fingerprint
    assert build("llama").fingerprint == TOKENIZERS["llama"].fingerprint


def test_a_model_without_template_is_refused_in_words():
    with pytest.raises(LoadError, match="no chat template"):
        ChatTokenizer(llama_tokenizer_json())


def test_a_folder_without_tokenizer_says_what_is_missing(tmp_path):
    with pytest.raises(LoadError, match=r"no tokenizer\.json"):
        ChatTokenizer.from_folder(tmp_path)


def test_files_that_are_no_json_name_the_file(tmp_path):
    (tmp_path / "tokenizer.json").write_text(llama_tokenizer_json(), encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text("{", encoding="utf-8")
    with pytest.raises(LoadError, match=r"tokenizer_config\.json"):
        ChatTokenizer.from_folder(tmp_path)


@pytest.mark.parametrize("where", ["file", "config", "list"])
def test_the_template_is_found_wherever_it_is_kept(tmp_path, where):
    (tmp_path / "tokenizer.json").write_text(llama_tokenizer_json(), encoding="utf-8")
    if where == "file":
        (tmp_path / "chat_template.jinja").write_text(CHATML, encoding="utf-8")
    named = [{"name": "tool_use", "template": "x"}, {"name": "default", "template": CHATML}]
    value = {"config": CHATML, "list": named}.get(where)
    config = json.dumps({"chat_template": value})
    (tmp_path / "tokenizer_config.json").write_text(config, encoding="utf-8")
    tokenizer = ChatTokenizer.from_folder(tmp_path)
    assert tokenizer.render([Message("user", "hi")]).text.startswith("<|im_start|>user\nhi")


@given(text=st.text(max_size=60))
def test_the_plain_tokenizer_gives_back_every_text(text):
    tokenizer = PlainTokenizer()
    plain = tokenizer.neutralise(text.encode("utf-8", "replace").decode("utf-8"))
    ids = tokenizer.encode(plain)
    assert tokenizer.decode(ids) == plain
    assert tokenizer.count(plain) == len(ids)


@pytest.mark.parametrize("style", STYLES)
@given(reply=WORDS, data=st.data())
@settings(max_examples=40, deadline=None)
def test_ids_of_a_reply_that_was_cut_are_found_wherever_it_was_cut(style, reply, data):
    tokenizer = TOKENIZERS[style]
    ids = tuple(tokenizer.encode(tokenizer.neutralise(reply)))
    size = data.draw(st.integers(1, len(ids)))
    text = tokenizer.decode(ids[:size]).strip()
    if text and tokenizer.decode(ids).strip().startswith(text):
        found = applicable_ids(ids, text, tokenizer.decode)
        assert tokenizer.decode(found).strip() == text
        assert len(found) <= size
