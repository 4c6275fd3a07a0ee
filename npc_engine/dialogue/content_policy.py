"""Asks a game's own content policy what may be said; whatever goes wrong there counts as a no.

The game tells what a text holds; world and sheet (`policy:`) tell how that is handled.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar, get_args

from npc_engine.content.character import CharacterSheet
from npc_engine.content.policy import Category, Policy, world_policy
from npc_engine.content.world import World

_log = logging.getLogger(__name__)

_Met = TypeVar("_Met")

Stage = Literal["line", "reply"]
"""`line`: what the player says. `reply`: a sentence of what the NPC is about to say."""

CATEGORIES: tuple[Category, ...] = get_args(Category)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a text holds."""

    category: Category
    fictional: bool = False
    """Whether it is so in the story only; False is its real-world twin."""


class ContentPolicy(Protocol):
    """What a game brings along to judge texts."""

    def check(self, text: str, stage: Stage, npc: str) -> Finding | Category | None:
        """What a text holds that a policy may forbid; None if nothing.

        Called on the engine's threads, several at once, and the reply waits for it. A category
        alone is the finding that it is meant for the real world. What raises, or returns anything
        else, is a no.

        Args:
            text: A whole line of the player, or one sentence of a reply.
            stage: Which of the two.
            npc: Id of who is spoken to, or speaks.
        """
        ...


def policy_in_force(sheet: CharacterSheet, world: World) -> Policy:
    """How each category is handled for one character: the sheet's own over the world's."""
    return {**world_policy(world.policy), **sheet.policy}


class Meet(Protocol):
    """Finds something, or what was found there before."""

    def __call__(self, what: str, find: Callable[[], _Met]) -> _Met:
        """What is found.

        Args:
            what: What kind of thing.
            find: Finds it.
        """
        ...


def just_found(what: str, find: Callable[[], _Met]) -> _Met:
    """What is found now."""
    return find()


class PolicyGate:
    """Stands between the talks of an engine and its game's content policy. Safe from any thread."""

    def __init__(
        self,
        policy: ContentPolicy | None = None,
        warn: Callable[[str], None] = lambda text: None,
        meet: Meet = just_found,
    ) -> None:
        """Take a policy.

        Args:
            policy: None lets everything pass.
            warn: Told once for each policy that it does not work.
            meet: What turns find of it goes through this.
        """
        self._meet = meet
        self._lock = threading.Lock()
        self._policy = policy
        self._warn = warn
        self._has_warned = False

    @property
    def is_open(self) -> bool:
        """Whether there is no policy."""
        return self._meet("policy", lambda: self._policy is None)

    def set(self, policy: ContentPolicy | None) -> None:
        """Ask another policy from now on; None lets everything pass."""
        with self._lock:
            self._policy = policy
            self._has_warned = False

    def why_blocked(self, text: str, stage: Stage, npc: str, handling: Policy) -> str:
        """Why a text may not be said: a category, or that the policy failed; empty if it may."""
        return self._meet("verdict", lambda: self._judge(text, stage, npc, handling))

    def _judge(self, text: str, stage: Stage, npc: str, handling: Policy) -> str:
        policy = self._policy
        if policy is None:
            return ""
        try:
            found = _finding(policy.check(text, stage, npc))
        except BaseException as error:  # noqa: BLE001  a game's own code; a no, whatever it raises
            self._failed(policy, f"{type(error).__name__}: {error}")
            return "the content policy failed"
        if found is None or handling[found.category] == "allow":
            return ""
        if handling[found.category] == "fictional_only" and found.fictional:
            return ""
        return found.category

    def _failed(self, policy: ContentPolicy, what: str) -> None:
        with self._lock:
            is_new = policy is self._policy and not self._has_warned
            self._has_warned = self._has_warned or is_new
        if is_new:
            _log.warning("the content policy failed: %s", what)
            self._warn(f"the content policy failed; what it should judge is blocked: {what}")


def _finding(found: object) -> Finding | None:
    """What a policy returned, checked.

    Raises:
        TypeError: It is no finding.
    """
    if found is None:
        return None
    if isinstance(found, str) and found in CATEGORIES:
        return Finding(found)
    is_known = isinstance(found, Finding) and found.category in CATEGORIES
    if is_known and isinstance(found, Finding) and isinstance(found.fictional, bool):
        return found
    raise TypeError(f"check: found {found!r:.80}; expected None, a category, or a Finding of one")
