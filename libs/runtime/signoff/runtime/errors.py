"""What can keep a service from starting.

::

    RuntimeSetupError
    ├── SettingsError           a SIGNOFF_* variable holds something else than it must
    └── ServerError             the address cannot be listened on
"""

from signoff.events.errors import SignoffError


class RuntimeSetupError(SignoffError):
    """Base of what is wrong with a service's surroundings. The message says what to change."""


class SettingsError(RuntimeSetupError):
    """A setting cannot be used.

    Attributes:
        name: the environment variable.
    """

    def __init__(self, name: str, must: str) -> None:
        super().__init__(f"{name} must be {must}")
        self.name = name


class ServerError(RuntimeSetupError):
    """The server cannot listen where it should."""
