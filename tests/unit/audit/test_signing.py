"""Signatures of checkpoints, checked by libraries of others."""

import json
import subprocess
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import OKPKey

from signoff.access.secrets.sealing import Sealer
from signoff.audit.checkpoints.checkpoint import CheckpointError
from signoff.audit.checkpoints.signing import BUNDLE, LABEL, Keyring, Signer

RAW = b'{"shard":0,"number":1}'
NEW, OLD = b"n" * 32, b"o" * 32


def der(x: str) -> bytes:
    """A public key as OpenSSL reads it: the fixed head of an Ed25519 key (RFC 8410), then its bytes."""
    return bytes.fromhex("302a300506032b6570032100") + urlsafe_b64decode(x + "=")


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_a_jose_library_checks_a_signature() -> None:
    signer = Signer([NEW])
    (key,) = json.loads(msgspec.json.encode(signer.keys.jwks()))["keys"]

    header, mark = signer.sign(RAW).split("..")
    payload = urlsafe_b64encode(RAW).rstrip(b"=").decode()
    found = jws.deserialize_compact(f"{header}.{payload}.{mark}", OKPKey.import_key(key), ["EdDSA"])

    assert found.payload == RAW
    assert found.headers()["kid"] == OKPKey.import_key(key).thumbprint() == key["kid"]


def test_openssl_checks_a_signature(tmp_path: Path) -> None:
    signer = Signer([NEW])
    header, mark = signer.sign(RAW).split("..")
    (tmp_path / "key.der").write_bytes(der(signer.keys.jwks().keys[0].x))
    (tmp_path / "input").write_bytes(f"{header}.".encode() + urlsafe_b64encode(RAW).rstrip(b"="))
    (tmp_path / "signature").write_bytes(urlsafe_b64decode(mark + "=="))

    done = subprocess.run(
        [
            "openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der", "-rawin",
            "-in", "input", "-sigfile", "signature",
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip

    assert "Verified Successfully" in done.stdout


def test_earlier_keys_go_on_checking_what_they_signed() -> None:
    before = Signer([OLD]).sign(RAW)
    signer = Signer([NEW, OLD])

    assert signer.keys.check(RAW, before) == "valid"
    assert signer.keys.check(RAW, signer.sign(RAW)) == "valid"
    assert Signer([OLD]).keys.check(RAW, signer.sign(RAW)) == "unknown key"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-4] + "AAAA",
        lambda text: text.replace("..", "."),
        lambda text: urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=") + "..",
        lambda _: "ü..ü",
        lambda _: "",
    ],
)
def test_what_is_no_signature_is_refused(spoil: object) -> None:
    signer = Signer([NEW])

    assert signer.keys.check(RAW, spoil(signer.sign(RAW))) == "invalid"  # type: ignore[operator]


def test_a_signature_of_a_bundle_is_none_of_a_checkpoint() -> None:
    signer = Signer([NEW])

    assert signer.keys.check(RAW, signer.sign(RAW, BUNDLE)) == "invalid"
    assert signer.keys.check(RAW, signer.sign(RAW), BUNDLE) == "invalid"
    assert signer.keys.check(RAW, signer.sign(RAW, BUNDLE), BUNDLE) == "valid"


def test_another_content_is_refused() -> None:
    signer = Signer([NEW])

    assert signer.keys.check(RAW + b" ", signer.sign(RAW)) == "invalid"


def test_keys_come_from_their_document() -> None:
    signer = Signer([NEW, OLD])

    keys = Keyring.read(msgspec.json.encode(signer.keys.jwks()))

    assert keys.check(RAW, signer.sign(RAW)) == "valid"
    with pytest.raises(CheckpointError, match="JWKS"):
        Keyring.read(b'{"keys":[{"kty":"RSA"}]}')
    with pytest.raises(CheckpointError, match="no key in it"):
        Keyring.read(b'{"keys":[]}')
    with pytest.raises(CheckpointError, match="no Ed25519 key"):
        Keyring.read(b'{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA","kid":"short"}]}')


def test_the_keys_of_a_server_follow_from_its_secrets() -> None:
    sealer = Sealer([b"a new secret key", b"an old secret key"])

    new, old = sealer.keys_for(LABEL)

    assert new != old
    assert Sealer([b"an old secret key"]).keys_for(LABEL) == [old]
    assert sealer.keys_for(b"another purpose") != [new, old]
