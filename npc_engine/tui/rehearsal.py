"""Actions in a chat without a game: whatever a character does is done at once, and told."""

import json

from npc_engine.engine import Engine
from npc_engine.events import ActionDropped, ActionEnded, ActionHeld, ActionProposed, Event

ACT_EVENTS = (ActionProposed, ActionHeld, ActionEnded, ActionDropped)


def act_out(engine: Engine) -> None:
    """Take all actions of the world, so that characters know of them and can do them."""
    for name in engine.declared_actions:
        engine.on_action(name, lambda call: None, veto=lambda call: True, retract=lambda call: True)


def act_in_words(event: Event) -> str:
    """What a tester should see of an event; empty where it is about no action."""
    if isinstance(event, ActionProposed):
        return f"does {event.action} {_arguments(event)}".strip()
    if isinstance(event, ActionHeld):
        return f"would do {event.action} {_arguments(event)}".strip() + ", if you agree"
    if isinstance(event, ActionDropped):
        return f"does not do {event.action or 'anything'}: {event.detail}"
    if isinstance(event, ActionEnded) and event.outcome != "done":
        return f"{event.action}: {event.outcome}{f', {event.detail}' if event.detail else ''}"
    return ""


def _arguments(event: ActionProposed | ActionHeld) -> str:
    return ", ".join(
        f"{name}: {json.dumps(value, ensure_ascii=False)}"
        for name, value in event.arguments.items()
    )
