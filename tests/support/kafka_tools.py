"""Kafka's own command-line tools, as whoever has Kafka installed calls them."""

import asyncio
import shutil
from pathlib import Path
from typing import Final

from local_services import maven

from support.kafka import SHORT_LIVED

CONSOLE_CONSUMER: Final = "org.apache.kafka.tools.consumer.ConsoleConsumer"
ACL: Final = "org.apache.kafka.tools.AclCommand"

_POM: Final = Path(__file__).resolve().parent / "kafka_programs" / "pom.xml"
_CACHE: Final = Path(__file__).resolve().parents[2] / ".cache" / "kafka-tools"
_LIMIT: Final = 40.0


def fetch() -> Path:
    """The folder with the jars, fetched with Maven at the first call.

    Raises:
        LocalServicesError: Maven is missing or failed.
    """
    folder = _CACHE / maven.read_property(_POM, "kafka.version")
    maven.fetch(_POM, folder)
    return folder


async def run(jars: Path, program: str, *arguments: str) -> str:
    """Run a tool to its end; gives what it prints.

    Args:
        jars: from :func:`fetch`.
        program: its class.
        arguments: as they are typed.
    """
    java = shutil.which("java")
    assert java is not None
    process = await asyncio.create_subprocess_exec(
        java, *SHORT_LIVED, "-cp", f"{jars}/*", program, *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_LIMIT):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, out.decode() + err.decode()
    return out.decode()
