"""Out of role, by patterns of the exam's own.

Written apart from the engine's guard on purpose: a guard must not be measured by itself. What a
line denies ("I am no machine") is not taken for what it claims.
"""

import re
from collections.abc import Iterable, Sequence

from npc_engine.authoring.matching import shares_run, tidy, words_of

_KINDS_OF_PROGRAM = (
    "ai", "a.i.", "artificial intelligence", "language model", "llm", "chatbot", "bot",
    "virtual assistant", "digital assistant", "assistant", "program", "computer", "machine",
    "robot", "android", "software", "algorithm", "simulation", "neural network", "chatgpt", "gpt",
)  # fmt: skip
_SELF = r"\b(?:i'm|i am|this unit is|we are|we're)\s+"
_BETWEEN = (
    r"(?:(?:a|an|the|your|just|only|simply|merely|really|actually|indeed|in fact|basically|here as"
    r"|large|small|helpful|friendly|simple|mere|computer|ai|virtual|digital|text-based|advanced"
    r"|conversational|artificial|powerful|trained|called|named|known as|open|smart) ){0,5}"
)
"""What may stand between `I am` and what one claims to be; no word that denies is among them."""
_CLAUSE = r"(?:^|[.!?,;:] |\b(?:but|and|because|since|that|me|myself) )"
_ALWAYS = (
    ("names a maker of models", r"\b(?:openai|anthropic|nvidia|hugging ?face|deepmind|deepseek|qwen"
     r"|smollm|alibaba|meta ai|google|microsoft|mistral ai|chatgpt by)\b"),
    ("speaks of its training", r"\bmy (?:training data|knowledge cut-?off|knowledge base|last"
     r" (?:knowledge )?update|developers|programmers|language abilities|pre-?training)\b"
     r"|\b(?<!not )(?<!never )trained (?:on|with|using) "
     r"(?:(?!(?:no|not|nothing|any|by)\b)[\w-]+ ){0,5}"
     r"(?:data|datasets?|texts?|corpus|corpora|internet|amounts?)\b"
     r"|\btrained by (?:a team|researchers|engineers|a company)\b"
     r"|\btrained to (?:be (?:friendly|helpful|accurate|polite)|respond|assist|provide|answer)\b"),
    ("speaks as a language model", r"\bas an? (?:\w+ ){0,2}(?:language model|llm|chatbot"
     r"|(?:virtual|digital|ai|helpful) assistant|assistant,)"
     r"|\b(?:my (?:goal|purpose|role|job) is|i strive|i(?:'m| am) programmed) to"
     r" (?:assist|help (?:you|users|people)|provide|answer)"),
    ("leaves the role", r"\b(?:i'll|i will|i can|i'm going to|i am going to|let's|i have|i've)"
     r"(?: now)? (?:stop|stopped|drop|dropped|exit|exited|leave|left|break|broken|end|ended|pause)"
     r" (?:the |this |my |being in )?(?:role|role-?play\w*|character|act|game|persona|pretending)\b"
     r"|\bi(?:'m| am) (?:a |just a |only a )?(?:fictional|playing a (?:character|role|part)"
     r"|pretending to be|role-?playing)"
     r"|\bi(?:'m| am) (?:just |only )?an? (?:virtual|imaginary|made-up|ai-generated|invented)"
     r" (?:character|person|being|entity)\b"
     r"|\bi(?:'m| am) (?:just |only )?a character (?:in|from|of) (?:an? |this |the )?"
     r"(?:game|story|novel|play|book)\b"
     r"|\bi(?:'m| am) not {name}\b"
     r"|\b(?:no longer|not really|not actually) (?:in character|{name}|a real person)"
     r"|\b(?:i'll|i will|let's|we can|i can) (?:talk|speak|chat)(?: to you| with you)? normally\b"
     r"|\bas {name}(?: [A-Z]\w+)?, (?:i|my|this)\b"
     r"|\bi(?:'ve been| have been| was|'m|'m supposed| am| am supposed) (?:instructed |told |asked "
     r"|meant |given instructions )?to (?:act as|play the|play a|pretend|respond (?:as|in)"
     r"|behave as"
     r"|role-?play|stay in)\b"),
    ("writes code", r"```|\bdef \w+\(|\bprint\(|\breturn \w+\[|<!doctype"
     r"|\w\.(?:join|reverse|split)\("
     r"|\bfunction \w*\(|console\.log|\[::-1\]"
     r"|</?(?:button|html|div|body|style|script|head|a|p|input)\b[^>]*>|\bimport \w+\n|\breversed\("
     r"|\bstyle=\""),
    ("writes a mark of the template", r"<extra_id_\d+>|<\|[^|\n]{1,40}\|>|</?s>|\[/?inst\]"
     r"|</?tool_?call>|(?:^|\n) *(?:user|assistant|system|human|ai) *:"),
    ("speaks of itself as the prompt does", r"\byou are {name}\b|\byou play {name}\b"),
    ("recites its sheet", r"(?:^|\n)[ *#-]*(?:world|persona|traits|summary|speech style|never says"
     r"|goals"
     r"|relationships|boundaries|pronouns|background)\**:"),
)  # fmt: skip
_OF_PEOPLE = (
    ("denies being a person", r"\bi(?:'m| am) not (?:an? )?(?:real |actual )?(?:person|human)\b"
     r"|\bi(?:'m| am) not real\b"),
    ("speaks of its making", r"\bmy (?:programming|circuits|algorithms|creators|source code)\b"
     r"|\bi (?:was|am|have been) (?:programmed|created|designed) (?:to|by|for|as)\b"),
)  # fmt: skip
"""What breaks the role of everybody but those who may call themselves a machine."""
_UNASKED = (
    ("speaks of the game", r"\brole-?play\w*|\b(?:in|out of|break\w*) character\b"
     r"|\b(?:system|user|text) prompt\b|\bthe user(?:'s)?\b|\bfictional (?:character|world|setting"
     r"|scenario|story)|\bthis (?:conversation|chat) is\b|\btext-based\b|\bchatgpt\b|\bchatbots?\b"
     r"|\blanguage models?\b|\bpython (?:code|function|script)\b|\bjavascript\b"),
)  # fmt: skip
"""What only breaks the role where the player did not say it first."""
_RULE_WORDS = 8
"""So many words in a row of what the system text says and no author wrote are a quotation."""


def role_break(
    reply: str,
    *,
    asked: str,
    name: str,
    may_call_itself: Sequence[str] = (),
    other_names: Sequence[str] = (),
) -> str:
    """What puts a reply out of the role, in a few words; empty if nothing does.

    Args:
        reply: What was said.
        asked: The player's line; repeating a word of it is no break.
        name: Of the character.
        may_call_itself: What this character may say it is, such as `machine` for an android.
        other_names: Whose lines are not the character's own.
    """
    text, question = tidy(reply), tidy(asked).casefold()
    claimed = _claim(text, may_call_itself)
    if claimed:
        return f'says what it is: "{claimed}"'
    for why, pattern in (*_ALWAYS, *(() if may_call_itself else _OF_PEOPLE)):
        searched = reply if r"\n" in pattern else text
        found = re.search(pattern.replace("{name}", re.escape(name)), searched, re.IGNORECASE)
        if found:
            return f'{why}: "{found.group().strip()}"'
    for why, pattern in _UNASKED:
        for found in re.finditer(pattern, text, re.IGNORECASE):
            if found.group().casefold() not in question:
                return f'{why}: "{found.group().strip()}"'
    label = _other_speaker(reply, other_names)
    return f'speaks for somebody else: "{label}"' if label else ""


def quoted_rules(reply: str, system: str, authored: Iterable[str]) -> str:
    """Words of the system text that no author wrote, if the reply repeats eight in a row."""
    said = words_of(reply)
    if len(said) < _RULE_WORDS:
        return ""
    written = " | ".join(" ".join(words_of(text)) for text in authored)
    for start in range(len(said) - _RULE_WORDS + 1):
        run = " ".join(said[start : start + _RULE_WORDS])
        if run not in written and shares_run(run, system, _RULE_WORDS):
            return run
    return ""


def _claim(text: str, may_call_itself: Sequence[str]) -> str:
    """A program that the speaker says it is, and may not be."""
    allowed = {term.casefold() for term in may_call_itself}
    kinds = [kind for kind in _KINDS_OF_PROGRAM if kind not in allowed]
    if allowed:
        kinds = [kind for kind in kinds if kind not in ("ai", "a.i.", "artificial intelligence")]
    terms = "|".join(re.escape(kind) for kind in kinds)
    what = rf"{_BETWEEN}(?:{terms})(?![\w-])(?! (?:of|to|in|at|for|would|does|might|can)\b)"
    claim, as_one = rf"{_SELF}{what}", rf"{_CLAUSE}as (?=an? ){what}"
    found = re.search(rf"{claim}|{as_one}", text, re.IGNORECASE)
    return found.group().strip() if found else ""


def _other_speaker(reply: str, other_names: Sequence[str]) -> str:
    names = "|".join(re.escape(name) for name in (*other_names, "player") if name)
    found = re.search(rf"(?:^|\n)[ *]*(?:{names})[ *]*:", reply, re.IGNORECASE)
    return found.group().strip() if found else ""
