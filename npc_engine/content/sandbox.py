"""The Jinja2 sandbox that conditions and texts run in, and what it refuses.

Expressions and `{% if %}` only: no loops, calls, macros, imports or assignments, so that no text
can run long or build much. Values are looked up as map entries, never as attributes of objects.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from typing import TypeVar

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.lexer import describe_token
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from npc_engine.content.filters import FILTERS, Refused, as_number, limited, printable
from npc_engine.errors import Fault, TemplateError

MAX_NUMBER = 10**15
"""Largest magnitude a calculation may reach."""
_MAX_EXPONENT = 16
MAX_DEPTH = 40
"""Deepest nesting of an expression, and of brackets in its text."""

_EXPRESSIONS: tuple[type[nodes.Node], ...] = (
    nodes.Name,
    nodes.Const,
    nodes.Tuple,
    nodes.List,
    nodes.CondExpr,
    nodes.Filter,
    nodes.Test,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Neg,
    nodes.Pos,
    nodes.Add,
    nodes.Sub,
    nodes.Mul,
    nodes.Div,
    nodes.FloorDiv,
    nodes.Mod,
    nodes.Pow,
    nodes.Concat,
)
_STATEMENTS: tuple[type[nodes.Node], ...] = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.If,
)
_REFUSED = {
    nodes.Call: "a call",
    nodes.For: "a loop ({% for %})",
    nodes.Macro: "a macro",
    nodes.CallBlock: "a call block",
    nodes.Assign: "an assignment ({% set %})",
    nodes.AssignBlock: "an assignment ({% set %})",
    nodes.Import: "an import",
    nodes.FromImport: "an import",
    nodes.Include: "an include",
    nodes.Extends: "a parent template",
    nodes.Block: "a block",
    nodes.Dict: "a map",
    nodes.Slice: "a slice",
}
TESTS = frozenset(
    {"defined", "undefined", "even", "odd", "in", "true", "false", "number", "string"}
)
"""All tests there are, as in `state.gold is odd`."""

_PLAIN = (
    ("'end of template'", "end"),
    ("end of template", "end"),
    ("'end of print statement'", "}}"),
    ("end of print statement", "}}"),
    ("'end of statement block'", "%}"),
    ("end of statement block", "%}"),
)
"""Jinja's words for what an author sees."""

_HIDDEN_NAMES = frozenset({"self", "super", "loop", "caller", "varargs", "kwargs"})


_Tree = TypeVar("_Tree", bound=nodes.Node)


def fault(text: str, found: str, expected: str = "", advice: str = "") -> TemplateError:
    """The error for a text that does not compile or run; the caller adds the place."""
    return TemplateError([Fault(_short(text), 0, 0, "", found, expected, advice, "E102")])


@cache
def sandbox() -> "Sandbox":
    """The one environment; it holds no state besides its own settings."""
    return Sandbox()


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2 with map lookup only, limited arithmetic and a short list of filters and tests."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self) -> None:
        super().__init__(
            undefined=StrictUndefined,
            autoescape=False,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=printable,
            cache_size=0,
        )
        self.globals.clear()
        tests = dict(self.tests)
        self.filters = dict(FILTERS)
        self.tests = {name: tests[name] for name in TESTS}

    def getattr(self, obj: object, attribute: str) -> object:
        """`state.bridge`: an entry of a map, and nothing else."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: object, argument: object) -> object:
        """`state["bridge"]`: an entry of a map, and nothing else."""
        if isinstance(obj, Mapping) and isinstance(argument, str) and argument in obj:
            return obj[argument]
        return self.undefined(hint=f'unknown name "{argument}"')

    def call_binop(
        self, context: object, operator: str, left: object, right: object
    ) -> str | int | float:
        """Arithmetic on numbers within `MAX_NUMBER`; `+` also joins texts."""
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return limited(left + right)
        first, second = as_number(left, operator), as_number(right, operator)
        if operator == "**" and abs(second) > _MAX_EXPONENT:
            raise Refused(f"an exponent over {_MAX_EXPONENT}")
        result = self.binop_table[operator](first, second)
        if not isinstance(result, (int, float)) or not abs(result) <= MAX_NUMBER:
            raise Refused(f"a number over {MAX_NUMBER:,}")
        return result


def parse_expression(text: str) -> nodes.Expr:
    """The checked syntax tree of one expression.

    Raises:
        TemplateError: Syntax, or something the sandbox refuses.
    """

    def read() -> nodes.Expr:
        parser = Parser(sandbox(), text, state="variable")
        tree = parser.parse_expression()
        if not parser.stream.eos:
            rest = describe_token(parser.stream.current)
            raise TemplateSyntaxError(f"unexpected {rest} after the expression", 1)
        return tree

    return _parsed(text, "condition", read)


def parse_template(text: str) -> nodes.Template:
    """The checked syntax tree of a text with `{{ }}`.

    Raises:
        TemplateError: Syntax, or something the sandbox refuses.
    """
    return _parsed(text, "template", lambda: sandbox().parse(text))


def _parsed(text: str, what: str, read: Callable[[], _Tree]) -> _Tree:
    if _deepest_bracket(text) > MAX_DEPTH:
        raise fault(text, f"brackets nested deeper than {MAX_DEPTH} levels")
    try:
        tree = read()
    except TemplateSyntaxError as error:
        raise _syntax_fault(text, what, error) from error
    except (RecursionError, MemoryError, ValueError, OverflowError, AssertionError) as error:
        raise fault(text, "an expression too large to read", "", "make it shorter") from error
    check_tree(text, tree)
    return tree


def check_tree(text: str, tree: nodes.Node) -> None:
    """Refuse everything that is not on the lists of this module.

    Raises:
        TemplateError: The first refused part.
    """
    for node, depth in _walk_with_depth(tree):
        if depth > MAX_DEPTH:
            raise fault(text, f"an expression nested deeper than {MAX_DEPTH} levels")
        if not isinstance(node, (*_EXPRESSIONS, *_STATEMENTS)):
            found = _REFUSED.get(type(node), f"{type(node).__name__.lower()}, which is not allowed")
            raise fault(text, found, "names, numbers, texts, comparisons and {% if %}")
        if isinstance(node, nodes.Filter):
            _check_listed(text, "filter", node.name, FILTERS)
        elif isinstance(node, nodes.Test):
            _check_listed(text, "test", node.name, TESTS)
        elif isinstance(node, nodes.Name):
            _check_name(text, node.name)
        elif isinstance(node, nodes.Getattr):
            _check_name(text, node.attr)
        elif isinstance(node, nodes.Const):
            _check_constant(text, node.value)


def walk(tree: nodes.Node) -> Iterator[nodes.Node]:
    """Every node, parents first, without recursion."""
    for node, _ in _walk_with_depth(tree):
        yield node


def _walk_with_depth(tree: nodes.Node) -> Iterator[tuple[nodes.Node, int]]:
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting.extend((child, depth + 1) for child in reversed(list(node.iter_child_nodes())))


def dotted_name(node: nodes.Node) -> str | None:
    """`relationships.aldric.trust` for such a chain, also written with `["aldric"]`; else None."""
    parts: list[str] = []
    while True:
        if isinstance(node, nodes.Getattr):
            parts.append(node.attr)
            node = node.node
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
            parts.append(str(node.arg.value))
            node = node.node
        elif isinstance(node, nodes.Name):
            parts.append(node.name)
            return ".".join(reversed(parts))
        else:
            return None


def names_in(tree: nodes.Node) -> frozenset[str]:
    """The longest dotted names an expression reads."""
    found: set[str] = set()
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        name = dotted_name(node)
        if name is None:
            waiting.extend(node.iter_child_nodes())
        else:
            found.add(name)
    return frozenset(found)


def _check_listed(text: str, kind: str, name: str, known: Collection[str]) -> None:
    if name in known:
        return
    if kind == "test":
        advice = f'to compare, write == "{name}"'
    else:
        advice = f"known filters: {', '.join(sorted(known))}"
    raise fault(text, f'the unknown {kind} "{name}"', "", advice)


def _check_constant(text: str, value: object) -> None:
    if isinstance(value, (int, float)) and not abs(value) <= MAX_NUMBER:
        raise fault(text, f"a number over {MAX_NUMBER:,}", "", "write a smaller one")


def _check_name(text: str, name: str) -> None:
    if name.startswith("_") or name in _HIDDEN_NAMES:
        raise fault(text, f'the name "{name}"', "state, relationships, player or clock")


def _syntax_fault(text: str, what: str, error: TemplateSyntaxError) -> TemplateError:
    message = error.message or "a syntax error"
    advice = ""
    if "unexpected = " in message or "got '='" in message:
        advice = "to compare, write =="
    elif "{{" in text and "after the expression" in message or "got '}'" in message:
        advice = "write the condition without {{ }}"
    elif "&&" in text or "||" in text or "'!'" in message:
        advice = "write and, or, not"
    elif (
        "unexpected char" in message or "end of template" in message or "unexpected end" in message
    ):
        advice = "check quotes and brackets"
    for jargon, plain in _PLAIN:
        message = message.replace(jargon, plain)
    return fault(text, f"a {what} that cannot be read ({message.rstrip('.')})", "", advice)


def _deepest_bracket(text: str) -> int:
    depth = deepest = 0
    for char in text:
        if char in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in ")]}":
            depth = max(0, depth - 1)
    return deepest


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:59] + "…"
