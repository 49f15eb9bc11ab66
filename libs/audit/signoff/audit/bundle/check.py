"""Checks a bundle without network or database: who signed it, all of its files, and what they say."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from signoff.audit.bundle.execution_check import ExecutionCheck
from signoff.audit.bundle.layout import (
    KEYS,
    LAYOUT,
    MANIFEST,
    MOST_CHILDREN,
    SIGNATURE,
    ExecutionEntry,
    Manifest,
    definitions_path,
    events_path,
    value_path,
)
from signoff.audit.bundle.opening import BundleError, OpenBundle
from signoff.audit.checkpoints.checkpoint import CheckpointError
from signoff.audit.checkpoints.signing import BUNDLE, Keyring
from signoff.audit.verify.faults import Fault, Place

_FORGER: Final = "somebody without the server's key made or changed it"
_NO_BUNDLE: Final = "it was cut off on its way, is another file, or somebody made or changed it"
_MAKER: Final = "the server itself put it together so: its log or its object store is not what it was"
_manifest: Final = msgspec.json.Decoder(Manifest)


class BundleReport(Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of a bundle's check.

    Attributes:
        faults: what is wrong.
        executions: what the manifest says of each; none where it cannot be read.
        events: how many were read.
        keys: ids of the public keys in the bundle.
        checked: what was checked, in words.
        not_shown: what this cannot show, in sentences.
    """

    faults: list[Fault]
    executions: list[ExecutionEntry]
    events: int
    keys: list[str]
    checked: list[str]
    not_shown: list[str]


def verify_bundle(path: Path, *, keys: Keyring | None = None) -> BundleReport:
    """Check a bundle, in bounded memory; nothing is unpacked.

    Args:
        path: of the file.
        keys: the server's public keys, from elsewhere than the bundle; without them only that it agrees
            with itself is checked.

    Returns:
        The report; a file that is no bundle is a fault, too.
    """
    check = _Check(path, keys)
    try:
        with OpenBundle(path) as bundle:
            check.run(bundle)
    except BundleError as error:
        check.fault(None, str(error), cause=_NO_BUNDLE)
    return check.report()


class _Check:
    def __init__(self, path: Path, keys: Keyring | None) -> None:
        self._path = path
        self._given = keys
        self._own = Keyring([])
        self._faults: list[Fault] = []
        self._executions: list[ExecutionEntry] = []
        self._events = 0
        self._committed: dict[str, int] = {}
        self._digests: dict[bytes, str] = {}
        self._not_shown: list[str] = []

    def report(self) -> BundleReport:
        checked = ["the signature, the digest of every file"] if self._executions else []
        if self._executions:
            checked.append("chain, numbers and times of events; their fold; definitions; large values")
        checked += [
            f"that checkpoint {each.checkpoint} commits to events 1 to {upto} of {each.execution_id}"
            for each in self._executions
            if (upto := self._committed.get(each.head.log_id, 0))
        ]
        return BundleReport(
            faults=self._faults, executions=self._executions, events=self._events,
            keys=[key.kid for key in self._own.jwks().keys], checked=checked, not_shown=self._not_shown,
        )  # fmt: skip

    def run(self, bundle: OpenBundle) -> None:
        self._read_keys(bundle)
        raw = bundle.read(MANIFEST)
        try:
            manifest = _manifest.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BundleError(f"{MANIFEST} is no manifest: {error}") from error
        if manifest.bundle != LAYOUT:
            raise BundleError(
                f"its layout is {manifest.bundle}, and this version knows {LAYOUT}: use a newer one"
            )
        _check_executions(manifest.executions)
        self._check_signature(bundle, raw)
        self._check_files(bundle, manifest)
        self._executions = manifest.executions
        for entry in manifest.executions:
            self._check_execution(bundle, entry, manifest)
        self._check_values(manifest)
        self._tell_limits(manifest)

    # The bundle as a whole ----------------------------------------------------------------------------

    def _read_keys(self, bundle: OpenBundle) -> None:
        try:
            self._own = Keyring.read(bundle.read(KEYS))
        except (BundleError, CheckpointError) as error:
            self.fault(KEYS, f"there are no keys of the server: {error}")

    @property
    def _keys(self) -> Keyring:
        return self._own if self._given is None else self._given

    def _check_signature(self, bundle: OpenBundle, raw: bytes) -> None:
        try:
            signature = bundle.read(SIGNATURE).decode("ascii")
        except (BundleError, UnicodeDecodeError) as error:
            self.fault(SIGNATURE, f"there is no signature: {error}")
            return
        verdict = self._keys.check(raw, signature, BUNDLE)
        if verdict == "invalid":
            self.fault(MANIFEST, f"{SIGNATURE} is no signature of {MANIFEST}: one of the two was changed")
        elif verdict == "unknown key":
            whose = "in the bundle" if self._given is None else "that were given"
            self.fault(SIGNATURE, f"the bundle is signed with a key that is none of those {whose}")

    def _check_files(self, bundle: OpenBundle, manifest: Manifest) -> None:
        listed = {file.path: file for file in manifest.files}
        for path in sorted(set(bundle.paths) - {*listed, MANIFEST, SIGNATURE}):
            self.fault(path, f"{path} was put into the bundle: its manifest does not know it")
        for path, file in listed.items():
            if path not in bundle.paths:
                self.fault(path, f"{path} was taken out of the bundle")
                continue
            digest, size = hashlib.sha256(), 0
            for piece in _pieces(bundle, path, self):
                digest.update(piece)
                size += len(piece)
            if (digest.hexdigest(), size) != (file.sha256, file.size):
                self.fault(path, f"the bytes of {path} are not those that were signed")
            elif path.startswith("values/") and path != value_path(file.sha256):
                self.fault(path, f"{path} holds another value than its name says", _MAKER)

    def _check_values(self, manifest: Manifest) -> None:
        for digest in manifest.missing:
            self.fault(value_path(digest), f"the object store had not the large value {digest}", _MAKER)

    # Its executions -----------------------------------------------------------------------------------

    def _check_execution(self, bundle: OpenBundle, entry: ExecutionEntry, manifest: Manifest) -> None:
        log_id = entry.head.log_id
        wanted = [events_path(log_id), definitions_path(log_id)]
        absent = [path for path in wanted if path not in bundle.paths]
        if absent:
            self.fault(absent[0], f"execution {entry.execution_id} has no {absent[0]}")
            return
        check = ExecutionCheck(bundle, entry, self._keys, self._digests)
        self._faults += check.run()
        self._committed[log_id] = check.committed
        self._events += check.events
        there = {*bundle.paths, *map(value_path, manifest.missing)}
        for digest in check.values:
            if value_path(digest) not in there:
                self.fault(
                    value_path(digest), f"an event names the large value {digest}, and it is not there"
                )

    # Telling ------------------------------------------------------------------------------------------

    def _tell_limits(self, manifest: Manifest) -> None:
        if self._given is None:
            self._not_shown.append(
                "that the server made it: the keys are the bundle's own; give those of the server with --keys"
            )
        for entry in manifest.executions:
            upto = self._committed.get(entry.head.log_id, 0)
            if upto < entry.head.event_id:
                rest = f"events {upto + 1} to {entry.head.event_id}"
                what, it = (rest, "them") if upto else ("the log", "it")
                self._not_shown.append(
                    f"that nobody wrote {what} of {entry.execution_id} anew before the bundle was made: no "
                    f"checkpoint committed to {it}"
                )
        left_out = sum(not child.included for child in manifest.children)
        if left_out:
            self._not_shown.append(f"anything of {left_out} executions that were called: they are only named")

    def fault(self, path: str | None, meaning: str, cause: str = _FORGER) -> None:
        name = str(self._path) if path is None else f"{self._path}/{path}"
        self._faults.append(Fault(kind="bundle", place=Place(file=name), meaning=meaning, cause=cause))


def _check_executions(entries: list[ExecutionEntry]) -> None:
    """Refuse a manifest that would have the same events read over and over.

    Raises:
        BundleError: it has more executions than a bundle may, or one twice.
    """
    if len(entries) > MOST_CHILDREN + 1:
        raise BundleError(f"it has more than {MOST_CHILDREN + 1} executions")
    if len({entry.head.log_id for entry in entries}) < len(entries):
        raise BundleError("it has an execution twice")


def _pieces(bundle: OpenBundle, path: str, check: _Check) -> Iterator[bytes]:
    try:
        yield from bundle.pieces(path)
    except BundleError as error:
        check.fault(path, str(error))
