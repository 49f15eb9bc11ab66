"""Words: what texts are found by, whichever database holds them."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from signoff.events.store.projections import ExecutionRow
from signoff.events.store.search import Search

_WORD: Final = re.compile(r"[^\W_]+")
_WORD_LENGTH: Final = 64

WORDLESS_PAGE: Final = 500
"""Executions read at a time whose words the database lacks, or has of an earlier version of them."""


def words_of(text: str) -> list[str]:
    """The words of a text, each once, as all stores compare them.

    Letters and digits make words, in every script; what looks alike is alike (Unicode's NFKC), and so are
    capital and small letters. The first 64 characters of a word count.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return list(dict.fromkeys(word[:_WORD_LENGTH] for word in _WORD.findall(text.casefold())))


def execution_words(row: ExecutionRow) -> list[str]:
    """The words that an execution is found by, under its workspace: no index leads from one to another's."""
    return _of_workspace(row.workspace_id, "\n".join(_texts(row)))


def wanted_words(search: Search) -> list[str]:
    """What each has to begin one of the words of an execution: none where a text has no letter or digit."""
    return _of_workspace(search.workspace_id, search.text or "")


def words_of_attributes(search: Search) -> list[list[list[str]]]:
    """The words that executions have when they have the attributes looked for: of each one's alternatives.

    An attribute that may also be a number or a truth, or a text without words, is left out: nothing follows.
    """
    found = [
        [_of_workspace(search.workspace_id, value) if isinstance(value, str) else [] for value in values]
        for values in search.attributes.values()
    ]
    return [alternatives for alternatives in found if all(alternatives)]


def has_words(row: ExecutionRow, search: Search) -> bool:
    """Whether an execution has words that begin so."""
    words, wanted = execution_words(row), wanted_words(search)
    return bool(wanted) and all(any(word.startswith(begin) for word in words) for begin in wanted)


def wanted_logs(search: Search) -> tuple[UUID, UUID] | None:
    """The first and the last log whose id begins with the text looked for, if one could."""
    begin = (search.text or "").strip().lower()
    digits = begin.replace("-", "")
    try:
        first, last = (UUID(digits.ljust(32, digit)) for digit in "0f")
    except ValueError:
        return None
    return (first, last) if begin and str(first)[: len(begin)] == begin else None


def _texts(row: ExecutionRow) -> Iterator[str]:
    """Not the log's own id: it is looked for in the order of logs."""
    yield row.workflow_id
    yield row.execution_id or ""
    yield row.error or ""
    yield from (value for value in row.attributes.values() if isinstance(value, str))


def _of_workspace(workspace_id: UUID, text: str) -> list[str]:
    """Eight digits tell workspaces apart well enough: rows are looked at again."""
    begin = workspace_id.hex[-8:]
    return [f"{begin}{word}" for word in words_of(text)]
