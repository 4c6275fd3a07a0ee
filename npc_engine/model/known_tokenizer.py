"""The tokenizer that a recording was made with, found again without any weights or network."""

from pathlib import Path

from npc_engine.errors import LoadError
from npc_engine.model.catalogue import find_source
from npc_engine.model.plain_tokenizer import PlainTokenizer
from npc_engine.model.remote.estimating_tokenizer import EstimatingTokenizer
from npc_engine.model.remote.opening import estimating_tokenizer
from npc_engine.model.remote.tokenizer import RemoteTokenizer
from npc_engine.model.tokenizer import ChatTokenizer
from npc_engine.model.weights_cache import WeightsCache

KnownTokenizer = ChatTokenizer | EstimatingTokenizer | PlainTokenizer | RemoteTokenizer


def known_tokenizer(
    name: str,
    fingerprint: str,
    *,
    folder: str = "",
    window_tokens: int = 4096,
    takes_contexts: bool = True,
    cache_dir: Path | None = None,
) -> KnownTokenizer:
    """The tokenizer with this fingerprint.

    Args:
        name: Of the model.
        fingerprint: What it must have: ids and template are the same then.
        folder: Where the model lay then; looked into first.
        window_tokens: Of the session it belonged to.
        takes_contexts: What it said of itself.
        cache_dir: See `open_tokenizer`.

    Raises:
        LoadError: It is not here, or what is here has changed since.
    """
    plain = PlainTokenizer(window_tokens=window_tokens, takes_contexts=takes_contexts)
    if plain.fingerprint == fingerprint:
        return plain
    estimate = estimating_tokenizer(window_tokens)
    if estimate.fingerprint == fingerprint:
        return estimate
    places = [Path(folder)] if folder else []
    kept = _kept_folder(name, cache_dir)
    if kept is not None:
        places.append(kept)
    others = []
    for place in places:
        if (place / "tokenizer.json").is_file():
            found = ChatTokenizer.from_folder(place, window_tokens=window_tokens)
            if found.fingerprint == fingerprint:
                is_servers = found.takes_contexts and not takes_contexts
                return RemoteTokenizer(found) if is_servers else found
            others.append(str(place))
    if others:
        raise LoadError(
            f"{', '.join(others)}: found another tokenizer or chat template than {name} had when "
            "the recording was made; expected the same; get that version of the model again"
        )
    raise LoadError(
        f"{name}: its tokenizer is not on this machine; expected the converted model, of which "
        f"only the tokenizer is read; run npc models get {name}"
    )


def _kept_folder(name: str, cache_dir: Path | None) -> Path | None:
    """Where a model lies on this machine, if anywhere."""
    try:
        source = find_source(name)
    except LoadError:
        return None
    if source.kind == "remote":
        return None
    return WeightsCache(cache_dir).find(source.key) or source.path
