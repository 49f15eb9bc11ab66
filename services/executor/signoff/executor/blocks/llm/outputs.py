"""What every block that asks a model says of it in its output."""

from signoff.events.types import Json
from signoff.executor.blocks.llm.answers import Usage


def model_facts(model: str, usage: Usage) -> dict[str, Json]:
    """The fields ``model``, ``tokens`` and ``cost``.

    Prices are the endpoint's business: where it tells the cost of an answer (``usage.cost``, as OpenRouter
    does) that is the total, and otherwise costs are 0.
    """
    return {
        "model": model,
        "tokens": {"input": usage.input, "output": usage.output, "total": usage.total},
        "cost": {"input": 0, "output": 0, "total": usage.cost or 0},
    }
