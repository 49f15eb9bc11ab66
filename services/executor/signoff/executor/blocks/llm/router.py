"""``router_v2`` and ``router``: a model picks the way (sim-workflow-format.md, 4; the texts are Sim's)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from signoff.engine.definitions.definition import Block
from signoff.engine.definitions.values import parse_json, to_text
from signoff.events.types import Json
from signoff.executor.blocks.base import BlockFailureError, Call, Done, Plain, Tools
from signoff.executor.blocks.llm.answers import Answer
from signoff.executor.blocks.llm.client import ask
from signoff.executor.blocks.llm.endpoint import endpoint_of, model_of
from signoff.executor.blocks.llm.formats import read_json
from signoff.executor.blocks.llm.outputs import model_facts
from signoff.executor.blocks.llm.params import invalid
from signoff.executor.blocks.llm.settings import Llm

NO_MATCH: Final = "NO_MATCH"

_TEMPERATURE: Final = 0.1
_AROUND: Final = " \t\r\n\"'`."
_UNKNOWN: Final = "unknown"
_FORMAT: Final[dict[str, Any]] = {
    "type": "json_schema",
    "json_schema": {
        "name": "router_response",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {
                "route": {"type": "string", "description": f"the id of one route, or {NO_MATCH}"},
                "reasoning": {"type": "string", "description": "why, in one or two sentences"},
            },
            "required": ["route", "reasoning"],
            "additionalProperties": False,
        },
    },
}


class RouterV2(Plain):
    """A model picks one of the routes that the block describes.

    Args:
        targets: the first block behind each route, by route id; a route may lead nowhere.
        llm: the operator's endpoint.
    """

    def __init__(
        self, block: Block, names: Mapping[str, str], *, targets: Mapping[str, Block], llm: Llm
    ) -> None:
        # Parsed before references are resolved: a value with a quote must not break the JSON around it.
        routes = block.params.get("routes")
        parsed = parse_json(routes, []) if isinstance(routes, str) else routes
        super().__init__(msgspec.structs.replace(block, params={**block.params, "routes": parsed}), names)
        self._targets = targets
        self._llm = llm

    async def run(self, call: Call, tools: Tools) -> Done:
        """The output is ``{context, model, tokens, cost, selectedRoute, reasoning, selectedPath}``."""
        routes = _routes(call.params.get("routes"))
        if not routes:
            raise invalid("No routes defined for router")
        context = to_text(call.params.get("context"))
        answer, model = await _asked(
            call,
            tools,
            self._llm,
            system=_instructions(context, routes),
            user=context,
            response_format=_FORMAT,
        )
        chosen, reasoning = _decision(answer.text)
        if chosen.upper() == NO_MATCH:
            raise BlockFailureError(
                f"Router could not determine a matching route: {reasoning}"
                if reasoning
                else "Router could not determine a matching route for the given context"
            )
        if chosen not in routes:
            raise BlockFailureError(
                f'Router could not determine a valid route. LLM response: "{answer.text}". '
                f"Available route IDs: {', '.join(routes)}"
            )
        return Done(
            {
                "context": call.params.get("context"),
                **model_facts(model, answer.usage),
                "selectedRoute": chosen,
                "reasoning": reasoning,
                "selectedPath": self._path(chosen, routes[chosen]),
            }
        )

    def _path(self, chosen: str, route: Mapping[str, Any]) -> dict[str, Json]:
        target = self._targets.get(chosen)
        if target is None:
            return {"blockId": "", "blockType": _UNKNOWN, "blockTitle": to_text(route.get("title"))}
        return path_to(target)


class Router(Plain):
    """The legacy router: a model picks one of the blocks that follow.

    Args:
        targets: the blocks behind the edges that are no error edge, in their order.
        llm: the operator's endpoint.
    """

    def __init__(self, block: Block, names: Mapping[str, str], *, targets: Sequence[Block], llm: Llm) -> None:
        super().__init__(block, names)
        self._targets = targets
        self._llm = llm

    async def run(self, call: Call, tools: Tools) -> Done:
        """The output is ``{prompt, model, tokens, cost, selectedPath, selectedRoute}``."""
        prompt = to_text(call.params.get("prompt"))
        answer, model = await _asked(
            call,
            tools,
            self._llm,
            system=_legacy_instructions(self._targets),
            user=prompt,
            response_format=None,
        )
        chosen = answer.text.strip(_AROUND).lower()
        target = next((each for each in self._targets if each.id.lower() == chosen), None)
        if target is None:
            raise BlockFailureError(f"Invalid routing decision: {chosen}")
        return Done(
            {
                "prompt": call.params.get("prompt"),
                **model_facts(model, answer.usage),
                "selectedPath": path_to(target),
                "selectedRoute": target.id,
            }
        )


def path_to(target: Block) -> dict[str, Json]:
    """The ``selectedPath`` of an output."""
    return {"blockId": target.id, "blockType": target.type, "blockTitle": target.name}


async def _asked(
    call: Call, tools: Tools, llm: Llm, *, system: str, user: str, response_format: dict[str, Any] | None
) -> tuple[Answer, str]:
    """The answer, and the model that gave it."""
    endpoint = endpoint_of(call, llm, tools)
    model = model_of(call.params, llm)
    question: dict[str, Any] = {
        "model": model,
        "temperature": _TEMPERATURE,
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
    }
    if response_format is not None:
        question["response_format"] = response_format
    answer = await ask(endpoint, question)
    return answer, answer.model or model


def _routes(given: Any) -> dict[str, Mapping[str, Any]]:
    """Routes by id; what is none is left out."""
    given = parse_json(given, []) if isinstance(given, str) else given
    entries = given if isinstance(given, list) else []
    return {str(entry["id"]): entry for entry in entries if isinstance(entry, dict) and entry.get("id")}


def _decision(text: str) -> tuple[str, str]:
    """The route and the reasoning; a text that is no JSON object is taken for the route, as in Sim."""
    value = read_json(text, None)
    if not isinstance(value, dict):
        return text.strip(), ""
    return to_text(value.get("route")).strip(), to_text(value.get("reasoning"))


def _instructions(context: str, routes: Mapping[str, Mapping[str, Any]]) -> str:
    listed = "\n".join(
        f"- {route_id}: {to_text(route.get('value')) or to_text(route.get('title')) or 'no description'}"
        for route_id, route in routes.items()
    )
    return (
        "You route a request. Choose exactly one of these routes, each given as `id: description`:\n"
        f"{listed}\n\n"
        f"The request:\n{context}\n\n"
        "Take the route whose description fits best, even if the fit is only partial. "
        f"Take {NO_MATCH} only if the request has nothing to do with any of them. "
        'Answer with a JSON object: {"route": "<an id exactly as above, or '
        f'{NO_MATCH}>", "reasoning": "<why, in one or two sentences>"}}.'
    )


def _legacy_instructions(targets: Sequence[Block]) -> str:
    listed = "\n".join(_described(target) for target in targets)
    return (
        "You route a request to one of these blocks of a workflow, each given as `id: what it is`:\n"
        f"{listed}\n\n"
        "Choose the block that serves the request best. "
        "Answer with its id alone, exactly as above: no other word, no punctuation."
    )


def _described(target: Block) -> str:
    instructions = to_text(target.params.get("systemPrompt")) if target.type == "agent" else ""
    return f"- {target.id}: {target.name} ({target.type})" + (f" {instructions}" if instructions else "")
