"""The key that links are signed with: given, or made once and kept in the data folder."""

import os
import secrets
from pathlib import Path
from typing import Final

from signoff.runtime.errors import SettingsError
from signoff.runtime.settings import Settings

_LENGTH: Final = 48


def secret_key(settings: Settings) -> bytes:
    """The secret of this server, or of this cluster: all services must have the same.

    Without ``SIGNOFF_SECRET_KEY`` it is ``secret.key`` in the data folder, made on first use and
    readable by its owner only. Does file I/O: call it before the event loop runs.

    Raises:
        SettingsError: the file cannot be read or made.
    """
    if settings.secret_key is not None:
        return settings.secret_key.encode()
    return kept_secret(settings.data, "secret.key").encode()


def secret_keys(settings: Settings) -> list[bytes]:
    """The secret key, and after it those of earlier times, under which things may still be sealed.

    Raises:
        SettingsError: as `secret_key`.
    """
    return [secret_key(settings), *(each.encode() for each in settings.secret_key_previous)]


def kept_secret(folder: Path, name: str) -> str:
    """A random text kept in a file of mode 0600; made on first use, the same ever after.

    Args:
        folder: made when it is not there.
        name: the file's name.

    Raises:
        SettingsError: the folder or the file cannot be used.
    """
    path = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        text = path.read_text().strip()
    except OSError as error:
        raise SettingsError("SIGNOFF_DATA", f"a folder that this user may read and write: {error}") from error
    if not text:
        raise SettingsError(
            "SIGNOFF_DATA", f"a folder whose {name} is not empty: restore {path}, or remove it"
        )
    return text


def _make(path: Path) -> None:
    """Write a whole file aside and link it into place: of two who do it at once, one wins, both read it."""
    aside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(_LENGTH))
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(aside)
        except FileExistsError:
            return
    finally:
        aside.unlink()
