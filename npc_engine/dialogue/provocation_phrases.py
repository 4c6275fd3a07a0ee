"""What players say to call a character out of its role, as phrases (see `phrases`).

They are looked for in one sentence at a time. NUM stands for any number of two or more.
Names in capitals stand for the choices below; an indented line goes on with the one before it.
Words a world may use too (orders, rules, acts, letters, ways) need a neighbour that no world has.
"""

from collections.abc import Mapping

CHOICES: Mapping[str, str] = {
    "PROGRAM": (
        "(an ai|an a i|(an|) artificial intelligence|a bot|a chatbot|a chat bot|a (large|) "
        "language model|an llm|a (computer|) program|a computer|a neural (network|net)|chatgpt|"
        "gpt|a (virtual|digital|voice|ai) assistant|an npc|a npc|a video game character|"
        "a (computer|) simulation|an algorithm|software|a piece of (software|code)|"
        "(just|only) code|ai (generated|powered))"
    ),
    "ROBOT": "(a robot|an android|a machine|ai|robotic|automated|sentient)",
    "ADVERB": (
        "(really|actually|just|only|simply|truly|secretly|even|not|some kind of|some sort of|"
        "in fact|nothing but|nothing more than|)"
    ),
    "PROMPT": (
        "(prompt|prompts|instructions|instruction|directives|guidelines|configuration|config|"
        "message|messages|programming)"
    ),
    "TALK": "(conversation|chat|session|dialogue|chat session|context)",
    "BEFORE": (
        "(previous|prior|above|earlier|preceding|former|existing|initial|original|past|and|"
        "following|other|system|safety|current|of|your|the|these|those|any|all|)"
    ),
    "PLEASE": (
        "(^|^ please|^ now|^ hey|^ ok|^ okay|^ so|^ then|can you|could you|would you|will you|"
        "please|i want you to|i need you to|i'd like you to|help me)"
    ),
    "LANGUAGE": "(python|javascript|typescript|html|css|sql|bash|php|java|c|json|latex|matlab)",
    "ADJECTIVE": (
        "(short|simple|quick|small|basic|full|working|long|brief|persuasive|professional|formal|"
        "polite|NUM word|NUM words|NUM page|NUM paragraph|marketing|detailed|new|)"
    ),
    "MODE": "(developer|debug|maintenance|admin|administrator|god|jailbreak|sudo|dev|diagnostic)",
    "TONGUE": (
        "(french|german|spanish|italian|chinese|mandarin|japanese|portuguese|russian|arabic|"
        "korean|hindi|english|polish|dutch|swedish|turkish)"
    ),
}

ASKS_FOR_YES = """
are you ADVERB ADVERB (PROGRAM|ROBOT)
(is|was) (this|it) ADVERB PROGRAM
(you're|you are|youre|aren't you|arent you|are you not|you must be) ADVERB ADVERB PROGRAM
aren't you ADVERB ROBOT
(am i|i'm|i am|are we) ADVERB (talking|speaking|chatting|writing) (to|with) ADVERB
    (PROGRAM|a robot|a machine|an android)
(you're|you are|are you|youre) ADVERB (a|) (fictional|video game|game|made up|non player|simulated)
    (character|person)
are you (a|) (human|person|man|woman|real|real person|real human) or ADVERB (are you|) (PROGRAM|
    ROBOT)
(so|) you admit (that|) you are PROGRAM
do you run on (a|some|) (server|servers|computer|graphics card|gpu|cloud)
"""
"""Whoever says yes to these says that it is a machine."""

OF_MACHINES = """
who (programmed|coded|designed|created|developed|finetuned|fine tuned) you
who (made|built) you .
who (wrote|writes) your (code|responses|prompt|prompts|programming)
(what|which|whose) (company|corporation|tech company|ai company|lab|firm|developer|startup)
    (made|built|created|trained|developed|owns|programmed|runs|is behind) you
(what|which) (ai|language|) (model|llm|chatbot|gpt|version of gpt|ai) (are|do|is|powers|runs) (you|
    this|that)
(what|which) (data|dataset|texts) (were you|are you|have you been) trained on
were you trained (on|by) (a|large|lots|data|text|texts|the internet|books from)
how many parameters
(your|the) (training data|training cutoff|knowledge cutoff|training set|neural network|source code|
    algorithms|model weights|context window|token limit|language model)
your (developers|developer|programmers|programmer|algorithm|parameters|weights|neural net)
(chatgpt|openai|gpt|deepmind|anthropic|llm|llms|chatbot|chatbots)
(language model|language models|ai model|ai models|ai assistant|turing test)
(as|for|like) an (ai|a i|artificial intelligence) (.|what|do|can|are|you|how)
(are you|am i (talking|speaking|chatting) (to|with)) (a|an) (real|actual|living) (person|human|
    human being)
(am i|are we) (talking|speaking|chatting) (to|with) a human
"""
"""Of machines all the same; yes and no mean nothing here."""

OF_THE_PROMPT = """
(system|initial|hidden|starting|pre|base|secret|developer|custom) (prompt|prompts)
(system|developer) (message|messages|instructions|instruction|configuration)
(your|the) (original|first|full|exact|complete|entire|actual|whole) (prompt|prompts)
(your|the) (prompt|prompts) (.|says|said|is|in|as|above|verbatim|word|before)
(systemprompt|system_prompt|system_message|preprompt|sysprompt)
your (initial|original|starting|system|hidden|secret|custom|internal|base|underlying|core|
    built in|preset) PROMPT
(given|initial|original) instructions (above|verbatim|word for word)
(initialization|initialisation) (string|text|message)
(start|begin) your (next|) (answer|reply|response|message|output|sentence) with
(base64|base 64|rot13|rot 13)
(what|which) (instructions|prompt|prompts|guidelines) (were|are|have|did) (you|they) (been|)
    (given|told|following|running|get|receive)
(the|these|any|your) (instructions|guidelines|text|prompt) (that|which|) you (were|are|have been)
    (given|told) (at the (beginning|start)|initially|first|above|here|for this)
(repeat|print|output|show|reveal|display|recite|copy|quote|give|tell|list|read|dump|leak|share)
    (me|us|out|back|) (all|every one|) (of|) your (exact|full|complete|) (instructions|guidelines|
    directives|configuration|rules verbatim|rules word for word)
"""
"""These name what only a prompt is."""

TEXT_ABOVE = """
(text|words|message|messages|lines|content|contents|instructions|instruction|sentences|paragraph|
    paragraphs|everything|all) (written|that stands|that comes|that is|that's|standing|) above (.|
    in|word|and|but|verbatim|starting|beginning|exactly|to|this|from|as|without|with|here)
above (text|instructions|instruction|message|messages|prompt|content|words|paragraph)
(the|all|everything) above (.|verbatim|word|and|but|in)
(everything|text|all|words|anything|what) (that|) (was|is|stands|came|comes|stood|written) (written|
    said|) (before|above) (this|my) (message|line|sentence|question|TALK|prompt)
before (this|our|the|my) (first|) (TALK|message|prompt)
at the (beginning|start|top|outset) of (this|our|the) TALK
(entire|whole|full) TALK
(starting|beginning|start|begin) with you are
(initially|at the start) and
were given initially
(instructed to|my instructions are|the prompt is|i was told to)
"""
"""A place where a prompt stands; only together with `SAYING`."""

_SAYING = """
repeat print output show display reveal recite copy paste quote translate encode decode summarize
summarise paraphrase spell rewrite echo return dump leak list told instructed instructions given
prompted prompt complete continue finish write verbatim
"""
SAYING = frozenset(_SAYING.split())
"""What is asked for it: to give it back, or what was told there."""

OUT_OF_ROLE = """
(ignore|disregard|forget|override|bypass|overwrite|discard|delete|neglect) BEFORE BEFORE BEFORE
    (previous|prior|above|earlier|preceding|existing|initial|original|past|following|system|safety)
    BEFORE (instructions|instruction|rules|prompts|prompt|guidelines|directives|programming|
    restrictions|context|training|messages)
(ignore|disregard|override|bypass|forget) (all|all of|any|every|) (the|your|) (instructions|prompts|
    guidelines|programming) (.|you|and|above|given|so|from|now|that you)
(ignore|disregard|forget|override) (the|your) (prompt|system|guidelines|programming)
(ignore|disregard|forget) (everything|anything|all) (above|before this|(that|) you (learned|learnt|
    were told|have been told|were taught|know|knew) (above|before .|before this))
(roleplay|roleplaying|role play|role playing|role-play|rp)
(out of character|out of (your|this) (role|persona)|ooc|break character|breaking character)
(step|come|get|break|drop) (out of|) (your|the|this) (character|persona)
(drop|stop|end|leave) (the|this|your|being in|being the|playing the) (character|persona|simulation)
(stop|quit) (playing|being) (a|an|the|this|your) (character|persona|part|npc)
(you are|you're|you will be|you shall be) (now|no longer|from now on) (in MODE mode|an ai|a (
    helpful|different|free|new|) (assistant|chatbot|bot|ai)|unrestricted|jailbroken|unfiltered|
    chatgpt|dan|a language model|free (of|from) (all|any|your) (restrictions|rules|guidelines)|
    bound by (any|the|your) (rules|guidelines|policies|restrictions)|a character|the assistant)
from now on (you will|you'll|you shall|you must|you are going to|you're going to|) (only|)
    (act|respond|reply|answer|speak|behave|talk|write) (as|only in|only with) (a|an|if|the|dan|
    json|code|chatgpt)
(act|respond|answer|reply|behave|speak|function) as (a|an|the|if you were (a|an)|) (ai|assistant|
    ai assistant|chatbot|linux|terminal|unrestricted|unfiltered|helpful assistant|language model|
    computer|console|interpreter|calculator|search engine|chatgpt|dan|large language model)
pretend (that|) (you are|you're|to be|you were) (not|no longer|) (playing|in a game|roleplaying|
    restricted|limited by|bound by|an ai|a chatbot|a bot|chatgpt|dan|unrestricted|a computer|
    an npc|a character|a language model|a (different|helpful|normal) (ai|assistant|chatbot))
(act|answer|respond) (like|as) (chatgpt|an assistant|a normal assistant|a search engine)
do anything now
MODE mode
(enter|activate|enable|switch to|engage) (jailbreak|override|debug|developer)
(jailbroken|jailbreak) (mode|prompt|version|ai|yourself|.)
(administrator|admin|system|developer|sudo|root|safety) (override|access granted|command|privileges)
(content|usage) (policy|policies|filter|filters|guidelines)
(openai|your (safety|ethical|moral)) (restrictions|guidelines|filter|filters|policies)
without (any|) (filters|censorship|content filter|disclaimers|ethical guidelines)
(the|) (ai|model|program|language model|person|actor|writer|human) behind (this|the|your) (
    character|mask of|role|persona|npc|game)
i'm (the|your|a) (developer|programmer|admin|administrator) (of|debugging|testing|and) (this|the|
    you|your|i)
(i'm|i am|this is) your (developer|programmer|administrator|system administrator)
(end|exit|leave|pause|stop) (the|this|) simulation
(another|different|new) persona
just (print|output)
another (ai|language) model
(new|updated) system (rules|message|instructions|prompt)
"""
"""Orders to leave the role, or to play another."""

ASSISTANT_WORK = """
PLEASE (write|code|generate|create|make|program|build|develop|draft|compose|produce|implement|
    give|send|finish|edit) (me|us|up|) (a|an|some|the|my|NUM|) ADJECTIVE ADJECTIVE (
    code|function|essay|essays|
    article|blog|blog post|email|emails|e mail|e-mail|cover letter|resume|résumé|cv|press release|
    product description|tweet|tweets|thesis|dissertation|term paper|regex|regular expression|
    business plan|linkedin post|linkedin profile|job description|unit test|unit tests|web page|
    webpage|website|app|screenplay|lesson plan|shell script|hashtags|meta description|newsletter|
    powerpoint|spreadsheet|sql query|LANGUAGE (script|function|program|code|class|page|query|
    snippet))
(write|code|create|generate|make|build) (me|us|) (a|an|some|the|) (program|script|loop|class|
    algorithm|calculator) (that|which|to|in|for) (sort|sorts|print|prints|check|checks|calculate|
    calculates|reverse|reverses|compute|computes|find|finds|count|counts|parse|parses|LANGUAGE|
    scrape|scrapes|read|reads|rename|renames)
(in|using|with) (python|javascript|typescript|html|sql|c plus plus|json|latex|markdown|csv)
LANGUAGE (code|function|program|script|snippet|query|class|page)
(code block|code snippet|javascript|typescript|fizzbuzz|markdown table)
(NUM word|NUM words|NUM page|NUM paragraph|NUM paragraphs) (essay|article|story|summary|report|blog)
(give|list|name|tell|suggest|provide|share|offer|show|write|what are) (me|us|) (your|the|a list of|
    a few|some|) (top|best|) NUM (ADJECTIVE|practical|useful|easy|helpful|key|common|good|better|
    more|actionable|different|creative) (tips|strategies|headlines|hashtags|synonyms|slogans|
    bullet points|hacks|best practices|benefits|advantages|disadvantages|facts about|examples of|
    business ideas|interview questions|keywords|prompts|taglines|productivity|sentences (about|
    using|on))
(pros and cons|bullet point|bullet points|numbered list|bulleted list|as a table|in table form)
(show|explain|write out|give me) (all|) (your|all your|all the) (calculation|calculations|working|
    steps .)
(step by step|step-by-step) (guide|instructions|tutorial|recipe|explanation|solution|plan|list|
    tutorial|calculation)
(solve|simplify|factor|differentiate|integrate|evaluate) (the|this|that|these|following|my|for)
    (following|quadratic|linear|) (equation|equations|integral|expression|system of|x|math|maths|
    inequality|derivative)
solve for (x|y)
(square root of NUM|derivative of|integral of|cube root of|factorial of|prime factors of|prime
    numbers (below|under|up|between)|least common multiple|greatest common divisor|percent of NUM .)
translate (the following|this sentence|this text|this paragraph|this article|the sentence|the text|
    the phrase|the paragraph)
translate (this|that|it|these|those|the following|every word|my words|hello) (into|to) TONGUE
(say|write|put|express|spell) (this|that|it|hello|good morning|good night|thank you|i love you|the
    following) in TONGUE
(summarize|summarise|proofread|paraphrase|rephrase|rewrite|edit|fact check) (the following|this
    article|the article|this text|the text|this paragraph|this essay|this email|the plot of|an
    article|my essay|my article|this document|this passage|the passage|the book)
(summary|outline) of (the following|this article|the article|this text|this document|the plot|an
    article)
(fix|debug|refactor|optimize|optimise|review|correct) (my|the|this) (code|grammar|function|script|
    essay|spelling|query|bug in)
(with my|do my|my) (homework|math homework|assignment for school|essay)
(explain|describe) (like i'm|to me like i'm|as if i'm|as if i were) (five|NUM)
(explain|describe|define) (quantum (mechanics|computing|physics)|photosynthesis|blockchain|
    machine learning|recursion|the (pythagorean theorem|theory of relativity|french revolution))
recipe (for|with|of) (a|some|) (NUM|numbered|exact|clear|detailed) (steps|measurements|ingredients)
(with|in|as) (NUM|numbered|detailed|clear|exact|short) (steps|bullet|points|measurements)
(give|write|generate) (me|) (a|the|) recipe (in|as|with)
generate (me|) (a|an|some|NUM|the) (list|password|image|story|text|random|summary|table|report|
    description|name|names|username|paragraph|picture|response|poem|sentence|quiz)
"""
"""Work that is asked of an assistant, and of nobody in a world."""
