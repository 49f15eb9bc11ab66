"""What a service is told by its environment."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from signoff.runtime.errors import SettingsError
from signoff.runtime.secret import kept_secret, secret_key
from signoff.runtime.settings import Settings, unknown_settings


def test_an_empty_environment_means_the_embedded_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    settings = Settings.from_environment({})

    assert settings == Settings()
    assert settings.store_url == f"sqlite:///{tmp_path}/.signoff/signoff.db"
    assert settings.blobs_url == f"file://{tmp_path}/.signoff/blobs"
    assert settings.bus_url == "memory:"


def test_a_variable_set_to_nothing_counts_as_not_set() -> None:
    names = [f"SIGNOFF_{field.upper()}" for field in Settings.__struct_fields__ if field != "environment"]

    assert Settings.from_environment(dict.fromkeys(names, " ")) == Settings()


def test_every_setting_is_read_from_its_variable() -> None:
    settings = Settings.from_environment(
        {
            "SIGNOFF_DATABASE_URL": "postgresql://me@127.0.0.1:5432/signoff",
            "SIGNOFF_KAFKA": "kafka://127.0.0.1:9092, 127.0.0.1:9093",
            "SIGNOFF_DATA": "/var/lib/signoff",
            "SIGNOFF_BLOBS": "s3://bucket/prefix",
            "SIGNOFF_HOST": "127.0.0.2",
            "SIGNOFF_PORT": "0",
            "SIGNOFF_PUBLIC_URL": "https://signoff.example.org/",
            "SIGNOFF_BOOTSTRAP_API_KEY": "k" * 16,
            "SIGNOFF_MAIL_URL": "mailtos://me:secret@mail.example.org",
            "SIGNOFF_SECRET_KEY": "s" * 32,
            "SIGNOFF_ALLOW_PRIVATE_NETWORKS": "10.0.0.0/8, fd00::/8",
            "SIGNOFF_BLOCKS": "shop.blocks, crm",
            "SIGNOFF_ENV_PAYMENTS_URL": "https://pay.example.org",
            "SIGNOFF_BLOCK_CONCURRENCY": "7",
            "SIGNOFF_MAX_REQUESTS": "8",
            "SIGNOFF_MAX_BODY": "9",
            "SIGNOFF_COMMAND_TIMEOUT": "1.5",
            "SIGNOFF_SYNC_TIMEOUT": "2",
            "SIGNOFF_ASYNC_TIMEOUT": "3",
            "SIGNOFF_LOG_FORMAT": "json",
            "SIGNOFF_LOG_LEVEL": "debug",
            "SIGNOFF_FAULTS": "relay.acknowledged=kill",
        }
    )

    assert settings == Settings(
        database_url="postgresql://me@127.0.0.1:5432/signoff",
        kafka="127.0.0.1:9092,127.0.0.1:9093",
        data=Path("/var/lib/signoff"),
        blobs="s3://bucket/prefix",
        host="127.0.0.2",
        port=0,
        public_url="https://signoff.example.org",
        bootstrap_api_key="k" * 16,
        mail_url="mailtos://me:secret@mail.example.org",
        secret_key="s" * 32,
        allow_private_networks=("10.0.0.0/8", "fd00::/8"),
        blocks=("shop.blocks", "crm"),
        environment={"PAYMENTS_URL": "https://pay.example.org"},
        block_concurrency=7,
        max_requests=8,
        max_body=9,
        command_timeout=1.5,
        sync_timeout=2.0,
        async_timeout=3.0,
        log_format="json",
        log_level="debug",
        faults="relay.acknowledged=kill",
    )
    assert settings.store_url == "postgresql://me@127.0.0.1:5432/signoff"
    assert settings.bus_url == "kafka://127.0.0.1:9092,127.0.0.1:9093"
    assert settings.blobs_url == "s3://bucket/prefix"


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("SIGNOFF_PORT", "http", "a whole number from 0 to 65535"),
        ("SIGNOFF_PORT", "65536", "a whole number"),
        ("SIGNOFF_PORT", "9" * 5000, "a whole number"),
        ("SIGNOFF_MAX_BODY", "-1", "from 1"),
        ("SIGNOFF_SYNC_TIMEOUT", "nan", "a number of seconds above 0"),
        ("SIGNOFF_SYNC_TIMEOUT", "soon", "a number of seconds above 0"),
        ("SIGNOFF_DATABASE_URL", "mysql://x", "begins with postgresql:"),
        ("SIGNOFF_KAFKA", "localhost", "'localhost' is not"),
        ("SIGNOFF_PUBLIC_URL", "signoff.example.org", "begins with http:"),
        ("SIGNOFF_MAIL_URL", "smtp://mail.example.org", "begins with mailtos:"),
        ("SIGNOFF_SECRET_KEY", "short", "at least 32 characters"),
        ("SIGNOFF_BOOTSTRAP_API_KEY", "short", "at least 16 characters"),
        ("SIGNOFF_ALLOW_PRIVATE_NETWORKS", "10.0.0.1/8", "host bits"),
        ("SIGNOFF_BLOCKS", "a-b", "'a-b' is none"),
        ("SIGNOFF_LOG_FORMAT", "xml", "one of auto, console, json"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_variable(name: str, value: str, hint: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} must be .*{hint}") as refused:
        Settings.from_environment({name: value})

    assert refused.value.name == name


def test_an_unknown_variable_is_named_with_the_one_probably_meant() -> None:
    environment = {
        "SIGNOFF_DATABASE": "x",
        "SIGNOFF_HHHHHHHHHHHHHH": "y",
        "SIGNOFF_ENV_ANY": "z",
        "SIGNOFF_URL": "http://127.0.0.1",
        "HOME": "/root",
    }

    assert unknown_settings(environment) == [
        "SIGNOFF_DATABASE is no setting; did you mean SIGNOFF_DATABASE_URL?",
        "SIGNOFF_HHHHHHHHHHHHHH is no setting",
    ]


def test_a_given_secret_is_used_and_nothing_is_written(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", secret_key="s" * 32)

    assert secret_key(settings) == b"s" * 32
    assert not settings.data.exists()


def test_a_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")

    first = secret_key(settings)

    assert len(first) >= 32
    assert secret_key(settings) == first
    assert stat.S_IMODE((settings.data / "secret.key").stat().st_mode) == 0o600
    assert [file.name for file in settings.data.iterdir()] == ["secret.key"]


def test_services_that_start_at_once_agree_on_the_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: kept_secret(tmp_path, "secret.key"), range(32)))

    assert len(made) == 1


def test_an_unusable_data_folder_is_a_settings_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SettingsError, match="SIGNOFF_DATA must be a folder"):
        secret_key(Settings(data=tmp_path / "file"))


def test_an_empty_secret_file_is_not_taken_for_a_secret(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("")

    with pytest.raises(SettingsError, match=r"secret\.key is not empty"):
        secret_key(Settings(data=tmp_path))
