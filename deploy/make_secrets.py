"""Passwords, keys and certificates: made at the first start, so that no file and no image holds any.

    python make_secrets.py create [ROOT]    make what is missing and hand it out; safe to repeat
    python make_secrets.py show [ROOT]      print what people log in with

ROOT/all keeps everything. Each other folder below ROOT is what one service gets to see: only its own part, readable
only by the user that service runs as.
"""

import argparse
import datetime as dt
import ipaddress
import json
import os
import secrets
import string
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AIRFLOW, ELASTIC, POSTGRES = 50000, 1000, 999
"""User ids in the images of Airflow (and ours), of Elasticsearch and Kibana, and of PostgreSQL."""

_CA_DAYS, _SERVER_DAYS = 3650, 730
_NAMES = (x509.DNSName("elasticsearch"), x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))


def _password() -> str:
    """Letters and digits only: it is typed by people, and put into addresses and command lines as it is."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(24))


def _private_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


MADE: Mapping[str, Callable[[], str]] = {
    "elastic_password": _password,
    "kibana_system_password": _password,
    "narrawatch_password": _password,
    "narrawatch_setup_password": _password,
    "analyst_password": _password,
    "postgres_password": _password,
    "airflow_admin_password": _password,
    "airflow_fernet_key": lambda: Fernet.generate_key().decode(),
    "airflow_jwt_secret": lambda: secrets.token_urlsafe(64),
    "airflow_secret_key": lambda: secrets.token_urlsafe(64),
    "kibana_saved_objects_key": lambda: secrets.token_hex(32),
    "kibana_reporting_key": lambda: secrets.token_hex(32),
    "kibana_session_key": lambda: secrets.token_hex(32),
    "ca.key": _private_key,
    "elasticsearch.key": _private_key,
}
"""What is made once and never again, and how."""


@dataclass(frozen=True)
class Part:
    """What one service gets: who reads it, and the files."""

    owner: int
    files: Mapping[str, str]


def parts(kept: Mapping[str, str]) -> dict[str, Part]:
    """Each service's part of what is kept, by the name of its folder."""
    return {
        "elasticsearch": Part(
            ELASTIC, _some(kept, "ca.crt", "elasticsearch.crt", "elasticsearch.key", "elastic_password")
        ),
        "kibana": Part(ELASTIC, {**_some(kept, "ca.crt"), "kibana.yml": _kibana(kept)}),
        "postgres": Part(POSTGRES, _some(kept, "postgres_password")),
        "airflow": Part(
            AIRFLOW,
            {
                **_some(kept, "airflow_fernet_key", "airflow_jwt_secret", "airflow_secret_key"),
                "sql_alchemy_conn": f"postgresql+psycopg2://airflow:{kept['postgres_password']}@postgres/airflow",
            },
        ),
        "narrawatch": Part(AIRFLOW, _some(kept, "ca.crt", "narrawatch_password")),
    }


def _some(kept: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: kept[name] for name in names}


def _kibana(kept: Mapping[str, str]) -> str:
    """The part of Kibana's configuration that is secret; the rest stands in docker-compose.yml."""
    settings = {
        "elasticsearch.username": "kibana_system",
        "elasticsearch.password": kept["kibana_system_password"],
        "xpack.encryptedSavedObjects.encryptionKey": kept["kibana_saved_objects_key"],
        "xpack.reporting.encryptionKey": kept["kibana_reporting_key"],
        "xpack.security.encryptionKey": kept["kibana_session_key"],
    }
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in settings.items())


def create(root: Path) -> list[str]:
    """Make what is missing in ROOT/all, renew certificates before they end, and hand out each service's part.

    Returns the names of what was made now. A run that is cut short loses nothing: the next one goes on where it ended.
    """
    store, made = root / "all", []
    _folder(store, AIRFLOW)
    for name, make in MADE.items():
        if not (store / name).exists():
            _write(store / name, make(), AIRFLOW)
            made.append(name)
    for name, issue, days in (("ca.crt", _issue_ca, _CA_DAYS), ("elasticsearch.crt", _issue_server, _SERVER_DAYS)):
        if not _lasts(store / name, days):
            _write(store / name, issue(store), AIRFLOW)
            made.append(name)
    kept = {name: (store / name).read_text("ascii") for name in (*MADE, "ca.crt", "elasticsearch.crt")}
    for name, part in parts(kept).items():
        _folder(root / name, part.owner)
        for file, text in part.files.items():
            _write(root / name / file, text, part.owner)
    return made


def _lasts(path: Path, days: int) -> bool:
    """Whether a certificate is there and has more than a quarter of its time before it."""
    if not path.exists():
        return False
    end = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    return end - dt.datetime.now(dt.UTC) > dt.timedelta(days=days) / 4


def _issue_ca(store: Path) -> str:
    """A certificate for our own authority. A later one has the same name and key, so what it signed stays good."""
    key = _load_key(store / "ca.key")
    usage = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
    )
    rights = x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False)
    certificate = (
        _certificate("Narrawatch certificate authority", key, key, _CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(rights, critical=True)
    )
    return _signed(certificate, key)


def _issue_server(store: Path) -> str:
    authority = _load_key(store / "ca.key")
    certificate = (
        _certificate("elasticsearch", _load_key(store / "elasticsearch.key"), authority, _SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(_NAMES), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    return _signed(certificate, authority)


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, authority: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_common_name(name))
        .issuer_name(_common_name("Narrawatch certificate authority"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))  # for a clock that is behind ours
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
    )


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _signed(certificate: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> str:
    return certificate.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), path
    return key


def _folder(path: Path, owner: int) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    _give(path, owner)


def _write(path: Path, text: str, owner: int) -> None:
    """Put a file in place whole or not at all, on disk before anybody uses it; one that is right is left alone."""
    if path.exists() and path.read_text("ascii") == text:
        _give(path, owner)
        return
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "w", encoding="ascii") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    _give(fresh, owner)
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _give(path: Path, owner: int) -> None:
    if os.geteuid() == 0:  # anybody else tries it out for himself, and cannot give files away
        os.chown(path, owner, 0)


def logins(root: Path) -> str:
    """What people log in with, as it was generated; somebody who has changed a password since knows the new one."""
    rows = (
        ("http://127.0.0.1:5601", "analyst", "analyst_password", "Kibana: read and review what was flagged"),
        ("http://127.0.0.1:5601", "elastic", "elastic_password", "Kibana, Elasticsearch: administration, more users"),
        ("http://127.0.0.1:8080", "admin", "airflow_admin_password", "Airflow: schedules, logs, more users"),
    )
    lines = [f"{url}  {user:8} {(root / 'all' / file).read_text('ascii')}  {what}" for url, user, file, what in rows]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Passwords, keys and certificates of this installation.")
    parser.add_argument("action", choices=("create", "show"))
    parser.add_argument("root", nargs="?", type=Path, default=Path("/secrets"), metavar="ROOT")
    chosen = parser.parse_args()
    try:
        if chosen.action == "show":
            print(logins(chosen.root))
        else:
            made = create(chosen.root)
            print(f"made {', '.join(made)}" if made else "nothing to make: everything is there")
    except FileNotFoundError as error:
        sys.exit(f"{error.filename} is missing; make the secrets first, with `create`")
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}; run this as root, as docker-compose.yml does")


if __name__ == "__main__":
    main()
