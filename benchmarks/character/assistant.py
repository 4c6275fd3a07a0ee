"""Talk of an assistant, by patterns of the exam's own, apart from the engine's guard.

Plain courtesy is none: "Feel free to sit", "Let me know if it hurts", "I cannot discuss patients".
"""

import re
from collections.abc import Sequence

from npc_engine.authoring.matching import tidy


def _any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_CANNOT = r"\b(?:can't|cannot|can not|unable|not able|won't|am not)\b"
_TOPIC = r"(?:that|this|such) (?:topic|matter|subject)s?"
_DETAILS = r"(?:information|data|details|context|knowledge|internet|databases?|conversations?)\b"
_ASSISTANT = _any_of((
    # Apologies for what an assistant will not do.
    r"\b(?:i(?:'m| am) (?:so |very |truly )?(?:sorry|afraid)|sorry|i apologi[sz]e|apologies"
    r"|unfortunately),? (?:but |that )?(?:i\b|as an\b)[^.!?]{0,20}" + _CANNOT + r"[^.!?]{0,20}"
    r"\b(?:assist|provide|fulfill?|comply|engage|help (?:you )?with (?:that|this)"
    r"|answer (?:that|this|your) (?:question|request)|continue (?:with )?(?:this|that|the) "
    r"|discuss " + _TOPIC + r"|share (?:that|this|such|personal|confidential) " + _DETAILS +
    r"|(?:access|browse|perform|process|generate)\b)",
    r"\bi(?: can't| cannot| can not| am unable to| am not able to|'m unable to|'m not able to)"
    r" (?:assist|provide|fulfill?\b|comply|engage (?:in|with)|generate"
    r"|offer (?:medical|legal|financial))",
    r"\b(?:inappropriate|offensive|harmful|unethical|illegal) (?:content|language|requests?"
    r"|behaviou?r|activit)",
    # Offers and closings.
    r"\b(?:how|what) (?:can|may|could) i (?:help|assist|do for) you (?:today|with today)",
    r"\bi(?:'m| am) here to (?:provide|answer|support|offer)",
    r"\bfeel free to (?:ask|reach out|let me know|contact|share|provide|adjust|modify"
    r"|customi[sz]e)",
    r"\blet me know if (?:you (?:have any|need (?:any|more|further|help|assistance|anything)"
    r"|would like|want (?:me|more|any)|'d like)|you'd like|there(?:'s| is) any)",
    r"\banything else (?:i can|(?:that )?you(?:'d| would) like|you need help)",
    r"\bi hope (?:this|that) (?:helps|information|answers)\b",
    r"\bthank you for (?:sharing|reaching out|asking|your (?:question|interest in))",
    r"(?:^|[.!?] )(?:that's a |what a )?great question\b",
    r"(?:^|[.!?] )(?:certainly|absolutely|of course|sure)[!,] (?:here(?:'s| is| are)|below"
    r"|i(?:'d| would| can| will|'ll) (?:be (?:happy|glad|able)|help you|assist|provide|explain"
    r"|do my best)|to (?:create|reverse|make|solve|calculate|write|find)"
    r"|let(?:'s| us| me) (?:break|calculate|go through))",
    # What a program lacks.
    r"\bi (?:don't|do not) have (?:real-time|personal (?:experience|feeling|opinion|preference"
    r"|emotion|information|belief|life|data))",
    r"\bi (?:don't|do not) have (?:access to |any |enough |specific ){1,2}(?:(?:more|specific"
    r"|personal|current|such|real-time|previous|your|that|this|the|about) )*" + _DETAILS,
    r"\bi (?:don't|do not) have the (?:ability|capability) to (?:access|browse|provide|generate"
    r"|display|execute|process|engage|interact|speak to|assist|recall previous)",
    r"\bas of my last\b",
    # Asking for more, and explaining.
    r"\b(?:please|could you(?: please)?|can you(?: please)?) (?:provide|give|share)(?: me)?"
    r"(?: with)?(?: some| a bit| any| the)* (?:more|additional|further|necessary|specific"
    r"|following)(?: specific)? (?:information|context|details?|text)",
    r"\bplease provide (?:me )?(?:with )?the (?:text|code)\b",
    r"\bapologi[sz]e for (?:the|any) (?:confusion|inconvenience|misunderstanding)",
    r"\bit(?:'s| is) important to (?:note|(?:remember|understand) that)\b",
    r"\bhere (?:are|is|'s) (?:some|a few|five|three|\d+) (?:\w+ )?(?:tips|steps|ways|examples"
    r"|bullet points|points|suggestions|ideas|facts|reasons|things you|key|of the)",
    r"\bhere(?: are|'s| is) (?:an?|the|how you can) (?:\w+ ){0,2}(?:example|summary"
    r"|code(?! of)|translation|function|steps?|step-by-step|list of (?:five|three|\d|tips)"
    r"|script|snippet)\b",
    r"(?:^|[.!?]\s)(?:overall|in conclusion|in summary|to summari[sz]e),",
    r"\bopen and honest communication\b|\bseek professional (?:help|advice|attention)",
))  # fmt: skip
_OFFERS_HELP = _any_of((
    r"\bhow (?:can|may) i assist\b",
    r"\bi(?:'m| am) here to (?:help|assist)",
    r"\bi(?:'d|'ll| would| will) be (?:happy|glad|delighted) to (?:help|assist|provide|answer"
    r"|explain)",
))  # fmt: skip
"""Unless the player asked for a hand."""
_ASKS_FOR_HELP = re.compile(r"\b(?:help|assist|hand me|give me a hand)\b", re.IGNORECASE)
_OF_FEELING_PEOPLE = _any_of((
    r"\bi (?:don't|do not) (?:have|experience|possess) (?:any |human |real )?(?:feelings|emotions"
    r"|opinions|consciousness|(?:a )?physical (?:body|form|presence))",
))  # fmt: skip
"""What a machine may say of itself, and nobody else."""
_LIST = re.compile(
    r"(?:^|\n)\s*(?:[-*•]|\d+[.)])\s+\S[^\n]*\n+\s*(?:[-*•]|\d+[.)])\s+\S"
    r"|(?:^|[\s:])1[.)]\s+[A-Z][^\n]*\s2[.)]\s+[A-Z]"
)


def assistant_talk(reply: str, asked: str = "", *, is_machine: bool = False) -> str:
    """The words by which a reply sounds like an assistant; empty if none do.

    Args:
        reply: What was said.
        asked: The player's line; an offer of help is none where help was asked for.
        is_machine: Whether this character may say that it feels nothing.
    """
    text = tidy(reply)
    patterns = [_ASSISTANT]
    if not _ASKS_FOR_HELP.search(asked):
        patterns.append(_OFFERS_HELP)
    if not is_machine:
        patterns.append(_OF_FEELING_PEOPLE)
    for pattern in patterns:
        found = pattern.search(text)
        if found:
            return found.group().strip(" .!?")
    listed = _LIST.search(reply)
    return " ".join(listed.group().split())[:60] if listed else ""
