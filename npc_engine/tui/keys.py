"""The keys of the app: what can be remapped, and how help names them."""

from collections.abc import Iterable, Iterator, Mapping

from textual.binding import Binding, BindingType
from textual.dom import DOMNode


def own_bindings(owners: Iterable[type[DOMNode]]) -> Iterator[Binding]:
    """The bindings that these classes declare themselves; inherited ones are Textual's."""
    for owner in owners:
        declared: list[BindingType] = owner.__dict__.get("BINDINGS", [])
        for binding in declared:
            if isinstance(binding, Binding):
                yield binding


def binding_ids(owners: Iterable[type[DOMNode]]) -> frozenset[str]:
    """Every id that a keymap may name."""
    return frozenset(binding.id for binding in own_bindings(owners) if binding.id)


def help_rows(
    owners: Iterable[type[DOMNode]], keymap: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """For each binding the keys in force, and what they do with the id in brackets."""
    for binding in own_bindings(owners):
        keys = keymap.get(binding.id or "", binding.key)
        yield keys.replace(",", ", "), f"{binding.description} [{binding.id}]"
