"""Text and chats to ids and back, with the `tokenizers` library alone.

Reads tokenizer.json and the small JSON files beside it; imports neither torch nor transformers, so
prompts can be planned and counted without loading a model.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import tokenizers

from npc_engine.errors import LoadError
from npc_engine.messages import Message
from npc_engine.model.chat_format import (
    NEMOTRON_MARKER,
    NEMOTRON_SYSTEM_MARKER,
    NEMOTRON_TEMPLATE,
    NEMOTRON_TURN_MARKER,
    ChatTemplate,
    family_of,
)
from npc_engine.model.chat_layout import Layout, Span, lay_out
from npc_engine.model.markers import Markers
from npc_engine.model.splicing import Encoded, Splice, applicable_ids, splice
from npc_engine.model.stretches import Stretches
from npc_engine.protocols import Rendering

DEFAULT_WINDOW_TOKENS = 4096
NEMOTRON_SYSTEM_ID = 4
NEMOTRON_TURN_ID = 5
_RENDERING_VERSION = "1"
_KNOWN_TEXTS = 4096
_MAX_KNOWN_CHARS = 2000
"""Longer texts are read anew each time."""
_TURN_ENDS = ("<|im_end|>", "<|im_start|>", "<|endoftext|>", "<|eot_id|>", "<|end|>",
              "<end_of_turn>", "<|end_of_text|>", "</s>")  # fmt: skip
_NAMED_TOKENS = ("bos_token", "eos_token", "unk_token", "pad_token")


class ChatTokenizer:
    """Implements `protocols.Tokenizer` for one model.

    The built-in template stands in for the model's own in the Nemotron family, because copies of
    that one in circulation differ from what the model was trained on.
    """

    def __init__(
        self,
        tokenizer_json: str,
        *,
        config: Mapping[str, Any] | None = None,
        tokenizer_config: Mapping[str, Any] | None = None,
        generation_config: Mapping[str, Any] | None = None,
        template: str = "",
        window_tokens: int | None = None,
        now: Callable[[], float] | None = None,
    ) -> None:
        """Build from the contents of a model's files.

        Args:
            tokenizer_json: Text of tokenizer.json.
            config: The model's config.json.
            tokenizer_config: Its tokenizer_config.json.
            generation_config: Its generation_config.json.
            template: Its own chat template; not used in the Nemotron family.
            window_tokens: At most this; by default 4,096, or fewer if the model has fewer.
            now: Clock for templates that print the date; None: they see none.

        Raises:
            LoadError: The tokenizer cannot be read, or there is no usable template.
        """
        config, tokenizer_config = config or {}, tokenizer_config or {}
        try:
            self._backend = tokenizers.Tokenizer.from_str(tokenizer_json)
        except Exception as error:
            raise LoadError(
                f"tokenizer.json cannot be read: {error}; expected the file of the tokenizers "
                "library; get the model's files again"
            ) from error
        self._backend.no_truncation()
        self._backend.no_padding()
        # Some post-processors trim the space off offsets; ids are encoded without one anyway.
        self._backend.post_processor = None
        # A prompt is mostly made of texts that stood in the one before.
        self._known = lru_cache(_KNOWN_TEXTS)(self._encode_anew)
        self._neutral = lru_cache(_KNOWN_TEXTS)(self._neutralise_anew)
        self.family = family_of(config, template)
        self.notes = _template_notes(self.family, template)
        """Things about these files worth telling a person."""
        source = NEMOTRON_TEMPLATE if self.family == "nemotron" else template
        if not source:
            raise LoadError(
                "the model has no chat template; expected one in tokenizer_config.json, "
                "chat_template.jinja or the GGUF; use an instruct or chat model"
            )
        self._template = ChatTemplate(source, tokens=_named_tokens(tokenizer_config), now=now)
        self.window_tokens = _window(config, window_tokens)
        self.fingerprint = _digest(tokenizer_json, source, _RENDERING_VERSION)
        added = self._backend.get_added_tokens_decoder()
        self._markers = frozenset(added)
        self._solid_markers = frozenset(i for i, token in added.items() if token.content.strip())
        self._foreign = Markers(token.content for token in added.values())
        self._stretches = Stretches(
            added.values(),
            normalised=self._backend.normalizer is not None,
            encode=self._encode_anew,
        )
        if self.family == "nemotron":
            self._check_nemotron(config)
        self._reply_gap = self._find_reply_gap()
        self.end_ids = self._find_end_ids(config, tokenizer_config, generation_config or {})
        """Ids that close a reply; never part of one."""
        special = {token_id for token_id, token in added.items() if token.special}
        self._hidden = frozenset(special) | self.end_ids
        self.notes += self._splice_notes()

    @classmethod
    def from_folder(
        cls,
        folder: Path,
        *,
        window_tokens: int | None = None,
        now: Callable[[], float] | None = None,
    ) -> "ChatTokenizer":
        """Read a model folder as the hub lays it out.

        Raises:
            LoadError: tokenizer.json is missing or a file cannot be read.
        """
        source = folder / "tokenizer.json"
        if not source.is_file():
            raise LoadError(
                f"{folder}: no tokenizer.json; expected the files of a model as the hub has them; "
                "download tokenizer.json and tokenizer_config.json too"
            )
        tokenizer_config = read_json(folder / "tokenizer_config.json")
        config = read_json(folder / "config.json")
        generation_config = read_json(folder / "generation_config.json")
        try:
            return cls(
                source.read_text(encoding="utf-8"),
                config=config,
                tokenizer_config=tokenizer_config,
                generation_config=generation_config,
                template=_own_template(folder, tokenizer_config),
                window_tokens=window_tokens,
                now=now,
            )
        except LoadError as error:
            raise LoadError(f"{folder}: {error}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise LoadError(
                f"{folder}: tokenizer.json or the chat template cannot be read as text: {error}; "
                "get the model's files again"
            ) from error

    @property
    def takes_contexts(self) -> bool:
        """Whether the template has a place of its own for contexts."""
        return self._template.takes_contexts

    @property
    def takes_opening(self) -> bool:
        """Whether the first words of a reply may be given."""
        return self.family != "nemotron"

    @property
    def takes_tools(self) -> bool:
        """Whether the template has a place of its own for tools."""
        return self._template.takes_tools

    @property
    def vocab_size(self) -> int:
        """Number of ids, added ones included."""
        return self._backend.get_vocab_size(with_added_tokens=True)

    def encode(self, text: str) -> tuple[int, ...]:
        """The ids of a text on its own; markers in it become marker ids."""
        return tuple(self._encode(text).ids)

    def count(self, text: str) -> int:
        """Tokens of a text on its own."""
        return len(self._encode(text).ids)

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of ids; special tokens and the ids that end a reply are left out."""
        hidden = self._hidden
        return self._backend.decode([token_id for token_id in token_ids if token_id not in hidden])

    def neutralise(self, text: str) -> str:
        """Break every marker of this tokenizer and of known templates."""
        if len(text) > _MAX_KNOWN_CHARS:
            return self._neutralise_anew(text)
        return self._neutral(text)

    def render(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        contexts: Sequence[str] = (),
        open_reply: bool = True,
        opening: str = "",
    ) -> Rendering:
        """See `protocols.Tokenizer.render`.

        Raises:
            ValueError: A role the template cannot print, a place it does not have, or a text that
                holds a live marker.
        """
        if opening and not (self.takes_opening and open_reply):
            raise ValueError("the first words of a reply cannot be given here")
        layout = lay_out(
            messages, self._template, tools=tools, contexts=contexts, open_reply=open_reply
        )
        splices = [
            part
            for message, span in zip(messages, layout.message_spans, strict=True)
            if (part := self._splice(message, span)) is not None
        ]
        text = layout.text + opening
        ids, starts = splice(text, splices, self._markers, self._encode, self._stretches.encode)
        if self.family == "nemotron":
            _check_turns(ids, layout)
        return Rendering(
            text, ids, starts, layout.message_spans, layout.context_spans, layout.tool_spans
        )

    def _neutralise_anew(self, text: str) -> str:
        return self._foreign.neutralise(text, self._live_markers)

    def _encode(self, text: str) -> Encoded:
        return self._encode_anew(text) if len(text) > _MAX_KNOWN_CHARS else self._known(text)

    def _encode_anew(self, text: str) -> Encoded:
        encoding = self._backend.encode(text, add_special_tokens=False)
        return Encoded.from_offsets(encoding.ids, encoding.offsets)

    def _live_markers(self, text: str) -> list[tuple[int, int]]:
        """Where the tokenizer sees a marker in a text."""
        return self._encode(text).spans_of(self._solid_markers)

    def _splice(self, message: Message, span: Span) -> Splice | None:
        """Stored ids to put in for a message, if it has some that still say its text."""
        if message.token_ids is None or span == (0, 0):
            return None
        ids = applicable_ids(message.token_ids, message.text.strip(), self.decode)
        if not ids or not self._hidden.isdisjoint(ids):
            return None
        return Splice(span[0] - self._reply_gap, span[1], ids, shown_start=span[0])

    def _find_end_ids(
        self,
        config: Mapping[str, Any],
        tokenizer_config: Mapping[str, Any],
        generation_config: Mapping[str, Any],
    ) -> frozenset[int]:
        """Ids that end a reply: declared ones, known ones, and what the template prints there."""
        ends: set[int] = set()
        for source in (config, generation_config):
            declared = source.get("eos_token_id")
            ends |= set(declared if isinstance(declared, list) else [declared]) - {None}
        vocabulary = self._backend.get_vocab(with_added_tokens=True)
        names = {_content(tokenizer_config.get("eos_token")), *_TURN_ENDS}
        if self.family == "nemotron":
            names |= {name for name in vocabulary if NEMOTRON_MARKER.fullmatch(name)}
        ends |= {
            vocabulary[name]
            for name in names
            if name in vocabulary and (vocabulary[name] in self._markers or name == "</s>")
        }
        chat = [Message("user", "QUESTION"), Message("assistant", "ANSWER")]
        layout = lay_out(chat, self._template, open_reply=False)
        behind = self._encode(layout.text[layout.message_spans[1][1] :].lstrip()).ids
        return frozenset(ends) | (frozenset(behind[:1]) & self._markers)

    def _find_reply_gap(self) -> int:
        """White space the template puts between an opened turn and a reply.

        The model writes it itself when it answers, so it is part of the ids kept from a reply.
        """
        chat = [Message("user", "QUESTION"), Message("assistant", "ANSWER")]
        opened = lay_out(chat[:1], self._template).text
        told = lay_out(chat, self._template, open_reply=False)
        gap = told.text[len(opened) : told.message_spans[1][0]]
        return len(gap) if told.text.startswith(opened) and gap.isspace() else 0

    def _check_nemotron(self, config: Mapping[str, Any]) -> None:
        """What must hold for ids to mean what the model learned."""
        wanted = ((NEMOTRON_SYSTEM_MARKER, NEMOTRON_SYSTEM_ID),
                  (NEMOTRON_TURN_MARKER, NEMOTRON_TURN_ID))  # fmt: skip
        for marker, token_id in wanted:
            if self.encode(marker) != (token_id,):
                raise LoadError(
                    f"tokenizer.json: {marker} encodes to {list(self.encode(marker))}; expected "
                    f"[{token_id}]; use the tokenizer.json of the model's own repository, "
                    "never one made from a GGUF"
                )
        bos = config.get("bos_token_id", 2)
        if self.encode("x")[:1] == (bos,):
            raise LoadError(
                f"tokenizer.json puts id {bos} in front of every text; this model was trained "
                "without it; use the tokenizer.json of the model's own repository"
            )

    def _splice_notes(self) -> tuple[str, ...]:
        """Check on fixed chats that stored ids give what a whole encoding gives."""
        replies = ("Mind the sparks.", "Three coins, not two. Take it or leave it.", "Aye!\nNo.")
        for reply in replies:
            chat = [Message("user", "Any work?"), Message("assistant", reply)]
            whole = self.render([*chat, Message("user", "And now?")])
            start, end = whole.message_spans[1]
            ids = tuple(
                token_id
                for token_id, at in zip(whole.token_ids, whole.starts, strict=True)
                if start - self._reply_gap <= at < end
            )
            chat[1] = Message("assistant", reply, ids)
            if self.render([*chat, Message("user", "And now?")]).token_ids != whole.token_ids:
                return ("ids kept from a reply differ from those of the whole text",)
        return ()


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; empty when there is no such file.

    Raises:
        LoadError: The file is not a JSON object.
    """
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LoadError(
            f"{path}: cannot be read as JSON: {error}; get the model's files again"
        ) from error
    if not isinstance(value, dict):
        raise LoadError(
            f"{path}: found {type(value).__name__}; expected a JSON object; get the model's files "
            "again"
        )
    return value


def _own_template(folder: Path, tokenizer_config: Mapping[str, Any]) -> str:
    """The chat template a model folder brings along; empty if none."""
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    found = tokenizer_config.get("chat_template")
    if isinstance(found, list):
        by_name = {entry.get("name"): entry.get("template") for entry in found}
        found = by_name.get("default") or next(iter(by_name.values()), "")
    return found if isinstance(found, str) else ""


def _template_notes(family: str, template: str) -> tuple[str, ...]:
    if family == "nemotron" and template and template.strip() != NEMOTRON_TEMPLATE:
        return ("its own chat template differs from the built-in one, which is used instead",)
    return ()


def _named_tokens(tokenizer_config: Mapping[str, Any]) -> dict[str, str]:
    """Tokens that templates print by name."""
    return {name: _content(tokenizer_config.get(name)) for name in _NAMED_TOKENS}


def _content(token: object) -> str:
    """The text of a token, given as text or as an object."""
    if isinstance(token, Mapping):
        token = token.get("content")
    return token if isinstance(token, str) else ""


def _window(config: Mapping[str, Any], wanted: int | None) -> int:
    """Positions to use: what was asked for, never more than the model has."""
    if wanted is not None and wanted < 1:
        raise LoadError(f"window_tokens: found {wanted}; expected at least 1, or none at all")
    trained = config.get("max_position_embeddings")
    limit = wanted or DEFAULT_WINDOW_TOKENS
    return min(limit, trained) if isinstance(trained, int) and trained > 0 else limit


def _check_turns(ids: Iterable[int], layout: Layout) -> None:
    """Refuse a rendering in which a text opened a block of its own."""
    ids = tuple(ids)
    found = (ids.count(NEMOTRON_SYSTEM_ID), ids.count(NEMOTRON_TURN_ID))
    if found != (1, layout.num_turns):
        raise ValueError(
            f"the rendered chat has {found[0]} system blocks and {found[1]} turns; expected 1 and "
            f"{layout.num_turns}; neutralise every text before it becomes a message"
        )


def _digest(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8"))
        digest.update(b"\0")
    return digest.hexdigest()[:16]
