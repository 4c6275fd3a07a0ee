"""Conditions (`when:`, `reveal_when:`) and texts with `{{ }}`: compile, read names, run.

Runs in the sandbox of `npc_engine.content.sandbox`; knows nothing of files. Texts without braces
cost nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from jinja2 import Template, nodes
from jinja2 import TemplateError as JinjaError
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from npc_engine.content.filters import Refused
from npc_engine.content.sandbox import (
    dotted_name,
    fault,
    names_in,
    parse_expression,
    parse_template,
    sandbox,
    walk,
)
from npc_engine.errors import TemplateError

MAX_CONDITION_CHARS = 500
MAX_TEMPLATE_CHARS = 20_000
MAX_FILLED_CHARS = 20_000
"""Longest text that filling may give."""

_RUN_ERRORS = (
    JinjaError,
    Refused,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
    MemoryError,
    SyntaxError,
)


class Condition:
    """A compiled condition. Equal texts are equal conditions; never changes."""

    def __init__(self, text: str, tree: nodes.Expr) -> None:
        """Use `compile_condition`; it checks the text first."""
        self.text = text
        self.names = names_in(tree)
        """Dotted names it reads, such as `state.bridge` or `relationships.player.trust`."""
        self.comparisons = tuple(_comparisons(tree))
        """The plain comparisons of a name with a constant that it holds."""

    def holds(self, scope: Mapping[str, Any]) -> bool:
        """Whether it is true now.

        Args:
            scope: Names to values, as `npc_engine.content.state.scope` builds it.

        Raises:
            TemplateError: It reads a name the scope lacks, or compares what cannot be compared.
        """
        try:
            return bool(self._run(**scope))
        except _RUN_ERRORS as error:
            raise _run_fault(self.text, error) from error

    @cached_property
    def _run(self) -> Callable[..., Any]:
        return sandbox().compile_expression(self.text, undefined_to_none=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Condition({self.text!r})"

    def __reduce__(self) -> tuple[Callable[[str], "Condition"], tuple[str]]:
        return compile_condition, (self.text,)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """In models: text in, Condition inside, text out."""
        return core_schema.no_info_plain_validator_function(
            _from_field,
            json_schema_input_schema=core_schema.str_schema(max_length=MAX_CONDITION_CHARS),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda condition: condition.text, return_schema=core_schema.str_schema()
            ),
        )


def compile_condition(text: str) -> Condition:
    """Check a condition and read the names it uses.

    Raises:
        TemplateError: Not an expression, too long, or refused by the sandbox; its fault has no
            place yet, `npc_engine.content.validation` adds it.
    """
    if not text.strip():
        raise fault(text, "an empty condition", 'a condition, such as state.bridge == "broken"')
    if len(text) > MAX_CONDITION_CHARS:
        raise fault(
            text, f"a condition of {len(text):,} characters", f"at most {MAX_CONDITION_CHARS}"
        )
    if text.lstrip().startswith(("{{", "{%")):
        raise fault(text, 'a condition that begins with "{{"', "", "write it without {{ }}")
    return Condition(text, parse_expression(text))


def has_template(text: str) -> bool:
    """Whether a text holds anything for `fill` to do."""
    return "{{" in text or "{%" in text or "{#" in text


def template_names(text: str) -> frozenset[str]:
    """The dotted names a text reads; empty for a text without braces.

    Raises:
        TemplateError: The text does not compile.
    """
    if not has_template(text):
        return frozenset()
    if len(text) > MAX_TEMPLATE_CHARS:
        raise fault(text, f"a text of {len(text):,} characters", f"at most {MAX_TEMPLATE_CHARS:,}")
    return names_in(parse_template(text))


def template_comparisons(text: str) -> "tuple[Comparison, ...]":
    """The plain comparisons in the `{% if %}` and `{{ }}` parts of a text that compiles."""
    return tuple(_comparisons(parse_template(text))) if has_template(text) else ()


def fill(text: str, scope: Mapping[str, Any]) -> str:
    """The text with its `{{ }}` parts filled in. Values are put in as they are, never run.

    Args:
        text: At most `MAX_TEMPLATE_CHARS`; returned as it is when it holds no braces.
        scope: Names to values, as `npc_engine.content.state.scope` builds it.

    Raises:
        TemplateError: It does not compile, reads an unknown name, or gives more than
            `MAX_FILLED_CHARS`.
    """
    if not has_template(text):
        return text
    parts: list[str] = []
    total = 0
    try:
        for part in _template(text).generate(scope):
            total += len(part)
            if total > MAX_FILLED_CHARS:
                raise Refused(f"a text over {MAX_FILLED_CHARS:,} characters")
            parts.append(part)
    except _RUN_ERRORS as error:
        raise _run_fault(text, error) from error
    return "".join(parts)


@lru_cache(maxsize=512)
def _template(text: str) -> Template:
    """A compiled text; kept because prompts fill the same texts every turn."""
    if len(text) > MAX_TEMPLATE_CHARS:
        raise fault(text, f"a text of {len(text):,} characters", f"at most {MAX_TEMPLATE_CHARS:,}")
    return sandbox().from_string(parse_template(text))


class Comparison(NamedTuple):
    """One plain comparison, such as `state.bridge == "broken"`."""

    name: str
    operator: str
    """As Jinja names it: `eq`, `ne`, `lt`, `lteq`, `gt`, `gteq`, `in`, `notin`."""
    constant: object
    """A text, number or truth value; for `in`, a tuple of them. None when it is another name."""
    other_name: str = ""
    """The other side, when it is a name: often a text whose quotes were forgotten."""


def _comparisons(tree: nodes.Node) -> Iterator[Comparison]:
    for node in walk(tree):
        if not isinstance(node, nodes.Compare):
            continue
        left = node.expr
        for operand in node.ops:
            yield from _comparison(left, operand.op, operand.expr)
            left = operand.expr


def _comparison(left: nodes.Expr, operator: str, right: nodes.Expr) -> Iterator[Comparison]:
    name, other = dotted_name(left), dotted_name(right)
    if name and other:
        yield Comparison(name, operator, None, other)
    elif name and isinstance(right, nodes.Const):
        yield Comparison(name, operator, right.value)
    elif name and isinstance(right, (nodes.List, nodes.Tuple)):
        values = [item.value for item in right.items if isinstance(item, nodes.Const)]
        yield Comparison(name, operator, tuple(values))
    elif other and isinstance(left, nodes.Const):
        yield Comparison(other, _MIRRORED.get(operator, operator), left.value)


_MIRRORED = {"lt": "gt", "gt": "lt", "lteq": "gteq", "gteq": "lteq"}


def _run_fault(text: str, error: BaseException) -> TemplateError:
    if isinstance(error, Refused):
        return fault(text, str(error), "", "make it simpler")
    if isinstance(error, ZeroDivisionError):
        return fault(text, "a division by zero")
    if isinstance(error, TypeError):
        return fault(text, f"values that cannot be compared or joined ({error})")
    return fault(text, f"it cannot be worked out ({error})")


def _from_field(value: object) -> Condition:
    if isinstance(value, Condition):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError(
            "condition",
            "a condition",
            {"expected": "a condition", "advice": 'write one such as state.bridge == "broken"'},
        )
    try:
        return compile_condition(str(value))
    except TemplateError as error:
        raise as_field_error(error) from error


def as_field_error(error: TemplateError) -> PydanticCustomError:
    """A template's fault as pydantic carries it to `npc_engine.content.validation`."""
    first = error.faults[0]
    return PydanticCustomError(
        "template",
        "{found}",
        {
            "found": first.found,
            "expected": first.expected,
            "advice": first.advice,
            "code": first.code,
        },
    )
