"""How a service is configured: by its environment, read once, checked at once."""

from collections.abc import Mapping
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Final, Literal, cast
from urllib.parse import quote, urlsplit

from msgspec import Struct

from signoff.runtime.errors import SettingsError

LogFormat = Literal["auto", "console", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]
YesOrNo = Literal["true", "false"]
AccessLogging = Literal["all", "refusals"]

ENVIRONMENT_PREFIX: Final = "SIGNOFF_ENV_"
"""``SIGNOFF_ENV_<NAME>`` is what ``{{NAME}}`` means in a workflow."""

_CLIENT_NAMES: Final = ("SIGNOFF_URL", "SIGNOFF_API_KEY", "SIGNOFF_WORKSPACE")
_MEBIBYTE: Final = 1024 * 1024


class Rate(Struct, frozen=True):
    """So many requests in so many seconds."""

    count: int
    seconds: float


class Settings(Struct, frozen=True, kw_only=True):
    """What a service was told. Each field is the variable ``SIGNOFF_<FIELD>`` in upper case.

    Without any variable this is the embedded server: one process, SQLite and a bus in memory.

    Attributes:
        database_url: ``postgresql://…``; ``None`` is SQLite in the data folder.
        kafka: ``host:port[,host:port]``; ``None`` is a bus within the process.
        data: the folder of what this server keeps; ``.signoff`` in the working folder by default.
        blobs: where large values go, ``file:///…``, ``s3://…``; ``None`` is a folder under ``data``.
        checkpoints: where checkpoints are kept besides their topic, so that auditors can hold the log against
            them; ``checkpoints`` in the data folder of an embedded server, or nowhere.
        checkpoint_every: seconds between two checkpoints.
        access_log: what is recorded of accesses: ``all``, or ``refusals`` alone.
        access_log_addresses: whether access logs hold the addresses of clients.
        host: the address to listen on. Only this machine by default.
        port: 0 takes a free one.
        public_url: what links begin with, such as ``https://signoff.example.org``.
        bootstrap_api_key: the key of the first administrator; ``None``: nobody has one.
        secret_key: what links are signed with, at least 32 characters; see :func:`secret_key`.
        secret_key_previous: earlier secret keys, by commas: what was sealed under them still opens.
        oidc_issuer: the OpenID provider that people may sign in with; ``None``: there is none.
        oidc_client_id: who this server is there.
        oidc_client_secret: its password there; ``None`` for a public client.
        oidc_scopes: what the provider is asked for, besides ``openid``.
        oidc_sign_up: whoever the provider lets in becomes a user; otherwise only known people may.
        oidc_name: what the button to sign in with it says.
        mail_url: an Apprise URL (``mailtos://user:password@host?from=…``) by which this server mails people
            what they are asked, and codes for that; it may be private. ``None``: it mails nobody.
        notify_schemes: the channels by which definitions may tell people, such as ``slack``; none: the usual.
        allow_private_networks: networks (CIDR) that ``api`` blocks may reach though they are private.
        trusted_proxies: networks (CIDR) of proxies before this server: their ``X-Forwarded-For`` is believed.
        blocks: modules with registered blocks, besides those of installed packages.
        environment: ``SIGNOFF_ENV_<NAME>`` as NAME → value.
        block_concurrency: how many blocks an executor runs at once.
        max_requests: how many requests a gateway works on at once; more get 503.
        max_body: the largest request body, in bytes.
        rate_sync: how often an API key or a user may start an execution and wait for it, or decide;
            ``<number>/<seconds>``. ``None``, here and below: no limit.
        rate_async: the same for executions that nobody waits for.
        rate_reads: the same for everything else.
        workspace_rate_sync: as ``rate_sync``, for all callers in a workspace together.
        workspace_rate_async: likewise.
        workspace_rate_reads: likewise.
        workspace_requests: how many requests of a workspace a gateway works on at once.
        workspace_executions: how many executions of a workspace may be at work at once; about so.
        workspace_streams: how many streams and feeds of a workspace a stream service serves at once.
        command_timeout: seconds after which no executor takes a command up any more.
        sync_timeout: seconds that a run may take whose caller waits for it, or reads its stream.
        async_timeout: seconds that a run may take which nobody waits for.
        llm_url: the base of the API that agent, router and evaluator blocks ask; it may be private.
        llm_api_key: sent there as a bearer token, and nowhere else.
        llm_model: for blocks that name no model.
        llm_timeout: seconds without a byte from the model after which a request has failed.
        cors_origins: sites whose pages may call this server (``https://app.example.org``); ``*`` is any.
        log_format: ``auto`` is ``console`` on a terminal and ``json`` elsewhere.
        log_level: what is logged at least.
        faults: what goes wrong on purpose, for tests (:func:`signoff.events.faults.install_from`).
    """

    database_url: str | None = None
    kafka: str | None = None
    data: Path = Path(".signoff")
    blobs: str | None = None
    checkpoints: str | None = None
    checkpoint_every: float = 60.0
    access_log: AccessLogging = "all"
    access_log_addresses: bool = False
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str | None = None
    bootstrap_api_key: str | None = None
    secret_key: str | None = None
    secret_key_previous: tuple[str, ...] = ()
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = None
    oidc_scopes: tuple[str, ...] = ("email", "profile")
    oidc_sign_up: bool = False
    oidc_name: str = "OpenID Connect"
    mail_url: str | None = None
    notify_schemes: tuple[str, ...] = ()
    allow_private_networks: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    block_concurrency: int = 1000
    max_requests: int = 1000
    max_body: int = 10 * _MEBIBYTE
    rate_sync: Rate | None = None
    rate_async: Rate | None = None
    rate_reads: Rate | None = None
    workspace_rate_sync: Rate | None = None
    workspace_rate_async: Rate | None = None
    workspace_rate_reads: Rate | None = None
    workspace_requests: int | None = None
    workspace_executions: int | None = None
    workspace_streams: int | None = None
    command_timeout: float = 10.0
    sync_timeout: float = 300.0
    async_timeout: float = 5400.0
    llm_url: str = "https://api.openai.com/v1"
    llm_api_key: str | None = None
    llm_model: str | None = None
    llm_timeout: float = 300.0
    cors_origins: tuple[str, ...] = ()
    log_format: LogFormat = "auto"
    log_level: LogLevel = "info"
    faults: str | None = None

    @property
    def checkpoints_url(self) -> str | None:
        """Where checkpoints are kept besides their topic; ``None`` for nowhere."""
        if self.checkpoints is not None or self.kafka is not None:
            return self.checkpoints
        return f"file://{quote(str(self.data.absolute() / 'checkpoints'))}"

    @property
    def store_url(self) -> str:
        """Where the log is, for :func:`signoff.events.store.open_store`."""
        return self.database_url or f"sqlite:///{quote(str(self.data.absolute() / 'signoff.db'))}"

    @property
    def bus_url(self) -> str:
        """Where the topics are, for :func:`signoff.events.bus.open_bus`."""
        return f"kafka://{self.kafka}" if self.kafka else "memory:"

    @property
    def blobs_url(self) -> str:
        """Where large values are, for :class:`signoff.events.blobs.BlobStore`."""
        return self.blobs or f"file://{quote(str(self.data.absolute() / 'blobs'))}"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings. A variable that is set to nothing counts as not set.

        Args:
            environment: usually ``os.environ``.

        Raises:
            SettingsError: names the variable and says what it must be.
        """
        read = _Variables(environment)
        default = cls()
        return cls(
            database_url=read.url("DATABASE_URL", ("postgresql", "postgres")),
            kafka=read.brokers("KAFKA"),
            data=Path(read.text("DATA") or default.data),
            blobs=read.url("BLOBS", ("file", "memory", "s3", "gs", "az")),
            checkpoints=read.url("CHECKPOINTS", ("file", "s3", "gs", "az")),
            checkpoint_every=read.seconds("CHECKPOINT_EVERY", default.checkpoint_every),
            access_log=cast("AccessLogging", read.choice("ACCESS_LOG", default.access_log, AccessLogging)),
            access_log_addresses=read.choice("ACCESS_LOG_ADDRESSES", "false", YesOrNo) == "true",
            host=read.text("HOST") or default.host,
            port=read.whole("PORT", default.port, least=0, most=65535),
            public_url=(read.url("PUBLIC_URL", ("http", "https")) or "").rstrip("/") or None,
            bootstrap_api_key=read.secret("BOOTSTRAP_API_KEY", least=16),
            secret_key=read.secret("SECRET_KEY", least=32),
            secret_key_previous=read.secrets("SECRET_KEY_PREVIOUS", least=32),
            oidc_issuer=read.url("OIDC_ISSUER", ("https", "http")),
            oidc_client_id=read.needed("OIDC_CLIENT_ID", by="OIDC_ISSUER"),
            oidc_client_secret=read.text("OIDC_CLIENT_SECRET"),
            oidc_scopes=read.words("OIDC_SCOPES", default.oidc_scopes),
            oidc_sign_up=read.choice("OIDC_SIGN_UP", "false", YesOrNo) == "true",
            oidc_name=read.text("OIDC_NAME") or default.oidc_name,
            mail_url=read.url("MAIL_URL", ("mailtos", "mailto")),
            notify_schemes=read.words("NOTIFY_SCHEMES", default.notify_schemes),
            allow_private_networks=read.networks("ALLOW_PRIVATE_NETWORKS"),
            trusted_proxies=read.networks("TRUSTED_PROXIES"),
            blocks=read.modules("BLOCKS"),
            environment=_workflow_environment(environment),
            block_concurrency=read.whole("BLOCK_CONCURRENCY", default.block_concurrency),
            max_requests=read.whole("MAX_REQUESTS", default.max_requests),
            max_body=read.whole("MAX_BODY", default.max_body),
            rate_sync=read.rate("RATE_SYNC"),
            rate_async=read.rate("RATE_ASYNC"),
            rate_reads=read.rate("RATE_READS"),
            workspace_rate_sync=read.rate("WORKSPACE_RATE_SYNC"),
            workspace_rate_async=read.rate("WORKSPACE_RATE_ASYNC"),
            workspace_rate_reads=read.rate("WORKSPACE_RATE_READS"),
            workspace_requests=read.bound("WORKSPACE_REQUESTS"),
            workspace_executions=read.bound("WORKSPACE_EXECUTIONS"),
            workspace_streams=read.bound("WORKSPACE_STREAMS"),
            command_timeout=read.seconds("COMMAND_TIMEOUT", default.command_timeout),
            sync_timeout=read.seconds("SYNC_TIMEOUT", default.sync_timeout),
            async_timeout=read.seconds("ASYNC_TIMEOUT", default.async_timeout),
            llm_url=(read.url("LLM_URL", ("http", "https")) or default.llm_url).rstrip("/"),
            llm_api_key=read.text("LLM_API_KEY"),
            llm_model=read.text("LLM_MODEL"),
            llm_timeout=read.seconds("LLM_TIMEOUT", default.llm_timeout),
            cors_origins=read.origins("CORS_ORIGINS"),
            log_format=cast("LogFormat", read.choice("LOG_FORMAT", default.log_format, LogFormat)),
            log_level=cast("LogLevel", read.choice("LOG_LEVEL", default.log_level, LogLevel)),
            faults=read.text("FAULTS"),
        )


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each ``SIGNOFF_*`` variable that means nothing here: most likely a slip of the pen.

    It is no error, since a variable may be for another version of Signoff.
    """
    known = [f"SIGNOFF_{field.upper()}" for field in Settings.__struct_fields__ if field != "environment"]
    known += _CLIENT_NAMES
    unknown = sorted(
        name
        for name in environment
        if name.startswith("SIGNOFF_") and name not in known and not name.startswith(ENVIRONMENT_PREFIX)
    )
    return [_unknown(name, known) for name in unknown]


def _unknown(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"{name} is no setting" + (f"; did you mean {close[0]}?" if close else "")


def _workflow_environment(environment: Mapping[str, str]) -> dict[str, str]:
    start = len(ENVIRONMENT_PREFIX)
    return {name[start:]: value for name, value in environment.items() if name.startswith(ENVIRONMENT_PREFIX)}


class _Variables:
    """Reads variables by their names without the prefix, each as what it must be."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str) -> str | None:
        return self._environment.get(f"SIGNOFF_{name}", "").strip() or None

    def needed(self, name: str, *, by: str) -> str | None:
        text = self.text(name)
        if text is None and self.text(by) is not None:
            raise self._error(name, f"set, where SIGNOFF_{by} is")
        return text

    def words(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        return tuple((self.text(name) or "").replace(",", " ").split()) or default

    def url(self, name: str, schemes: tuple[str, ...]) -> str | None:
        text = self.text(name)
        if text is not None and urlsplit(text).scheme not in schemes:
            raise self._error(name, f"a URL that begins with {' or '.join(f'{s}:' for s in schemes)}")
        return text

    def brokers(self, name: str) -> str | None:
        items = [item.removeprefix("kafka://") for item in self._list(name)]
        for item in items:
            host, _, port = item.rpartition(":")
            if not host or not port.isdecimal():
                raise self._error(name, f"host:port[,host:port…], and {item!r} is not")
        return ",".join(items) or None

    def secret(self, name: str, *, least: int) -> str | None:
        text = self.text(name)
        if text is not None and len(text) < least:
            raise self._error(name, f"at least {least} characters long")
        return text

    def secrets(self, name: str, *, least: int) -> tuple[str, ...]:
        items = self._list(name)
        if any(len(item) < least for item in items):
            raise self._error(name, f"keys of at least {least} characters each, by commas")
        return items

    def whole(self, name: str, default: int, *, least: int = 1, most: int = 2**31 - 1) -> int:
        text = self.text(name)
        if text is None:
            return default
        # The length is bounded because int() refuses texts of thousands of digits with another error.
        if not text.isdecimal() or len(text) > 10 or not least <= int(text) <= most:
            raise self._error(name, f"a whole number from {least} to {most}")
        return int(text)

    def bound(self, name: str) -> int | None:
        return None if self.text(name) is None else self.whole(name, 0)

    def rate(self, name: str) -> Rate | None:
        text = self.text(name)
        if text is None:
            return None
        count, _, seconds = text.partition("/")
        if not (count.isdecimal() and seconds.isdecimal() and len(text) <= 20):
            raise self._error(name, "<number>/<seconds>, such as 600/60")
        if not (0 < int(count) <= 10**9 and 0 < int(seconds) <= 86_400):
            raise self._error(name, "a number from 1 on, and 1 to 86400 seconds, such as 600/60")
        return Rate(int(count), float(seconds))

    def seconds(self, name: str, default: float) -> float:
        text = self.text(name)
        if text is None:
            return default
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0 < value <= 604_800:
            raise self._error(name, "a number of seconds above 0, at most 604800")
        return value

    def choice(self, name: str, default: str, choices: object) -> str:
        allowed: tuple[str, ...] = choices.__args__  # type: ignore[attr-defined]
        text = self.text(name) or default
        if text not in allowed:
            raise self._error(name, f"one of {', '.join(allowed)}")
        return text

    def networks(self, name: str) -> tuple[str, ...]:
        items = self._list(name)
        for item in items:
            try:
                ip_network(item)
            except ValueError as error:
                raise self._error(name, f"networks such as 10.0.0.0/8, by commas: {error}") from error
        return items

    def origins(self, name: str) -> tuple[str, ...]:
        items = self._list(name)
        for item in items:
            scheme, host, *_ = urlsplit(item)
            if item != "*" and not (host and scheme in ("http", "https") and item == f"{scheme}://{host}"):
                raise self._error(
                    name, f"origins such as https://example.org, by commas, and {item!r} is none"
                )
        return items

    def modules(self, name: str) -> tuple[str, ...]:
        items = self._list(name)
        for item in items:
            if not all(part.isidentifier() for part in item.split(".")):
                raise self._error(name, f"names of Python modules, by commas, and {item!r} is none")
        return items

    def _list(self, name: str) -> tuple[str, ...]:
        return tuple(item.strip() for item in (self.text(name) or "").split(",") if item.strip())

    def _error(self, name: str, must: str) -> SettingsError:
        return SettingsError(f"SIGNOFF_{name}", must)
