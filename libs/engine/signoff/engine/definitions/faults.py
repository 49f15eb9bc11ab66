"""What is wrong with a definition, where, and what was probably meant."""

import difflib
import re
from collections.abc import Iterable

from msgspec import Struct

# What is beyond is not read by anybody; a hostile definition could hold a million.
_MAX_WARNINGS = 1000

# difflib compares a word with each candidate: without these limits a hostile definition would buy
# hours of work with a few megabytes.
_MAX_HINTS = 50
_MAX_CANDIDATES = 500
_MAX_WORD = 64

_PLAIN_KEY = re.compile(r"[^\s.\[\]\"]+")


class Fault(Struct, frozen=True):
    """One thing that is wrong, or suspicious.

    Attributes:
        path: where it stands in the document, such as ``blocks[2].id`` or ``blocks.approve.then``;
            empty for the document as a whole.
        message: what is wrong, in a sentence that needs no path.
        hint: what to do about it, where that can be known.
        line: the line that is meant, from 1, of the text that stands there; the message names it, too.
    """

    path: str
    message: str
    hint: str | None = None
    line: int | None = None


class Findings:
    """Collects the faults and warnings of one document.

    Attributes:
        faults: what keeps the definition from being deployed.
        warnings: what is allowed but probably not meant; at most a thousand.
        full: there are so many warnings that nobody needs another.
    """

    __slots__ = ("_hints_left", "_settled", "faults", "full", "warnings")

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []
        self.full = False
        self._settled: frozenset[str] = frozenset()
        self._hints_left = _MAX_HINTS

    def fault(self, path: str, message: str, hint: str | None = None, line: int | None = None) -> None:
        """Records what keeps the definition from being deployed."""
        if path not in self._settled:
            self.faults.append(Fault(path, message, hint, line))

    def settle(self) -> None:
        """Says that nothing more is to be said about the places that have a fault already."""
        self._settled = frozenset(fault.path for fault in self.faults)

    def warn(self, path: str, message: str, hint: str | None = None, line: int | None = None) -> None:
        """Records what is allowed but probably not meant."""
        if not self.full:
            self.warnings.append(Fault(path, message, hint, line))
            self.full = len(self.warnings) >= _MAX_WARNINGS

    def did_you_mean(self, word: str, candidates: Iterable[str]) -> str | None:
        """Proposes the candidate nearest to a word that is none of them.

        Only the first hints of a document and short words are worth the comparison.

        Returns:
            A question such as ``did you mean "approve"?``, or None where nothing is near.
        """
        if self._hints_left <= 0 or len(word) > _MAX_WORD:
            return None
        pool = [
            each
            for each, _ in zip(candidates, range(_MAX_CANDIDATES), strict=False)
            if len(each) <= _MAX_WORD
        ]
        near = difflib.get_close_matches(word, pool, n=1)
        self._hints_left -= 1
        return f'did you mean "{near[0]}"?' if near else None


def at(path: str, key: str | int) -> str:
    """Extends a path by a key or an index: ``blocks`` and ``pay`` give ``blocks.pay``."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if not _PLAIN_KEY.fullmatch(key):
        return f'{path}["{shorten(key)}"]'
    return f"{path}.{shorten(key)}" if path else shorten(key)


def shorten(text: str, limit: int = 80) -> str:
    """Cuts a text to at most ``limit`` characters, so that no message repeats megabytes."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
