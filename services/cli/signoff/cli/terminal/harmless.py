"""Text of others on a terminal: what it says is shown, what would steer the terminal is not."""

import re
from typing import Final

_STEERING: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # escape sequences begin with these, and a line may be overwritten by one
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # these let text be read in another order than it is
)


def harmless(text: str) -> str:
    """A text without control characters, tabs and line ends excepted."""
    return _STEERING.sub("", text)
