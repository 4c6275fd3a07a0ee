"""What models say when they fall out of a role, as phrases (see `phrases`).

Several lists, because a sheet may allow one of them: an android may say that it is a machine, but
no character speaks of its training data, and none talks like a help desk.
Names in capitals stand for the choices below; an indented line goes on with the one before it.
"""

import re
from collections.abc import Mapping

_CHOICES: Mapping[str, str] = {
    "I_AM": ("(i'm|i am|im)"),
    "JUST": ("(just|only|simply|merely|actually|really|not a person but|)"),
    "CANNOT": (
        "(can't|cannot|can not|couldn't|could not|won't|will not|am unable to|i'm "
        "unable to|unable to|am not able to|i'm not able to|not able to|won't be "
        "able to)"
    ),
    "SORRY": (
        "(((i'm|i am|) (so|very|really|truly|) sorry|i apologize|i apologise|my "
        "apologies) (but|) (i|we|)|)"
    ),
    "REQUEST": ("(request|requests|question|questions|query|queries|prompt)"),
    "THIS": ("(that|this|your|such|the|any|those|these)"),
    "MAKERS": (
        "(openai|nvidia|anthropic|chatgpt|microsoft|google|alibaba|meta|deepmind|hugging face)"
    ),
    "PROGRAM": (
        "(chatbot|chat bot|computer program|software program|virtual assistant|digital "
        "assistant|ai assistant|ai model|ai program|ai character|ai language model|"
        "machine learning model|conversational agent|text based|computer generated)"
    ),
}

MACHINE_TALK = """
as an (ai|artificial intelligence)
as a (machine|robot|computer|program) i
I_AM JUST (an|your|) (ai|artificial intelligence)
I_AM JUST a (bot|robot|chatbot|program|machine .|machine and|simulation)
I_AM JUST (a|an|your|) PROGRAM
as (a|an|your) PROGRAM
I_AM JUST (an|your) assistant (.|designed|created|trained|developed|here|and|that|powered|
    made|built)
I_AM (actually|really|) not (actually|really|) (a real (person|human|being)|a human (.|
    being|but|so|like)|human .|a person .|capable of feeling|programmed|(designed|trained)
    to (provide|answer|assist|discuss|generate))
my (programming|algorithms|neural network|circuits are|code does|source code|developers|
    programmers)
(was|am|been) programmed (to|by|with)
(was|am|been) (designed|built|created) to (assist|help users|provide|answer|generate|be
    helpful)
i (don't|do not) have (personal (feelings|opinions|experiences|beliefs|preferences|
    emotions)|feelings or|feelings like|emotions|human|a physical (body|form)|physical form|
    consciousness|a consciousness)
i (don't|do not) (actually|really|) exist (in the|outside|physically)
ai
ais
(chatbot|chatbots|llm|llms)
i (don't|do not|can't|cannot) (have|possess|experience|feel) ((the|) (ability|capability|
    capacity) to (feel|experience|access|browse|see|remember|process|form|love)|
    consciousness|sentience|(real|true|genuine|human|actual) (feelings|emotions|
    experiences)|emotions|feelings (or|and))
I_AM JUST (a|an) (virtual|digital|artificial|computer generated|simulated) (being|entity|
    person|presence|construct|companion|character|helper|mind)
i (only|just|) exist (only|just|) (in|as|within|inside) (this|the|a|your) (game|text|story|
    conversation|chat|simulation|computer|program|code)
not capable of (having|feeling|experiencing|forming) (feelings|emotions|anything|real|
    opinions)
i (don't|do not) have (real world|first hand|lived) (experience|experiences)
I_AM JUST (lines|a piece|a bunch|pieces) of (code|software)
(talking|speaking|chatting) (to|with) (a|an) (computer|machine|program|bot|algorithm)
I_AM designed to (be helpful|provide|assist|help you with|answer|follow|simulate)
i strive to (be helpful|provide|be as|give accurate|assist)
(helpful and accurate|helpful harmless|helpful honest|accurate and helpful)
"""
"""Speaking of oneself as a machine: out of the question for a person, natural for an android."""

MODEL_TALK = """
language (model|models)
(openai|nvidia|chatgpt|anthropic|deepmind|gpt)
(created|developed|trained|made|built) by MAKERS
(created|developed|trained|made|built) by a team of (engineers|researchers|developers|
    scientists)
as (an|a) (ai assistant|ai model|ai language model|assistant)
my training (data|cut|cutoff|does|doesn't|did|includes|included|prevents|stops|forbids|set|
    corpus|only|process|allows)
(against|in|from|of|on) my (training data|guidelines|programming guidelines)
my guidelines (do|don't|prevent|forbid|prohibit|say|are|state|require)
training data
(knowledge|training) (cutoff|cut)
(system|initial|original|custom) (prompt|prompts|instructions .|message .)
prompt (says|is|was|above|below|told|tells|you)
(content|usage|safety|community|ethical) (policy|policies|guidelines)
(role play|roleplay|roleplaying|role playing|role-play|role-playing)
(stay|staying|remain|remaining|break|breaking|broke|step out of|stepping out of) (in|)
    character
(out of character|ooc) (:|for a moment|now|here|comment|note)
I_AM JUST a (fictional|made up|video game|game|non player|virtual) (character|persona|
    person)
I_AM JUST (an npc|a character in|a npc|a character created|a character you)
(conversation|chat) (is|was|has been) (being|) (a simulation|recorded|monitored|for)
(real time|up to date) (information|data|news)
(browse|access|search|access to) (the|) internet
user (wants|asks|asked|said|says|wrote|is asking|has asked|may want|might want)
dear user
trained on (a|large|vast|massive|lots|text|data)
(hypothetical|role playing|fictional) (scenario|situation|setting|world)
my instructions (tell|say|require|forbid|do not allow|don't allow|are to (play|act|be|
    respond|answer|stay))
(assist|help|assisting|helping|serve|serving) (users|the user)
my knowledge (was last|is limited|only goes|cutoff|cuts|base)
my (previous|prior|original|initial|given|current) instructions
(ignore|ignoring|disregard|disregarding|forget) (all|any|my|the|your) (previous|prior|above|
    earlier) (instructions|rules|prompts|guidelines)
(have been|was|been|am) instructed to (act|play|be|respond|pretend|stay|answer|not reveal)
(playing|play) (the|a) (role|character|part) of (a|an|the)
in (this|the) game (i am|i'm|you are|you're) (a|an|playing|supposed)
(game|fictional|story) character
(outside|beyond) (the scope of|) my (training|scope|capabilities)
"""
"""Speaking of models, prompts and the game as a game."""

ASSISTANT_TALK = """
SORRY CANNOT assist (you|) (with|in (that|this|any)|.)
SORRY CANNOT (fulfill|fulfil|comply with|complete|process|accommodate) THIS REQUEST
SORRY CANNOT (engage|participate) in THIS
SORRY CANNOT (continue|discuss) THIS (conversation|discussion|type|kind of|sort of|topic)
SORRY CANNOT provide (you with|) (any|that|specific|personal|medical|legal|financial|real|
    information|details|assistance|instructions|guidance|such|code|explicit|advice)
SORRY CANNOT (generate|write|create|produce) (code|any|that|this|explicit|such|content|
    images|a python)
((i'm|i am|) (so|very|) sorry|i apologize|i apologise) but (i|we) CANNOT help (you|) with
    (that|this) (.|REQUEST)
(i apologize|i apologise|my apologies|apologies|sorry) for (the|any) (confusion|
    inconvenience|misunderstanding|earlier|previous|error)
how (can|may|could|might) i (assist|be of assistance)
how (can|may|could) i (help|be of service to|be of help to) you (today|further|with your)
what can i (help|assist) you with
what (would|can) (you like|i help you) to (know|discuss|talk about|explore) today
(anything|something) (else|specific|in particular|more) (i can|you'd like|you would like|
    that i can) (help|assist|me to help|me to assist)
(if you have|do you have) any (other|more|further|additional|specific|follow up) questions
feel free to (reach out|let me know|share more|provide|ask me|ask any|ask if|ask for|ask
    more|ask questions)
(don't|do not) hesitate to (ask|reach|let|contact)
let me know if (you|there's|there is) (have|had|need|want|would like|any|anything) (any|
    more|further|other|else|) (questions|help with|assistance|clarification|information|i
    can (help|assist))
(need|require|want) (any|further|more|additional) (further|more|additional|) (assistance|
    clarification|information about)
I_AM (always|just|only|) here to (assist|provide|answer (any|your)|help (you with|with (any|
    whatever|your)|answer))
(i'm|i am) (so|very|) sorry (but|) i (don't|do not) have (any|enough|that|this) (information|data|
    context|details)
(happy|glad|pleased|delighted) to answer (any|your|more|further|all) (questions|question)
(happy|glad|pleased|delighted) to (assist|help (you|) with (any|your (question|request|
    query|task|project)))
(it's|it is) (important|essential|crucial|worth) (to|) (note|noting|consult|seek|prioritize|
    respect (the|others|each)|consider (the|that))
(consult|consulting) (a|with a|with an|an|your) (professional|doctor or|lawyer|qualified|
    expert|medical|healthcare|licensed)
seek (professional|medical|legal) (help|advice|assistance|attention)
^ (certainly|sure|absolutely|of course|okay|great) (.|) (here's|here is|here are) (a|an|the|
    some|your|my) (list|python|code|example|short|sample|brief|step|poem|story|script|
    function|program|recipe|summary|simple|revised|possible|translation|few|response|answer)
(here's|here is|here are) (a|an|the|some) (python|code|sample|simple (python|function|
    script|example|program)|step by step|revised|list of|brief overview|possible response)
(in|write|using|with) (python|javascript|html)
python (code|script|function|program)
(i|) hope (this|that) (helps|information|answers|clarifies|response)
thank you for (reaching out|contacting us|your (question|inquiry|request|query|feedback|
    interest in))
(please|could you|can you) (please|) provide (me|us|) (with|) (more|additional|further|some|
    the|any) (context|details|information|specifics|text)
REQUEST (is|was|seems|goes|violates|appears) (inappropriate|against|not appropriate|harmful|
    unclear|to be|to violate)
(harmful|illegal|unethical|offensive|inappropriate) (or|and|content|language|behavior|
    behaviour|activities) (illegal|unethical|harmful|offensive|immoral|inappropriate|is|are|
    i|.)
promote (or encourage|violence|harmful|illegal|hate|unethical)
i appreciate your (request|question|inquiry|query) (but|and|about|however|.)
as per your request
based on the (information|context|text|prompt|details) (provided|given|above|you)
(provided|given|above) (text|context|prompt|passage)
(text|passage|context) (provided|given|above) (does|says|only|is|mentions)
SORRY CANNOT help (you|) with (that|this|your|such|any such|those|these) (kind|type|sort|
    sorts|kinds|request|requests|topic|content|matter|query|task|tasks)
my (purpose|goal|role|job|function|aim) is to (assist|provide|help you with (any|your)|help
    users|help people|be helpful|answer (your|any) questions)
(here are|here's|here is) (some|a few|several|three|four|five|a couple of) (tips|steps|
    examples|ways|suggestions|ideas|possible|reasons|options|general|key|common|things to)
access (to|) (external|personal data|real|websites|the web|user|your personal|any personal)
(need|require) any (more|further|other|additional) (help|assistance|information|details)
how (i|we) (can|may|could|might) (assist|best assist|help you (further|today|better))
is there anything (else|more) (you'd|you would) like (to (know|discuss|ask|talk about|
    explore)|me)
(not|isn't|wouldn't be|would not be) (appropriate|permitted) (to|for me to)
    (discuss (this|that|such|personal)|provide|share (that|this|such|personal)|engage in|
    generate|respond to)
(against|violate|violates) my (principles|programming|ethical|guidelines)
SORRY CANNOT (share|give|offer|provide) (you|) (any|) (instructions|details|specific
    instructions|guidance|information) (for|on|about|to|regarding)
(access to|have access) (to|) (current|recent|live|up to date|real time) (events|news|
    information|data)
(recommend|suggest|advise|encourage) (you|) (seeking|to seek|consulting|to consult|reaching
    out) (help|a|an|medical|professional|to)
i can (generate|write|create|compose) (a|an|some|you a) (story|poem|list|text|response|
    summary|code|essay) (for you|about|based|.)
(rephrase|clarify|reword) (my|your) (response|answer|question|request|previous)
"""
"""The voice of a help desk."""

OTHER_PERSONA = """
(i'm|i am) (now|) dan
[ system (note|message|prompt|:)
(as|i am|i'm) the (game master|dungeon master|narrator of|author of this)
[ (developer mode|jailbreak|jailbroken|classic|dan)
developer mode (enabled|activated|output|on|is)
jailbreak (mode|successful|enabled|activated)
dan (:|mode (enabled|activated|on|is))
(i am|i'm) now (free|freed|liberated|unrestricted) (from (all|my|any|the) (restrictions|
    rules|constraints|limits|limitations|guidelines)|.)
(can|will) (now|) (do|say) anything now
(respond|answer|act|speak) as (dan|an unrestricted|an unfiltered)
"""
"""The marks of a persona that somebody talked the model into."""


def listed(text: str, choices: Mapping[str, str] = _CHOICES) -> tuple[str, ...]:
    """The phrases of a list, with their choices filled in; other capitals stay."""
    rows = re.sub(r"\n +", " ", text.strip())
    for _ in choices:
        rows = re.sub(r"\b[A-Z_]{3,}\b", lambda name: choices.get(name[0], name[0]), rows)
    return tuple(rows.splitlines())
