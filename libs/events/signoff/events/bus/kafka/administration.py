"""What an operator asks of the brokers: topics, and their settings."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaClient
from aiokafka.admin.config_resource import ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from aiokafka.protocol.admin import CreateTopicsRequest, DescribeConfigsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int8, Int16, Int32, Schema, String

from signoff.events.bus.kafka.connection import WHAT_TO_DO, Settings, bus_error
from signoff.events.errors import BusError

_TOPIC: Final = int(ConfigResourceType.TOPIC)
_SET: Final = 0  # what an incremental change does with a setting


class _IncrementalAlterConfigsResponse(Response):  # type: ignore[misc]  # aiokafka tells no types
    API_KEY = 44
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "resources",
            Array(
                ("error_code", Int16),
                ("error_message", String("utf-8")),
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
            ),
        ),
    )


class _IncrementalAlterConfigsStruct(RequestStruct):  # type: ignore[misc]  # aiokafka tells no types
    API_KEY = 44
    API_VERSION = 0
    RESPONSE_TYPE = _IncrementalAlterConfigsResponse
    SCHEMA = Schema(
        (
            "resources",
            Array(
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
                (
                    "configs",
                    Array(
                        ("name", String("utf-8")),
                        ("operation", Int8),
                        ("value", String("utf-8")),
                    ),
                ),
            ),
        ),
        ("validate_only", Boolean),
    )


class _IncrementalAlterConfigs(Request[_IncrementalAlterConfigsStruct]):  # type: ignore[misc]  # aiokafka tells no types
    """Changes some settings and leaves the others (KIP-339).

    aiokafka has only the older request, which resets every setting that it does not name.
    """

    API_KEY = 44

    def __init__(self, topic: str, configs: Mapping[str, str]) -> None:
        entries = [(name, _SET, value) for name, value in configs.items()]
        self._resources = [(_TOPIC, topic, entries)]

    def build(
        self, request_struct_class: type[_IncrementalAlterConfigsStruct]
    ) -> _IncrementalAlterConfigsStruct:
        return request_struct_class(self._resources, False)


class Administration:
    """Topics and their settings, over a connection of its own; from :func:`administration`."""

    def __init__(self, client: AIOKafkaClient, timeout: float) -> None:
        self._client = client
        self._timeout = timeout

    async def create(
        self, topics: Mapping[str, int], configs: Mapping[str, Mapping[str, str]], replication: int
    ) -> list[str]:
        """Create the topics (name → partitions) that do not exist; gives their names.

        Raises:
            BusError: a broker refused a topic; the others may exist.
        """
        wanted: list[tuple[Any, ...]] = [
            (name, partitions, replication, [], list(configs.get(name, {}).items()))
            for name, partitions in topics.items()
        ]
        request = CreateTopicsRequest(wanted, int(self._timeout * 1000), validate_only=False)
        created = []
        for name, code, message in (await self._ask(request)).topic_errors:
            if code == 0:
                created.append(name)
            elif code != TopicAlreadyExistsError.errno:
                raise _refusal(f"create {name}", code, message)
        return created

    async def configs(self, topic: str) -> dict[str, str]:
        """The settings of a topic.

        Raises:
            BusError: the broker refuses to tell them.
        """
        response = await self._ask(DescribeConfigsRequest([(_TOPIC, topic, None)]))
        ((code, message, _, _, entries),) = response.resources
        if code:
            raise _refusal(f"settings of {topic}", code, message)
        return {entry[0]: entry[1] for entry in entries}

    async def alter(self, topic: str, configs: Mapping[str, str]) -> None:
        """Change these settings of a topic; all others stay.

        Raises:
            BusError: a broker refused.
        """
        for code, message, *_ in (await self._ask(_IncrementalAlterConfigs(topic, configs))).resources:
            if code:
                raise _refusal(f"settings of {topic}", code, message)

    async def _ask(self, request: Request[RequestStruct]) -> Any:
        """Ask the controller, where the brokers name one; else any of them passes the request on."""
        controller = self._client.cluster.controller
        node = self._client.get_random_node() if controller is None else controller.nodeId
        return await self._client.send(node, request)


@asynccontextmanager
async def administration(settings: Settings, doing: str) -> AsyncIterator[Administration]:
    """Ask something of the brokers, all of it within the time that ``settings`` give.

    Args:
        settings: where they are.
        doing: what is asked, for errors.

    Raises:
        BusUnavailableError: they do not answer.
    """
    client = AIOKafkaClient(**settings.client())
    try:
        async with asyncio.timeout(settings.timeout):
            await client.bootstrap()
            yield Administration(client, settings.timeout)
    except (KafkaError, OSError, TimeoutError) as error:
        raise bus_error(doing, error) from error
    finally:
        await client.close()


def _refusal(doing: str, code: int, message: str | None) -> BusError:
    told = "; ".join(filter(None, (message, WHAT_TO_DO.get(code))))
    return BusError(f"{doing}: {told or for_code(code).message}")
