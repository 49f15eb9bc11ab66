"""The messages of an agent: what its author wrote, what was said before, and files (Sim's agent handler)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from signoff.engine.definitions.values import to_text
from signoff.executor.blocks.llm.memory import Remembered, Turn
from signoff.executor.blocks.llm.params import invalid, list_of, whole_of

DEFAULT_WINDOW: Final = 10
"""Messages that ``sliding_window`` remembers, as in Sim."""

DEFAULT_WINDOW_TOKENS: Final = 4000
"""Tokens that ``sliding_window_tokens`` remembers, as in Sim."""

LARGEST_MESSAGE: Final = 100 * 1024
"""Bytes of a message that is remembered, as in Sim."""

_LONGEST_ID: Final = 255
_CHARACTERS_A_TOKEN: Final = 4
_ROLES: Final = ("system", "user", "assistant")
_MEMORY_TYPES: Final = ("none", "conversation", "sliding_window", "sliding_window_tokens")
_CUT: Final = "\n[cut]"


class Prompt(Struct, frozen=True):
    """What an agent block says.

    Attributes:
        system: instructions, in order.
        said: the conversation as its author wrote it, roles ``user`` and ``assistant``.
        asked: the legacy ``userPrompt``, which is new each time.
    """

    system: tuple[str, ...]
    said: tuple[Remembered, ...]
    asked: str | None

    def new(self, history: Sequence[Turn], execution_id: str) -> list[Remembered]:
        """What this run adds to a conversation.

        The first run says all of it. A later one says only its last user message, and that only if it was
        not said before in the same execution, by an agent that shares the conversation.
        """
        added: list[Remembered] = []
        if not history:
            added.extend(self.said)
        else:
            last = next((message for message in reversed(self.said) if message.role == "user"), None)
            known = [turn.messages for turn in history if turn.execution_id == execution_id]
            if last is not None and not any(last in messages for messages in known):
                added.append(last)
        if self.asked is not None:
            added.append(Remembered("user", self.asked))
        return added


def prompt_of(params: Mapping[str, Any]) -> Prompt:
    """Read ``messages``, and the legacy ``systemPrompt`` and ``userPrompt``.

    Entries of ``messages`` with another role, or without content, are left out, as in Sim. ``systemPrompt``
    counts only where ``messages`` holds no system message.

    Raises:
        BlockFailureError: ``messages`` is no list.
    """
    messages = [
        Remembered(entry["role"], to_text(entry["content"]))
        for entry in list_of(params.get("messages"), "messages")
        if isinstance(entry, dict) and entry.get("role") in _ROLES and "content" in entry
    ]
    system = [message.content for message in messages if message.role == "system"]
    legacy = to_text(params.get("systemPrompt"))
    if legacy and not system:
        system.append(legacy)
    return Prompt(
        system=tuple(system),
        said=tuple(message for message in messages if message.role != "system"),
        asked=_user_prompt(params.get("userPrompt")),
    )


def conversation_of(params: Mapping[str, Any]) -> str | None:
    """The conversation that an agent remembers; None where it remembers nothing.

    Raises:
        BlockFailureError: ``memoryType`` is none of Sim's, or ``conversationId`` cannot name a conversation.
    """
    kind = params.get("memoryType") or "none"
    if kind not in _MEMORY_TYPES:
        raise invalid(f"memoryType must be one of {', '.join(_MEMORY_TYPES)}, not {to_text(kind)[:80]}")
    if kind == "none":
        return None
    conversation_id = to_text(params.get("conversationId"))
    if not conversation_id.strip():
        raise invalid("Conversation ID is required")
    if len(conversation_id) > _LONGEST_ID:
        raise invalid(f"Conversation ID too long (max {_LONGEST_ID} characters)")
    return conversation_id


def window(params: Mapping[str, Any], history: Sequence[Turn]) -> list[Remembered]:
    """The part of a conversation that the model is reminded of, by ``memoryType``.

    Tokens are counted as four characters each: which model counts how is known to its endpoint only.
    """
    messages = [message for turn in history for message in turn.messages]
    match params.get("memoryType"):
        case "sliding_window":
            return messages[-whole_of(params, "slidingWindowSize", DEFAULT_WINDOW) :]
        case "sliding_window_tokens":
            return _newest(messages, whole_of(params, "slidingWindowTokens", DEFAULT_WINDOW_TOKENS))
        case _:
            return messages


def turn_of(key: str, execution_id: str, new: Sequence[Remembered], answer: str) -> Turn:
    """The turn to remember; an answer that is too large is cut."""
    text = answer
    if len(answer.encode(errors="replace")) > LARGEST_MESSAGE:
        text = answer.encode(errors="replace")[: LARGEST_MESSAGE - len(_CUT)].decode(errors="ignore") + _CUT
    return Turn(key, execution_id, (*new, Remembered("assistant", text)))


def check_sizes(new: Sequence[Remembered]) -> None:
    """Refuse what is too large to be remembered.

    Raises:
        BlockFailureError: with Sim's text.
    """
    for message in new:
        size = len(message.content.encode(errors="replace"))
        if size > LARGEST_MESSAGE:
            raise invalid(f"Message content too large ({size} bytes, max {LARGEST_MESSAGE})")


def request_messages(
    system: Sequence[str], conversation: Sequence[Remembered], files: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The messages of a request; files go with the last user message.

    Raises:
        BlockFailureError: there is nothing to say, or no user message for the files.
    """
    messages: list[dict[str, Any]] = [{"role": "system", "content": text} for text in system]
    messages += [{"role": message.role, "content": message.content} for message in conversation]
    if not messages:
        raise invalid("The agent has nothing to say: give it messages, systemPrompt or userPrompt")
    if files:
        last = next((message for message in reversed(messages) if message["role"] == "user"), None)
        if last is None:
            raise invalid("Files require at least one user message in the agent prompt")
        last["content"] = [{"type": "text", "text": last["content"]}, *files]
    return messages


def _user_prompt(value: Any) -> str | None:
    if isinstance(value, dict) and value.get("input"):
        value = value["input"]
    return to_text(value) or None


def _newest(messages: Sequence[Remembered], tokens: int) -> list[Remembered]:
    """The newest messages within a number of tokens, one at least."""
    kept: list[Remembered] = []
    for message in reversed(messages):
        tokens -= -(-len(message.content) // _CHARACTERS_A_TOKEN)
        if kept and tokens < 0:
            break
        kept.append(message)
    return kept[::-1]
