"""Definitions as the executor runs them: compiled once per version, kept for a bounded number."""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from functools import partial
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.blocks import BlockSpec, Registry
from signoff.engine.definitions.catalog import TriggerKind, find_entry, output_fields
from signoff.engine.definitions.definition import Block, Definition, Loop, Retry, decode
from signoff.engine.definitions.graph import CONDITION, ROUTER, Graph, compile_graph
from signoff.engine.definitions.references import block_names
from signoff.events.blobs import BlobStore
from signoff.events.deployments import read_deployment
from signoff.events.errors import SignoffError
from signoff.events.store.base import EventStore
from signoff.events.topics import workflow_log_id
from signoff.events.types import ExecutionStarted, StartExecution
from signoff.executor.blocks.base import Prepare, Prepared
from signoff.executor.blocks.condition import Condition
from signoff.executor.blocks.containers import LoopBlock, ParallelBlock
from signoff.executor.blocks.function import Function
from signoff.executor.blocks.llm.agent import Agent
from signoff.executor.blocks.llm.evaluator import Evaluator
from signoff.executor.blocks.llm.router import Router, RouterV2
from signoff.executor.blocks.llm.settings import Llm
from signoff.executor.blocks.registered import Registered
from signoff.executor.blocks.simple import Api, Human, Response, Trigger, Variables, WaitBlock
from signoff.executor.blocks.workflow import CallWorkflow, FindWorkflow

_KINDS: Final[dict[str, Prepare]] = {
    "function": Function,
    "variables": Variables,
    "wait": WaitBlock,
    "api": Api,
    "response": Response,
    "human_in_the_loop": Human,
}


NOT_HERE: Final = "cannot run here"
"""Said of a workflow whose blocks this process lacks: another one may fold its executions."""


class UnknownVersionError(SignoffError):
    """The log has no such version of the workflow, or this executor cannot run it."""


class Plan(Struct, frozen=True):
    """One version of a workflow, ready to run."""

    graph: Graph
    blocks: Mapping[str, Prepared]
    fields: Mapping[str, Collection[str] | None]


class Plans:
    """Finds plans by workflow and version; a definition never changes, so they are kept.

    Args:
        keep: how many plans at most.
    """

    def __init__(
        self, store: EventStore, blobs: BlobStore, registry: Registry, llm: Llm, *, keep: int = 1000
    ) -> None:
        self._kinds = Kinds(registry, llm, store.workflow)
        self._store = store
        self._blobs = blobs
        self._keep = keep
        self._plans: OrderedDict[tuple[str, str, int, str, str | None], Plan] = OrderedDict()

    async def find(
        self, workspace_id: str, workflow_id: str, start: ExecutionStarted | StartExecution
    ) -> Plan:
        """The plan of an execution, from memory or from the workflow's own log.

        Raises:
            UnknownVersionError: there is no such version, nothing in it that such a run starts with, or a
                block type is not registered here.
        """
        key = (workspace_id, workflow_id, start.workflow_version, start.trigger, start.trigger_block_id)
        plan = self._plans.get(key)
        if plan is not None:
            self._plans.move_to_end(key)
            return plan
        log_id = workflow_log_id(workspace_id, workflow_id)
        deployed = await read_deployment(self._store, log_id, start.workflow_version)
        if deployed is None:
            raise UnknownVersionError(f"workflow {workflow_id} has no version {start.workflow_version}")
        document = await self._blobs.resolve(deployed[1].definition, workspace_id=UUID(workspace_id))
        definition = decode(document)
        entry = find_entry(definition.blocks, _kind(start.trigger), start.trigger_block_id)
        if entry is None:
            raise UnknownVersionError(
                f"workflow {workflow_id} has no block to start with for a {start.trigger} run"
            )
        try:
            plan = make_plan(definition, self._kinds, entry.id)
        except KeyError as error:
            raise UnknownVersionError(
                f"workflow {workflow_id} {NOT_HERE}: {error} is not registered with this executor"
            ) from error
        self._plans[key] = plan
        if len(self._plans) > self._keep:
            self._plans.popitem(last=False)
        return plan


def _kind(trigger: str) -> TriggerKind:
    """What a run may start with; a label that a caller gives changes nothing."""
    return "workflow" if trigger == "workflow" else "manual" if trigger == "manual" else "api"


class Kinds(Struct, frozen=True):
    """What blocks of the kinds that are not plain are prepared with."""

    registry: Registry
    llm: Llm
    find_workflow: FindWorkflow


def make_plan(definition: Definition, kinds: Kinds, entry: str | None = None) -> Plan:
    """Compile a definition for one start block: its graph, and every block with its references found."""
    definition = _with_retries(definition, kinds.registry)
    graph = compile_graph(definition, entry)
    names = block_names(definition)
    return Plan(
        graph=graph,
        blocks={name: _prepare(node.block, names, graph, kinds) for name, node in graph.nodes.items()},
        fields={block.id: output_fields(block, kinds.registry.output_fields) for block in definition.blocks},
    )


def _with_retries(definition: Definition, registry: Registry) -> Definition:
    """A registered block is tried as often as its function says, unless the workflow says otherwise."""
    blocks = tuple(
        msgspec.structs.replace(block, retry=_retry_of(registry[block.type]))
        if block.retry is None and block.type in registry
        else block
        for block in definition.blocks
    )
    return msgspec.structs.replace(definition, blocks=blocks)


def _retry_of(spec: BlockSpec) -> Retry | None:
    if spec.retry is None:
        return None
    wait_ms = round(spec.retry.wait * 1000)
    return Retry(max_tries=spec.retry.max_tries, wait_ms=wait_ms, backoff=spec.retry.backoff)


def _prepare(block: Block, names: Mapping[str, str], graph: Graph, kinds: Kinds) -> Prepared:
    if block.trigger:
        return Trigger(block, names)
    if block.id in graph.containers:
        return _container(block, names, graph)
    prepare: Prepare
    match block.type:
        case "condition":
            prepare = partial(
                Condition, source=_source_of(block.id, graph), targets=_behind(CONDITION, block.id, graph)
            )
        case "router_v2":
            prepare = partial(RouterV2, targets=_behind(ROUTER, block.id, graph), llm=kinds.llm)
        case "router":
            targets = _behind(ROUTER, block.id, graph)
            prepare = partial(Router, targets=list(targets.values()), llm=kinds.llm)
        case "agent":
            prepare = partial(Agent, llm=kinds.llm, registry=kinds.registry)
        case "evaluator":
            prepare = partial(Evaluator, llm=kinds.llm)
        case "workflow" | "workflow_input":
            prepare = partial(CallWorkflow, find=kinds.find_workflow)
        case _ if block.type in _KINDS:
            prepare = _KINDS[block.type]
        case _:
            prepare = partial(Registered, spec=kinds.registry[block.type])
    return prepare(block, names)


def _container(block: Block, names: Mapping[str, str], graph: Graph) -> Prepared:
    settings = graph.containers[block.id].settings
    if isinstance(settings, Loop):
        return LoopBlock(names, settings)
    return ParallelBlock(block, names, settings=settings)


def _source_of(block_id: str, graph: Graph) -> str | None:
    """The first block connected to this one: a condition's ``context``."""
    for connection in graph.definition.connections:
        if connection.target == block_id and connection.source in graph.nodes:
            return connection.source
    return None


def _behind(prefix: str, block_id: str, graph: Graph) -> dict[str, Block]:
    """The first block behind each case of a condition, or route of a router."""
    return {
        edge.handle.removeprefix(prefix): graph.nodes[edge.target].block
        for edge in reversed(graph.nodes[block_id].edges)
        if edge.handle.startswith(prefix)
    }
