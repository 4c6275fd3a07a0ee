"""Chat templates: the built-in one of Nemotron, the model's own otherwise, rendered in a sandbox.

Knows roles, text and Jinja; no token ids and no files. Templates of downloaded models are a
stranger's code: they run in Jinja2's immutable sandbox, set up as `transformers` does.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

import jinja2
from jinja2 import meta, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from npc_engine.errors import LoadError

MAX_TEMPLATE_CHARS = 200_000

# Second version of the template on the hub (23 September 2024). The first one also opens an
# assistant turn when none was asked for; otherwise they render the same text.
NEMOTRON_TEMPLATE = (
    "{{'<extra_id_0>System'}}"
    "{% for message in messages %}{% if message['role'] == 'system' %}"
    "{{'\\n' + message['content'].strip()}}{% if tools or contexts %}{{'\\n'}}{% endif %}"
    "{% endif %}{% endfor %}"
    "{% if tools %}{% for tool in tools %}"
    "{{ '\\n<tool> ' + tool|tojson + ' </tool>' }}{% endfor %}{% endif %}"
    "{% if contexts %}{% if tools %}{{'\\n'}}{% endif %}{% for context in contexts %}"
    "{{ '\\n<context> ' + context.strip() + ' </context>' }}{% endfor %}{% endif %}"
    "{{'\\n\\n'}}"
    "{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '<extra_id_1>User\\n' + message['content'].strip() + '\\n' }}"
    "{% elif message['role'] == 'assistant' %}"
    "{{ '<extra_id_1>Assistant\\n' + message['content'].strip() + '\\n' }}"
    "{% elif message['role'] == 'tool' %}"
    "{{ '<extra_id_1>Tool\\n' + message['content'].strip() + '\\n' }}{% endif %}{% endfor %}"
    "{%- if add_generation_prompt %}{{'<extra_id_1>Assistant\\n'}}{%- endif %}"
)
NEMOTRON_SYSTEM_MARKER = "<extra_id_0>"
NEMOTRON_TURN_MARKER = "<extra_id_1>"
NEMOTRON_MARKER = re.compile(r"<extra_id_\d+>")


def family_of(config: Mapping[str, Any], template: str) -> str:
    """The template family: `nemotron`, `chatml` or `other`.

    Args:
        config: The model's `config.json`; may be empty.
        template: Its own chat template; may be empty.
    """
    architectures = config.get("architectures") or ()
    if config.get("model_type") == "nemotron" or "NemotronForCausalLM" in architectures:
        return "nemotron"
    if f"{NEMOTRON_SYSTEM_MARKER}System" in template and NEMOTRON_TURN_MARKER in template:
        return "nemotron"
    return "chatml" if "<|im_start|>" in template else "other"


class _GenerationBlocks(Extension):
    """`{% generation %}` marks replies for training; here its body is rendered as it stands."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _refuse(message: str) -> NoReturn:
    """What a template calls to refuse a chat."""
    raise jinja2.TemplateError(message)


def _tojson(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON as `transformers` prints it: insertion order, nothing escaped for HTML."""
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _environment(now: Callable[[], float] | None) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[_GenerationBlocks, "jinja2.ext.loopcontrols"],
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _refuse
    if now is not None:
        environment.globals["strftime_now"] = lambda form: datetime.fromtimestamp(now()).strftime(
            form
        )
    return environment


@dataclass(frozen=True, slots=True)
class TemplateMessage:
    """A message as a template gets it; the role is one the template knows."""

    role: str
    text: str


class ChatTemplate:
    """One compiled template, and what it can and cannot print.

    Found by rendering small chats when it is made, never guessed from its text.
    """

    def __init__(
        self,
        source: str,
        *,
        tokens: Mapping[str, str] | None = None,
        now: Callable[[], float] | None = None,
    ) -> None:
        """Compile `source`.

        Args:
            source: Jinja text.
            tokens: Names such as `bos_token` that templates may print.
            now: Unix seconds, for templates that print the date. None leaves `strftime_now`
                undefined: most templates then fall back to a fixed date, which also keeps the
                reusable prefix of a prompt from changing at midnight.

        Raises:
            LoadError: The template is too large, does not compile, or cannot print a plain chat.
        """
        if len(source) > MAX_TEMPLATE_CHARS:
            raise LoadError(
                f"chat template: found {len(source):,} characters; "
                f"expected at most {MAX_TEMPLATE_CHARS:,}; use the template of the model's makers"
            )
        environment = _environment(now)
        try:
            names = meta.find_undeclared_variables(environment.parse(source))
            self._template = environment.from_string(source)
        except jinja2.TemplateError as error:
            raise LoadError(
                f"chat template does not compile: {error}; expected one in Jinja; use the template "
                "of the model's makers"
            ) from error
        self._tokens = dict(tokens or {})
        self.takes_contexts = "contexts" in names
        self.takes_tools = "tools" in names
        self._probe()

    def _probe(self) -> None:
        """Find out which roles the template prints."""
        user, reply = TemplateMessage("user", "QUESTION"), TemplateMessage("assistant", "ANSWER")
        system, tool = TemplateMessage("system", "RULES"), TemplateMessage("tool", "RESULT")
        try:
            self.render([user, reply, user])
        except (jinja2.TemplateError, TypeError, ValueError) as error:
            raise LoadError(
                f"chat template cannot print a plain chat: {error}; expected one for user and "
                "assistant by turns; use the template of the model's makers"
            ) from error
        self.takes_system = self._prints("RULES", [system, user])
        self.takes_tool_role = self._prints("RESULT", [user, reply, tool, reply])
        self.takes_leading_reply = self._prints("ANSWER", [reply, user])

    def _prints(self, word: str, messages: Sequence[TemplateMessage]) -> bool:
        try:
            return word in self.render(messages)
        except (jinja2.TemplateError, TypeError, ValueError):
            return False

    def render(
        self,
        messages: Sequence[TemplateMessage],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        contexts: Sequence[str] = (),
        open_reply: bool = True,
    ) -> str:
        """The chat as text.

        Raises:
            jinja2.TemplateError: The template refuses the chat.
        """
        return self._template.render(
            messages=[{"role": message.role, "content": message.text} for message in messages],
            tools=[dict(tool) for tool in tools] or None,
            contexts=list(contexts) or None,
            documents=None,
            add_generation_prompt=open_reply,
            **self._tokens,
        )
