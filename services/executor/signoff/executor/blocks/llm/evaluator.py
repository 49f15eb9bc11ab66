"""``evaluator``: a model scores a content by named metrics (sim-workflow-format.md, 4)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from signoff.engine.definitions.definition import Block
from signoff.engine.definitions.values import parse_json, parse_number, to_text
from signoff.executor.blocks.base import Call, Done, Plain, Tools
from signoff.executor.blocks.llm.client import ask
from signoff.executor.blocks.llm.endpoint import endpoint_of, model_of
from signoff.executor.blocks.llm.formats import read_json
from signoff.executor.blocks.llm.outputs import model_facts
from signoff.executor.blocks.llm.params import list_of
from signoff.executor.blocks.llm.settings import Llm

_TEMPERATURE: Final = 0.1
_ASK: Final = "Score the content that you were given. Answer with the JSON of the scores alone."


class Evaluator(Plain):
    """Asks a model for one number a metric.

    Args:
        llm: the operator's endpoint.
    """

    def __init__(self, block: Block, names: Mapping[str, str], *, llm: Llm) -> None:
        super().__init__(block, names)
        self._llm = llm

    async def run(self, call: Call, tools: Tools) -> Done:
        """The output is ``{content, model, tokens, cost}`` and each metric under its name in lower case."""
        params = call.params
        endpoint = endpoint_of(call, self._llm, tools)
        model = model_of(params, self._llm)
        metrics = _metrics(params.get("metrics"))
        question = {
            "model": model,
            "temperature": _TEMPERATURE,
            "messages": [
                {"role": "system", "content": _instructions(metrics, params.get("content"))},
                {"role": "user", "content": _ASK},
            ],
            "response_format": _format(metrics),
        }
        answer = await ask(endpoint, question)
        found = _scores(answer.text)
        return Done(
            {
                "content": params.get("content"),
                **model_facts(answer.model or model, answer.usage),
                **{name: found.get(name, 0) for name in map(_key, metrics)},
            }
        )


def _metrics(given: Any) -> list[Mapping[str, Any]]:
    """The metrics that have a name; others are left out, as in Sim."""
    return [
        entry
        for entry in list_of(given, "metrics")
        if isinstance(entry, dict) and isinstance(entry.get("name"), str) and entry["name"]
    ]


def _key(metric: Mapping[str, Any]) -> str:
    return str(metric["name"]).lower()


def _instructions(metrics: Sequence[Mapping[str, Any]], content: Any) -> str:
    listed = "\n".join(map(_described, metrics))
    text = parse_json(content, content) if isinstance(content, str) else content
    return (
        "You evaluate a content. Give it a score for each of these metrics:\n"
        f"{listed}\n\n"
        f"The content:\n{to_text(text)}\n\n"
        "Answer with a JSON object that has the name of each metric as a key and a number as its value. "
        "No explanations."
    )


def _described(metric: Mapping[str, Any]) -> str:
    bounds = metric.get("range")
    bounds = bounds if isinstance(bounds, dict) else {}
    low, high = to_text(bounds.get("min")), to_text(bounds.get("max"))
    between = f" (from {low} to {high})" if low and high else ""
    return f'- "{_key(metric)}"{between}: {to_text(metric.get("description"))}'


def _format(metrics: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = list(dict.fromkeys(map(_key, metrics)))
    schema = {
        "type": "object",
        "properties": {name: {"type": "number"} for name in names},
        "required": names,
        "additionalProperties": False,
    }
    described = {"name": "evaluation_response", "schema": schema, "strict": True}
    return {"type": "json_schema", "json_schema": described}


def _scores(text: str) -> dict[str, int | float]:
    """Scores by name in lower case, of the JSON object in an answer; what is no number is 0."""
    value = read_json(text, None)
    if not isinstance(value, dict):
        start, end = text.find("{"), text.rfind("}")
        value = parse_json(text[start : end + 1], None) if 0 <= start < end else None
    return (
        {str(name).lower(): _score(each) for name, each in value.items()} if isinstance(value, dict) else {}
    )


def _score(value: Any) -> int | float:
    number = parse_number(value) if isinstance(value, str) else value
    if not isinstance(number, int | float) or not math.isfinite(number):
        return 0
    return int(number) if isinstance(number, bool) else number
