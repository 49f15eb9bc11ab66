"""Texts made harmless: no control characters, no line breaks where one line is meant, no endless ones."""

import unicodedata
from typing import Final

LONGEST_TITLE: Final = 200
LONGEST_BODY: Final = 8_000

_KEPT: Final = "\n\t"
_DIRECTIONS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of what follows: a text may look like another one with them."""

_ADDRESSES: Final = frozenset("./?=&@%#")
"""Characters of which an address has some, and a word or a bracket before one has none."""

_HARMFUL: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode's categories of control characters, halves of characters, and separators of lines."""


def one_line(text: str, most: int = LONGEST_TITLE) -> str:
    """A text as one line: a mail's header must not end where a value holds a line break.

    Args:
        text: whatever somebody wrote.
        most: characters that are kept; the last one is ``…`` where some were cut.
    """
    return _cut(" ".join(_plain(text, kept="").split()), most)


def plain_text(text: str, most: int = LONGEST_BODY) -> str:
    """A text of several lines without control characters but for line breaks and tabs; see `one_line`."""
    return _cut(_plain(text.replace("\r\n", "\n").replace("\r", "\n"), kept=_KEPT).strip(), most)


def stands_alone(text: str, address: str) -> bool:
    """Whether an address is nowhere in a text a part of another one, whose host would be told of it.

    Args:
        text: whatever somebody wrote.
        address: begins with ``https://``.
    """
    return not any(_ADDRESSES.intersection(_last_word(before)) for before in text.split(address)[:-1])


def _last_word(text: str) -> str:
    """What stands at the end of a text without white space behind it."""
    return "" if not text or text[-1].isspace() else text.rsplit(maxsplit=1)[-1]


def _plain(text: str, *, kept: str) -> str:
    return "".join(
        " " if character not in kept and unicodedata.category(character) in _HARMFUL else character
        for character in text
        if character not in _DIRECTIONS
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
