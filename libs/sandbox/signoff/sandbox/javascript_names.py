"""Names that JavaScript elsewhere finds in its world and here does not: what a text uses of them."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from signoff.sandbox.programs import CodeFault

_TIMERS = "there are no timers: use a wait block"
_REQUESTS = "there is no network: use an api block"
_FILES = "there are no files"
_MODULES = "there are no modules: write out what is needed"
_PAGE = "there is no page"
_BYTES = "use Uint8Array; atob and btoa are there"

ABSENT: Final[Mapping[str, str]] = {
    "AbortController": _REQUESTS,
    "Buffer": _BYTES,
    "Blob": _BYTES,
    "BroadcastChannel": "there is nobody else to talk to",
    "File": _FILES,
    "FileReader": _FILES,
    "FormData": _REQUESTS,
    "Headers": _REQUESTS,
    "Intl": "format by hand; toLocaleString knows one locale",
    "MessageChannel": "there is nobody else to talk to",
    "Request": _REQUESTS,
    "Response": _REQUESTS,
    "Temporal": "use Date",
    "TextDecoder": "use decodeURIComponent(escape(bytesAsText))",
    "TextEncoder": "use unescape(encodeURIComponent(text))",
    "URL": "take the text apart with a regular expression",
    "URLSearchParams": "use encodeURIComponent",
    "WebAssembly": "write it in JavaScript",
    "WebSocket": _REQUESTS,
    "Worker": "there are no threads",
    "XMLHttpRequest": _REQUESTS,
    "alert": _PAGE,
    "axios": _REQUESTS,
    "clearInterval": _TIMERS,
    "clearTimeout": _TIMERS,
    "crypto": "hash and draw chance in a registered block",
    "document": _PAGE,
    "exports": "give the value with return",
    "fetch": _REQUESTS,
    "global": "use globalThis",
    "localStorage": "use workflow variables",
    "module": "give the value with return",
    "navigator": _PAGE,
    "process": "use {{NAME}} for the environment",
    "require": _MODULES,
    "self": "use globalThis",
    "sessionStorage": "use workflow variables",
    "setImmediate": "use queueMicrotask",
    "setInterval": _TIMERS,
    "setTimeout": _TIMERS,
    "structuredClone": "use JSON.parse(JSON.stringify(value))",
    "window": "use globalThis",
}
"""What is missing, and what to do instead."""

_MOST = 50
_NAMES = "|".join(ABSENT)
_TOKEN = re.compile(
    rf"""
      (?P<blank>
        //[^\n]* | /\*.*?\*/
        | '(?:\\.|[^'\\\n])*' | "(?:\\.|[^"\\\n])*"
        | (?:(?<=[=(,:\[!&|?{{}};\n])|\breturn|\A)[ \t]{{0,100}}
          /(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/
      )
      | (?P<template>`(?:\\.|[^`\\])*`)
      | (?P<declared>\b(?:const|let|var|function|class)\s+(?:{_NAMES})\b)
      | (?P<asked>\btypeof\s+(?:{_NAMES})\b)
      | (?<![\w$.\#])(?P<used>{_NAMES})(?![\w$])(?!\s*:(?!:))
    """,
    re.VERBOSE | re.DOTALL,
)
_HOLE = re.compile(r"\$\{(?P<code>[^{}]*)\}")


def find_absent(source: str, known: Collection[str] = ()) -> list[CodeFault]:
    """Find names that will not be there, each where it is used first.

    The text is scanned, not parsed: a name that is declared, or asked for with `typeof`, anywhere in it is
    left alone, and so are those in nested braces of a template. What is found is worth a warning, no more.

    Args:
        source: JavaScript without a syntax error.
        known: names that will be bound.
    """
    used: dict[str, int] = {}
    known = set(known)
    for name, start, is_used in _scan(source):
        if is_used:
            used.setdefault(name, start)
        else:
            known.add(name)
    return [_warning(source, name, start) for name, start in used.items() if name not in known][:_MOST]


def _scan(source: str) -> Iterator[tuple[str, int, bool]]:
    """Yield each name of `ABSENT`, its offset, and whether it is used rather than declared or asked for."""
    for match in _TOKEN.finditer(source):
        if match["used"]:
            yield match["used"], match.start("used"), True
        elif match["template"]:
            for hole in _HOLE.finditer(source, match.start(), match.end()):
                for name, start, is_used in _scan(hole["code"]):
                    yield name, hole.start("code") + start, is_used
        elif named := match["declared"] or match["asked"]:
            yield named.split()[-1], match.start(), False


def _warning(source: str, name: str, start: int) -> CodeFault:
    line = source.count("\n", 0, start) + 1
    column = start - source.rfind("\n", 0, start)
    return CodeFault(f"{name} does not exist in the sandbox", line, column, ABSENT[name], warning=True)
