"""Wrong sheets and worlds: what was written, and the exact words of every fault."""

import pytest
from pydantic import BaseModel

from npc_engine.content.character import CharacterSheet
from npc_engine.content.references import check_sheet, check_world
from npc_engine.content.source import inspect_yaml, parse_yaml
from npc_engine.content.validation import build
from npc_engine.content.world import World


def faults_of(model: type[BaseModel], text: str) -> list[str]:
    inspection = inspect_yaml(text, "f")
    built = build(model, inspection.source, given={"id": "f"})
    faults = [*inspection.faults, *built.faults]
    if isinstance(built.model, CharacterSheet):
        faults.extend(check_sheet(built.model, inspection.source))
    elif isinstance(built.model, World):
        faults.extend(check_world(built.model, inspection.source))
    return [str(fault) for fault in sorted(faults, key=lambda fault: (fault.line, fault.column))]


SHEETS = [
    ("summary: x", "f:1:1 name: found nothing; expected a text; write name: Mira Voss [E101]"),
    ("name:", "f:1:6 name: found nothing; expected a text; write name: Mira Voss [E101]"),
    (
        "name: M\nnicknme: N",
        'f:2:1 nicknme: the unknown key "nicknme"; did you mean "nickname"? [E101]',
    ),
    (
        "name: M\nmax_sentences: 3",
        'f:2:1 max_sentences: the unknown key "max_sentences"; '
        "max_sentences belongs under speech: [E101]",
    ),
    (
        "name: M\npersonality: dry",
        'f:2:1 personality: the unknown key "personality"; here it is called "traits" [E101]',
    ),
    (
        "name: M\nzzz: 1",
        'f:2:1 zzz: the unknown key "zzz"; remove it, or keep it under extensions: [E101]',
    ),
    (
        "id: mira\nname: M",
        'f:1:1 id: the key "id"; remove it: the name of the file is the id [E101]',
    ),
    (
        "name: |\n  Mira\n  Voss",
        'f:1:7 name: found "Mira Voss"; expected a text in one line; write name: Mira Voss [E101]',
    ),
    (
        "name: " + "x" * 81,
        "f:1:7 name: found a text of 81 characters; expected at most 80; shorten it [E101]",
    ),
    ("- name: M", "f:1:1: found a list; expected key: value lines; remove the - at the beginning "
     "of the lines [E101]"),
    ("name:Mira", 'f:1:1: found "name:Mira"; expected key: value lines; write a space after the '
     "colon: name: Mira [E101]"),
    (
        "name: M\nspeech: {max_sentences: three}",
        'f:2:25 speech.max_sentences: found "three"; expected a whole number; '
        "write max_sentences: 3 [E101]",
    ),
    (
        'name: M\nspeech: {max_sentences: "3"}',
        'f:2:25 speech.max_sentences: found the quoted text "3"; expected a whole number; '
        "write 3 without quotes [E101]",
    ),
    (
        "name: M\nspeech: {max_sentences: 017}",
        'f:2:25 speech.max_sentences: found "017"; expected a whole number; write 17 [E101]',
    ),
    (
        "name: M\nspeech: {max_sentences: 1_0}",
        'f:2:25 speech.max_sentences: found "1_0"; expected a whole number; write 10 [E101]',
    ),
    (
        "name: M\nspeech: {max_sentences: 0}",
        'f:2:25 speech.max_sentences: found 0; expected a whole number from 1 to 30; '
        "write max_sentences: 3 [E101]",
    ),
    (
        "name: M\nspeech: dry",
        'f:2:9 speech: found "dry"; expected a group of keys (style, says, never_says, '
        "max_sentences, max_words, emotions); write speech: {style: dry} [E101]",
    ),
    (
        "name: M\nspeech: {says: one text}",
        'f:2:16 speech.says: found "one text"; expected a list of texts; '
        'write a list: says: ["one text"] [E101]',
    ),
    (
        "name: M\nspeech: {style: [Short, dry]}",
        "f:2:17 speech.style: found a list; expected a text; "
        'write one text: style: "Short, dry" [E101]',
    ),
    (
        "name: M\nboundaries: [Note: never lies]",
        "f:2:14 boundaries[0]: found a group of keys; expected a text; "
        'put the text in quotes: "Note: never lies" [E101]',
    ),
    (
        "name: M\ntraits:",
        "f:2:8 traits: found nothing; expected a list of texts; "
        "write traits: [blunt, loyal], or remove the line [E101]",
    ),
    (
        "name: M\ndisplay:\n  colour: #c0713a",
        "f:3:10 display.colour: found nothing; expected a text; # begins a comment; "
        'put the text in quotes: colour: "#c0713a" [E101]',
    ),
    (
        "name: M\nlines: [{when_asked: [a], say: b, once: yes}]",
        'f:2:41 lines[0].once: found "yes"; expected true or false; write true [E101]',
    ),
    (
        "name: M\nlines: [{when_asked: [], say: b}]",
        "f:2:22 lines[0].when_asked: found an empty list; expected at least 1 in it; "
        "write one, or remove the key [E101]",
    ),
    (
        "name: M\nsampling: {temperature: 0,7}",
        'f:2:27 sampling.7: found "7" without a value; expected key: value; '
        "decimals are written with a point: temperature: 0.7 [E003]",
    ),
    (
        "name: M\nsampling: {temperature: .inf}",
        'f:2:25 sampling.temperature: found ".inf"; expected a number; '
        "write temperature: 0.7 [E101]",
    ),
    (
        "name: M\nrelationships: {bob: 3}",
        'f:2:22 relationships.bob: found "3"; expected a group of keys (trust, feels, note); '
        "write bob: {trust: 3} [E101]",
    ),
    (
        "name: M\nknows: [north road]",
        'f:2:9 knows[0]: found "north road"; expected a name of letters, digits, _ and -, '
        "beginning with a letter or _; write north_road [E101]",
    ),
    (
        "name: M\nsecrets:\n  - {id: a, text: x}\n  - {id: a, text: y}",
        'f:4:10 secrets[1].id: found the id "a" a second time (first in line 3); '
        "expected each id once; give one of them another id [E103]",
    ),
    (
        "name: M\nsecrets: [{id: a, text: x, reveal_when: trust > 3}]",
        'f:2:41 secrets[0].reveal_when: found the unknown name "trust"; expected state, '
        "relationships, player or clock; write state.trust [E102]",
    ),
    (
        "name: M\nsecrets: [{id: a, text: x, reveal_when: state.a = 1}]",
        "f:2:41 secrets[0].reveal_when: a condition that cannot be read (unexpected = after the "
        "expression); to compare, write == [E102]",
    ),
    (
        "name: M\npersona: '{{ user }}'",
        'f:2:10 persona: found the unknown name "user"; expected state, relationships, player '
        "or clock; write player.name [E102]",
    ),
    (
        "name: M\npersona: '{% for x in y %}{% endfor %}'",
        "f:2:10 persona: found a loop ({% for %}); expected names, numbers, texts, comparisons "
        "and {% if %} [E102]",
    ),
    (
        "name: M\nremember: [{slot: a, pattern: '(x+x+)+(?P<value>y)'}]",
        "f:2:31 remember[0].pattern: a repeat inside a repeat; "
        "repeat single letters or words, such as \\w+ [E213]",
    ),
    (
        "name: M\nremember: [{slot: a, pattern: 'I am (\\w+)'}]",
        "f:2:31 remember[0].pattern: a pattern without the group that is remembered; "
        "write (?P<value>…) around it [E213]",
    ),
    (
        "name: M\nremember: [{slot: a, pattern: '(?P<value>y)', say: '{name} x'}]",
        "f:2:52 remember[0].say: found {name}; expected {speaker}, {hearer} or {value} [E101]",
    ),
    (
        "name: M\ndisplay: {portrait: ../../etc/passwd}",
        'f:2:21 display.portrait: found "../../etc/passwd"; expected a path that stays in this '
        "folder; move the file here; .. is not allowed [E101]",
    ),
    (
        "name: M\npolicy: {Sex: never}",
        'f:2:10 policy.Sex: found "Sex"; expected a known name; did you mean "Sexual"? [E101]',
    ),
]  # fmt: skip

WORLDS = [
    (
        "name: W\nstate: {bridge: {one_of: [broken, mended], value: brokn}}",
        'f:2:51 state.bridge.value: found "brokn"; expected one of broken, mended; '
        'did you mean "broken"? [E204]',
    ),
    (
        "name: W\nstate: {gold: 20}",
        'f:2:15 state.gold: found "20"; expected a group of keys (one_of, integer, number, '
        "boolean, text, value, …); write one such as gold: {integer: {min: 0}, value: 20} [E101]",
    ),
    (
        "name: W\nstate: {open: {boolean: {}, value: no}}",
        'f:2:36 state.open.value: found "no"; expected true or false; write false [E204]',
    ),
    (
        "name: W\nstate: {gold: {value: 20}}",
        "f:2:15 state.gold: found no kind of value; expected exactly one of one_of, integer, "
        "number, boolean, text; write one such as {one_of: [open, shut], value: open} [E101]",
    ),
    (
        "name: W\nclock: {time: 25:00}",
        'f:2:15 clock.time: found "25:00"; expected a time of day from 00:00 to 23:59; '
        'write time: "18:30" [E101]',
    ),
    (
        'name: W\nstate: {a: {one_of: [x], value: x}}\n'
        'facts: [{id: f, text: t, when: state.a == x}]',
        'f:3:32 facts[0].when: found the unknown name "x"; expected a text in quotes; '
        'write "x" [E102]',
    ),
    (
        'name: W\nstate: {a: {one_of: [xy], value: xy}}\n'
        'facts: [{id: f, text: t, when: state.a == "xz"}]',
        'f:3:32 facts[0].when: found state.a compared with "xz"; expected one of xy; '
        "values: xy [E204]",
    ),
    (
        "name: W\nstate: {gold: {integer: {}, value: 1}}\n"
        'facts: [{id: f, text: t, when: state.gold == "1"}]',
        'f:3:32 facts[0].when: found state.gold compared with "1"; '
        "expected a whole number [E204]",
    ),
    (
        "name: W\nstate: {gold: {integer: {}, value: 1}}\nsetting: '{{ state.glod }}'",
        'f:3:10 setting: found the unknown name "state.glod"; expected a name declared under '
        'state: of the world; did you mean "state.gold"? [E102]',
    ),
    (
        "name: W\nactions:\n  give: {description: d, parameters: {item: {type: string}}, "
        "required: [itm]}",
        'f:3:73 actions.give.required[0]: found "itm"; expected a parameter of this action; '
        'did you mean "item"? [E103]',
    ),
    (
        "name: W\npolicy: {Sexual Minor: allow}",
        "f:2:9 policy: found allow; expected never for Sexual Minor, which no world can change; "
        "remove it [E101]",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SHEETS)
def test_wrong_sheet_is_told_where_what_and_how(text: str, expected: str):
    assert faults_of(CharacterSheet, text) == [expected]


@pytest.mark.parametrize(("text", "expected"), WORLDS)
def test_wrong_world_is_told_where_what_and_how(text: str, expected: str):
    assert faults_of(World, text) == [expected]


def test_all_faults_of_a_file_come_at_once_whatever_their_kind():
    text = """\
nicknme: Mira
persona: Note: she limps
speech: {max_sentences: three, says: Aye}
secrets:
  - {id: a, text: x, reveal_when: trust > 3}
  - {id: a, text: "{{ relationships.player.trst }}"}
greetings: [Hm?, Aye.]
"""

    assert [fault.split(" ")[0] for fault in faults_of(CharacterSheet, text)] == [
        "f:1:1",  # name is missing
        "f:1:1",  # nicknme
        "f:2:10:",  # the second colon
        "f:3:25",  # three
        "f:3:38",  # says
        "f:5:35",  # trust
        "f:6:10",  # the id again
        "f:6:19",  # trst
        "f:7:13",  # the question mark
    ]


def test_texts_that_look_like_numbers_or_truth_values_stay_texts():
    source = parse_yaml("name: 007\nnickname: no\npronouns: 12:30\ntraits: [on, 1e3]\n", "f")

    sheet = build(CharacterSheet, source).model

    assert sheet is not None
    assert (sheet.name, sheet.nickname, sheet.pronouns) == ("007", "no", "12:30")
    assert sheet.traits == ("on", "1e3")


def test_nickname_is_the_first_word_of_the_name_by_default():
    assert CharacterSheet(name="Old Tom Bracken").nickname == "Old"


def test_extensions_are_kept_untouched():
    text = 'name: M\nextensions: {card: {depth: 4, on: true, text: "4", none: null, list: [a]}}\n'

    sheet = build(CharacterSheet, parse_yaml(text, "f")).model

    assert sheet is not None
    assert sheet.extensions == {
        "card": {"depth": 4, "on": True, "text": "4", "none": None, "list": ["a"]}
    }


def test_names_may_hold_any_script():
    text = "name: 山田 花子\ntags: [村人]\nrelationships: {ålesund: {note: ميناء}}\n"

    sheet = build(CharacterSheet, parse_yaml(text, "f")).model

    assert sheet is not None
    assert sheet.nickname == "山田"
    assert sheet.relationships["ålesund"].note == "ميناء"
