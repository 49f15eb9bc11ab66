"""Java programs by their Maven coordinates, fetched once."""

import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

from .lock import locked
from .process import run
from .waiting import LocalServicesError

_FETCH_LIMIT = 600.0
_NAMESPACE = {"pom": "http://maven.apache.org/POM/4.0.0"}


def read_property(pom: Path, name: str) -> str:
    """The value of a property in a pom.xml.

    Raises:
        LocalServicesError: The file has no such property.
    """
    value = ET.parse(pom).findtext(f"pom:properties/pom:{name}", namespaces=_NAMESPACE)  # noqa: S314 - our own file
    if value is None:
        raise LocalServicesError(f"{pom} has no property {name}: add it under <properties>")
    return value


def fetch(pom: Path, folder: Path) -> None:
    """Put the jars that a pom.xml names into a folder, unless they are there already.

    Safe when two do it at once, and after an interruption: the copy of the pom.xml among the jars comes last.

    Args:
        pom: What to fetch.
        folder: Where the jars go, and nothing else.

    Raises:
        LocalServicesError: Maven is missing or failed.
    """
    with locked(
        folder.with_name(f"{folder.name}.lock"),
        limit=_FETCH_LIMIT,
        otherwise=f"another process has been fetching into {folder} for {_FETCH_LIMIT:.0f} s: try again",
    ):
        done = folder / "pom.xml"
        if done.exists() and done.read_bytes() == pom.read_bytes():
            return
        if shutil.which("mvn") is None:
            raise LocalServicesError("Kafka is fetched with Maven, which is missing: `apt-get install maven`")
        shutil.rmtree(folder, ignore_errors=True)
        run(
            (
                *("mvn", "--quiet", "--batch-mode", "--no-transfer-progress", f"--file={pom}"),
                *("dependency:copy-dependencies", f"-DoutputDirectory={folder}"),
            ),
            limit=_FETCH_LIMIT,
        )
        shutil.copyfile(pom, done)
