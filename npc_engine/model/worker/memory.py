"""What the conversations of a worker have read, so that a new worker can read it again."""

from collections import OrderedDict
from collections.abc import Iterable


class ReadConversations:
    """The ids of the conversations used last; the longest unused is dropped first."""

    def __init__(self, max_conversations: int) -> None:
        """Keep at most so many."""
        self._max = max_conversations
        self._ids: OrderedDict[str, tuple[int, ...]] = OrderedDict()

    def note(self, conversation: str, ids: tuple[int, ...]) -> None:
        """The conversation's cache holds these ids now; an empty name has no cache."""
        if not conversation or not ids:
            return
        self._ids[conversation] = ids
        self._ids.move_to_end(conversation)
        while len(self._ids) > self._max:
            self._ids.popitem(last=False)

    def fork(self, source: str, target: str) -> None:
        """The target's cache is a copy of the source's."""
        if source in self._ids:
            self.note(target, self._ids[source])

    def forget(self, conversation: str) -> None:
        """The conversation has no cache any more."""
        self._ids.pop(conversation, None)

    def all_but(self, conversations: Iterable[str]) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Conversations and ids, last used first, without the ones named."""
        left_out = set(conversations)
        return tuple(item for item in reversed(self._ids.items()) if item[0] not in left_out)
