"""Texts in words, and what of two of them is the same: for bounded work, whatever stands in them."""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import islice
from typing import Final

_WORD: Final = re.compile(r"\s+|\w+|[^\w\s]")


def words_of(text: str, most: int) -> list[str]:
    """The words of a text, and what stands between them; none where that is more than ``most``."""
    words = list(islice((each[0] for each in _WORD.finditer(text)), most + 1))
    return [] if len(words) > most else words


class Pairing:
    """Pairs the words of texts.

    Args:
        work: pairs of equal words that are looked at, in all texts together: a word that stands ten times in
            one text and ten times in the other makes a hundred. 10,000 take 1 to 80 ms.
    """

    def __init__(self, work: int) -> None:
        self._left = work

    def match(self, before: Sequence[str], after: Sequence[str]) -> SequenceMatcher[str] | None:
        """Two texts in words, paired; ``None`` where that is more work than is left."""
        there = Counter(after)
        work = sum(count * there[word] for word, count in Counter(before).items())
        if work > self._left:
            return None
        self._left -= work
        return SequenceMatcher(None, before, after, autojunk=False)
