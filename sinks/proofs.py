"""Names of what `quantum proof` adds, by which it can be told from what is real.

Each proof draws a token of eight hexadecimal digits. Its symbols are `PROOF{token}`, those of the joins with letters
behind; its gate is `proof_{token}`, in lower case; its plans are `proof-{token}-{case}`.
"""

from __future__ import annotations

import re
import secrets

_SYMBOL = re.compile(r"PROOF[0-9A-F]{8}[A-Z]*")
_GATE = re.compile(r"proof_[0-9a-f]{8}")


def new_token() -> str:
    """What makes the names of one proof its own."""
    return secrets.token_hex(4).upper()


def symbol(token: str, case: str = "") -> str:
    """A symbol of the proof `token`.

    :arg case: capital letters, where it has several.
    """
    return f"PROOF{token}{case}"


def gate(token: str) -> str:
    """The gate of the proof `token`."""
    return f"proof_{token.lower()}"


def plan(token: str, case: str) -> str:
    """A plan of the proof `token`."""
    return f"proof-{token}-{case.lower()}"


def is_symbol(name: str) -> bool:
    """Whether `name` is a symbol of some proof."""
    return _SYMBOL.fullmatch(name) is not None


def is_gate(name: str) -> bool:
    """Whether `name` is the gate of some proof."""
    return _GATE.fullmatch(name) is not None
