"""The rules that the suite checks, in the words of docs/streaming.md. No I/O."""

from collections.abc import Mapping
from typing import Final

RULES: Final[Mapping[str, str]] = {
    "S-1": "The answer is 200 `text/event-stream`, `no-cache`, and names its execution in `X-Execution-Id`.",
    "S-2": "`retry: 1000` comes first, alone.",
    "S-3": "A frame is a line `id`, a line `data` and an empty line, and nothing else.",
    "S-4": "`id` is the `eventId`: 1, 2, 3 … with no gap, no repetition and no other order.",
    "S-5": "`data` are the bytes of the log.",
    "S-6": "Each event carries the hash of the bytes before it.",
    "S-7": "Every replay has identical bytes, and no cursor is too old.",
    "S-8": "The end is said: `data: [DONE]` without an `id`, then the response closes.",
    "S-9": "A stream ends at a pause; with `follow=true` it stays to the end of the execution.",
    "S-10": "Events come as they happen.",
    "S-11": "After 15 s of silence comes `: heartbeat`, a comment without `id` or `data`.",
    "S-12": "A reader that is cut off and comes back misses nothing and gets nothing twice.",
    "S-13": "After `Last-Event-ID: n` comes what follows event n.",
    "S-14": "`from` is the same; the header wins; a bad or negative cursor is 0.",
    "S-15": "`Last-Event-ID` at the end is 204 without a body; `from` at the end is 200 and `[DONE]`.",
    "S-16": "A cursor past the end of the log is 409 with `lastEventId`.",
    "S-17": "A run's id gives the frames of that run alone, as they are in the whole stream.",
    "S-18": "What is not there is 404 in JSON, another workflow's execution 403.",
    "S-19": "Without a key that is known: 401 in JSON, and nothing of the execution.",
    "S-20": "HEAD has the headers and no body; OPTIONS and 405 name what is allowed.",
    "S-21": "A stream token opens its stream without any header, with the same bytes.",
    "S-22": "A stream token opens nothing else, and a damaged one opens nothing.",
    "S-23": "A feed without a cursor begins with `feed:opened`, which has one.",
    "S-24": "A feed has the bytes of the log, each execution's in order, without gap or repetition.",
    "S-25": "A feed has identical frames, with identical ids, on every replay.",
    "S-26": "A feed goes on after any of its cursors; the header wins.",
    "S-27": "After 15 s of silence a feed has `: heartbeat` with an `id` that it goes on from.",
    "S-28": "A feed has what its filters leave; a filter or a cursor that is none is 400.",
    "S-29": "A feed has no end.",
}
"""By number. A number never changes its meaning."""
