"""One call in every form in which models are known to write calls."""

import json
from collections.abc import Callable, Mapping
from typing import Any

Form = Callable[[str, Mapping[str, Any]], str]


def _json(name: str, arguments: Mapping[str, Any]) -> str:
    return json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)


def _python(name: str, arguments: Mapping[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"


def _smart(name: str, arguments: Mapping[str, Any]) -> str:
    """Typographic quotes; where a text holds a quote of its own, plain ones."""
    text = _json(name, arguments)
    if "\\" in text:
        return text
    parts = text.split('"')
    return "".join(
        part + ("" if number == len(parts) - 1 else "“”"[number % 2])
        for number, part in enumerate(parts)
    )


def _bare_keys(name: str, arguments: Mapping[str, Any]) -> str:
    members = ", ".join(f"{key}: {json.dumps(value)}" for key, value in arguments.items())
    return f'{{name: "{name}", arguments: {{{members}}}}}'


def _tagged_values(name: str, arguments: Mapping[str, Any]) -> str:
    texts = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in arguments.items()
    }
    values = "".join(f"<parameter={key}>\n{text}\n</parameter>\n" for key, text in texts.items())
    return f"<tool_call>\n<function={name}>\n{values}</function>\n</tool_call>"


FORMS: Mapping[str, Form] = {
    "nemotron": lambda name, given: f" <toolcall> {_json(name, given)} </toolcall>",
    "nemotron, indented": lambda name, given: (
        "<toolcall>"
        + json.dumps({"name": name, "arguments": given}, indent=2, ensure_ascii=False)
        + "</toolcall>"
    ),
    "hermes, qwen": lambda name, given: f"<tool_call>\n{_json(name, given)}\n</tool_call>",
    "llama": lambda name, given: json.dumps({"name": name, "parameters": given}),
    "llama, python tag": lambda name, given: (
        "<|python_tag|>" + json.dumps({"name": name, "parameters": given})
    ),
    "mistral": lambda name, given: f"[TOOL_CALLS][{_json(name, given)}]",
    "mistral, name first": lambda name, given: (
        f"[TOOL_CALLS]{name}[ARGS]{json.dumps(given, ensure_ascii=False)}"
    ),
    "fence": lambda name, given: f"```json\n{_json(name, given)}\n```",
    "python": _python,
    "python, list": lambda name, given: f"[{_python(name, given)}]",
    "python literals": lambda name, given: repr({"name": name, "arguments": dict(given)}),
    "name, colon": lambda name, given: f"{name}: {json.dumps(given, ensure_ascii=False)}",
    "action line": lambda name, given: f"Action: {name} {json.dumps(given)}",
    "action and input": lambda name, given: (
        f"Action: {name}\nAction Input: {json.dumps(given, ensure_ascii=False)}"
    ),
    "function tag": lambda name, given: f"<function={name}>{json.dumps(given)}</function>",
    "tagged values": _tagged_values,
    "openai": lambda name, given: json.dumps(
        {"type": "function", "function": {"name": name, "arguments": json.dumps(given)}}
    ),
    "typographic quotes": _smart,
    "bare keys": _bare_keys,
    "no closing tag": lambda name, given: f"<toolcall> {_json(name, given)}",
    "no last bracket": lambda name, given: f"<toolcall> {_json(name, given)[:-1]} </toolcall>",
}
