"""Each trap of YAML: what the author wrote, where, and the exact words of the fault."""

import pytest
import yaml

from npc_engine.content.source import inspect_yaml
from npc_engine.content.yaml_traps import explain
from npc_engine.content.yaml_tree import build_tree

TRAPS = [
    (
        "examples:\n  - {player: Can you?, reply: No.}\n",
        'f:2:14 examples[0].player: found the text "Can you?" with a "?" inside { }; '
        'expected a text in quotes there; put the text in quotes: player: "Can you?" [E003]',
    ),
    (
        "says: [Aye?, No.]\n",
        'f:1:8 says[0]: found the text "Aye?" with a "?" inside [ ]; '
        'expected a text in quotes there; put the text in quotes: "Aye?" [E003]',
    ),
    (
        "persona: Note: she limps  # left leg\n",
        'f:1:10: found a second colon in "Note: she limps"; expected one colon in a line, '
        'after the key; put the text in quotes: persona: "Note: she limps" [E002]',
    ),
    (
        "examples:\n  - player: He said: go\n",
        'f:2:13: found a second colon in "He said: go"; expected one colon in a line, after the '
        'key; put the text in quotes: player: "He said: go" [E002]',
    ),
    (
        "speech:\n\tstyle: dry\n",
        "f:2:1: found a tab at the beginning of the line; expected spaces; "
        "indent with two spaces for each level, never with tabs [E002]",
    ),
    (
        "name: Mira\n\tnickname: M\n",
        "f:2:1: found a tab at the beginning of the line; expected spaces; "
        "indent with two spaces for each level, never with tabs [E002]",
    ),
    (
        'name: "Mira\nworld: w\n',
        'f:1:7: found a text that begins with " and never ends; expected a closing "; '
        'close the text with ": "Mira" [E002]',
    ),
    (
        "says: 'it's mine'\n",
        "f:1:11: found text that goes on after the closing '; expected the end of the line; "
        "write an apostrophe inside '…' twice (''), or put the whole text in \"…\" [E002]",
    ),
    (
        'says: "No," she said.\n',
        'f:1:13: found text that goes on after the closing "; expected the end of the line; '
        "put the whole text in '…', or write each \" inside it as \\\" [E002]",
    ),
    (
        "says: @all hands\n",
        'f:1:7: found a value that begins with "@", a sign YAML keeps for itself; '
        'expected a text in quotes; put the text in quotes: says: "@all hands" [E002]',
    ),
    (
        "says: `hm`\n",
        'f:1:7: found a value that begins with "`", a sign YAML keeps for itself; '
        'expected a text in quotes; put the text in quotes: says: "`hm`" [E002]',
    ),
    (
        "says: [ok, %x]\n",
        'f:1:12: found a value that begins with "%", a sign YAML keeps for itself; '
        'expected a text in quotes; put the text in quotes: "%x" [E002]',
    ),
    (
        "says: *shrugs*\n",
        'f:1:7: found a value that begins with "*", a sign YAML keeps for itself; '
        'expected a text in quotes; put the text in quotes: says: "*shrugs*" [E002]',
    ),
    (
        "says: *shrugs and leaves\n",
        'f:1:7: found a value that begins with "*", a sign YAML keeps for itself; '
        'expected a text in quotes; put the text in quotes: says: "*shrugs and leaves" [E002]',
    ),
    (
        "says: *shrugs\n",
        'f:1:7 says: found a value that begins with "*", which YAML reads as a reference; '
        'expected a text in quotes; put the text in quotes: "*shrugs" [E003]',
    ),
    (
        "says: &more text\n",
        'f:1:7 says: found a value that begins with "&", which YAML reads as an anchor; '
        'expected a text in quotes; put the text in quotes: "&more text" [E003]',
    ),
    (
        "says: !go away\n",
        'f:1:7 says: found a value that begins with "!", which YAML reads as a tag; '
        'expected a text in quotes; put the text in quotes: "!go away" [E003]',
    ),
    (
        "says: !!python/object:os.system {}\n",
        'f:1:7 says: found a value that begins with "!", which YAML reads as a tag; expected a '
        'text in quotes; put the text in quotes: "!!python/object:os.system {}" [E003]',
    ),
    (
        "says: [one, two\nworld: w\n",
        "f:1:7: found a [ that is never closed; expected a closing ]; write ] where it ends [E002]",
    ),
    (
        "barks: {fail: [x}\n",
        "f:1:17: found } where [ is open; expected ]; close [ with ] [E002]",
    ),
    (
        "says: [one, two]]\n",
        "f:1:17: found a ] that closes nothing; expected as many closing brackets as opening "
        "ones; remove it, or put the text in quotes if ] belongs to it [E002]",
    ),
    (
        'says: ["one" "two"]\n',
        "f:1:14: found two texts without a comma between them; expected a comma between the "
        'items of a list; write ["one", "two"] [E002]',
    ),
    (
        "summary: {{ player.name }}, welcome\n",
        "f:1:10: found a text that begins with {; expected a text in quotes; "
        'put the text in quotes: summary: "{{ player.name }}, welcome" [E002]',
    ),
    (
        "summary: {{ player.name }}\n",
        'f:1:10 summary: found a text that begins with "{{"; expected a text in quotes; '
        'put the text in quotes: "{{ player.name }}" [E003]',
    ),
    (
        "says: - one\n",
        'f:1:7: found a "-" behind a key in one line; expected a list; write says: ["one"], or '
        "put the - on a line of its own [E002]",
    ),
    (
        "name:Mira\nworld: w\n",
        'f:1:1: found "name:Mira"; expected a space after the colon; write name: Mira [E002]',
    ),
    (
        "player: {name:Tolan}\n",
        'f:1:10 player.name: found "name:Tolan"; expected a space after the colon; '
        "write name: Tolan [E003]",
    ),
    (
        "examples:\n  - {player: Hello, you, reply: Hm.}\n",
        'f:2:21 examples[0].you: found "you" without a value; expected key: value; a comma '
        "inside { } begins a new entry; if it belongs to the text, put the text in quotes: "
        'player: "Hello, you" [E003]',
    ),
    (
        "persona: | Forty\n",
        'f:1:10: found text in the same line after "|"; expected nothing more in the line after '
        "|; begin the text in the next line, indented; or put the text in quotes: "
        'persona: "| Forty" [E002]',
    ),
    (
        'pattern: "\\w+"\n',
        'f:1:11: found "\\w" in a text in "…"; expected an escape YAML knows, such as \\n or '
        "\\\\; write the backslash twice (\\\\w), or put the text in '…' [E002]",
    ),
    (
        "speech:\n  style: dry\n says: [x]\n",
        "f:3:2: found a line indented by 1 space; expected keys of one level exactly under each "
        "other; indent it like the other keys of its group [E002]",
    ),
    (
        "examples:\n  - player: Hi\n   reply: Yo\n",
        "f:3:4: found a line indented by 3 spaces; expected keys of one level exactly under each "
        "other; indent it like the other keys of its group [E002]",
    ),
    (
        "name: Mira\n  world: w\n",
        "f:2:3: found a key indented under a line that already has a value; expected keys of one "
        "level under each other; indent this line like the one above, or move that line's value "
        "below its key [E002]",
    ),
    (
        "- a\nname: Mira\n",
        'f:2:1: found "name: Mira" among the items of a list; expected a line that begins with '
        "-; write - before it, or indent it under the item above [E002]",
    ),
    (
        "name: Mira\nname: Bett\n",
        'f:2:1 name: found the key "name" a second time (first in line 1); expected each key '
        "once; keep one of the two, or join their values [E003]",
    ),
    (
        "name: Mira\n---\nname: Bett\n",
        'f:2:1: found a second document ("---"); expected one document in a file; remove the '
        "line with ---, or move what follows into a file of its own [E003]",
    ),
    (
        "<<: {a: b}\n",
        'f:1:1: found the merge key "<<"; expected plain keys; write the keys out, or use '
        "extends: for a shared parent [E003]",
    ),
    (
        "? [a, b]\n: c\n",
        "f:1:3: found a key that is not plain text; expected a text as key; "
        "put it in quotes [E003]",
    ),
    (
        'says: "\\x1b[2J"\n',
        "f:1:7 says: found an escape character (ESC), U+001B; expected visible text; "
        "remove it [E109]",
    ),
]


@pytest.mark.parametrize(("text", "expected"), TRAPS)
def test_trap_is_explained_with_its_mend(text: str, expected: str):
    assert [str(fault) for fault in inspect_yaml(text, "f").faults] == [expected]


@pytest.mark.parametrize("text", [text for text, _ in TRAPS])
def test_python_parser_stops_in_the_same_line(text: str):
    """Without the C parser the words may differ, the place may not."""

    def line_with(loader: object) -> int | None:
        try:
            tree = build_tree(text, "f", loader=loader)
        except yaml.YAMLError as error:
            return explain(error, text, "f").line
        return tree.faults[0].line if tree.faults else None

    expected = inspect_yaml(text, "f").faults[0].line
    lines = {line_with(loader) for loader in (yaml.SafeLoader, yaml.CSafeLoader)}
    assert lines == {expected}


def test_what_is_no_trap_is_left_alone():
    text = (
        "says: What do you need?\n"
        "time: 18:30\n"
        "url: http://example.org/a\n"
        "list: [don't, rock & roll, 5*3, a#b]\n"
        "quoted: {player: \"Can you?\", reply: 'No, never.'}\n"
        "---ish: x\n"
    )

    assert inspect_yaml(text, "f").faults == ()
