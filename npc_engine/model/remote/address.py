"""The address of a remote server: what a person wrote, taken apart and checked.

Opens no connection. Credentials in an address are kept out of everything that is shown.
"""

import base64
import ipaddress
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from npc_engine.errors import LoadError

API_KEY_VARIABLE = "NPC_ENGINE_API_KEY"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is, and which of its models is meant."""

    url: str
    """Without credentials, fragment and trailing slash; what messages may show."""
    model: str = ""
    """The fragment; empty means the server's first model."""
    is_loopback: bool = False
    credentials: str = field(default="", repr=False)
    """`user:password` of the address, decoded; empty if it had none."""

    @property
    def name(self) -> str:
        """The address as a person may write it again, without credentials."""
        return f"{self.url}#{self.model}" if self.model else self.url


def is_remote(name: str) -> bool:
    """Whether a model's name is the address of a server."""
    return name.lower().startswith(("http://", "https://"))


def parse_address(name: str) -> Address:
    """Take an address such as `http://127.0.0.1:8000/v1#model-name` apart.

    Without a path, `/v1` is meant.

    Raises:
        LoadError: It is no such address. The text shows no credentials.
    """
    try:
        parts = urlsplit(name.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise LoadError(f"remote server: found an address that cannot be read ({error}); "
                        f"{_EXPECTED}") from error  # fmt: skip
    if parts.scheme not in {"http", "https"}:
        raise LoadError(f"remote server: found {parts.scheme or 'no'} scheme; {_EXPECTED}")
    if not host or any(char.isspace() or not char.isprintable() for char in name.strip()):
        raise LoadError(f"remote server: found an address without a usable host; {_EXPECTED}")
    shown_host = f"[{host}]" if ":" in host else host
    place = f"{shown_host}:{port}" if port else shown_host
    url = f"{parts.scheme}://{place}{parts.path.rstrip('/') or '/v1'}"
    if parts.query:
        raise LoadError(f"{url}: found a query behind the path; {_EXPECTED}")
    return Address(url, unquote(parts.fragment), _is_loopback(host), _credentials(parts))


def check_secrecy(address: Address, *, has_key: bool, allow_plain_http: bool) -> None:
    """Refuse to send a secret in the clear.

    Raises:
        LoadError: A key or a password would leave this machine over plain http.
    """
    if address.is_loopback or allow_plain_http or address.url.startswith("https:"):
        return
    if has_key or address.credentials:
        raise LoadError(
            f"{address.url}: found http and a key; a key sent to another machine over http can be "
            f"read on the way; use https, unset {API_KEY_VARIABLE}, or pass allow_plain_http=True "
            "for a network you trust"
        )


def authorization(address: Address, api_key: str) -> dict[str, str]:
    """The header that carries the key, or else the credentials of the address.

    Raises:
        LoadError: The key cannot stand in a header.
    """
    if api_key:
        if not (api_key.isascii() and api_key.isprintable()):
            raise LoadError(
                f"{API_KEY_VARIABLE}: found characters that no key can have; copy the key again"
            )
        return {"Authorization": f"Bearer {api_key}"}
    if address.credentials:
        packed = base64.b64encode(address.credentials.encode("utf-8")).decode("ascii")
        return {"Authorization": f"Basic {packed}"}
    return {}


_EXPECTED = "expected such as http://127.0.0.1:8000/v1 or https://host/v1#model-name"


def _credentials(parts: SplitResult) -> str:
    if parts.username is None and parts.password is None:
        return ""
    return f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
