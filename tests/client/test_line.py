# SPDX-License-Identifier: GPL-3.0-or-later
"""The line to AWS: through a proxy, with a company's own certificates, no faster than asked. Real TLS on loopback."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cloud_render.client.farm import Connection, Farm
from cloud_render.contract.errors import BadArguments, CloudNotReady, CloudUnreachable
from local_cloud.testing import LocalCloud

Handler = Callable[[socket.socket], None]


@contextmanager
def listening(handle: Handler) -> Iterator[int]:
    """The port of a server on loopback that gives each connection to `handle`, in a thread of its own."""

    def serve() -> None:
        with suppress(OSError):  # closed at the end
            while True:
                connection, _ = server.accept()
                threading.Thread(target=handle, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def join(here: socket.socket, there: socket.socket) -> None:
    """Pass on what either side says until one of them ends."""

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(65536):
                target.sendall(content)
        for side in (source, target):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=pump, args=(there, here), daemon=True).start()
    pump(here, there)
    here.close()
    there.close()


class Proxy:
    """An HTTP proxy as companies have them: CONNECT for https, whole addresses for http."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def handle(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(65536)
        method, target, _ = head.split(b"\r\n")[0].decode().split()
        self.asked.append(f"{method} {target}")
        place = urlsplit(target if method != "CONNECT" else f"//{target}")
        upstream = socket.create_connection((place.hostname, place.port))
        if method == "CONNECT":
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            upstream.sendall(head.replace(target.encode(), (place.path or "/").encode(), 1))
        join(client, upstream)


@pytest.fixture
def companys_proxy() -> Iterator[tuple[str, list[str]]]:
    """Its address, and what it was asked."""
    proxy = Proxy()
    with listening(proxy.handle) as port:
        yield f"http://127.0.0.1:{port}", proxy.asked


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A company's own certificate, which no system knows, and one for 127.0.0.1 with its key, made by it."""
    folder = tmp_path_factory.mktemp("certificates")
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A Company")])
    now = datetime.now(UTC)

    def builder(subject: x509.Name, its: ec.EllipticCurvePrivateKey, ca: bool) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(ca_name)
            .public_key(its.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )

    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    root = builder(ca_name, ca_key, ca=True).sign(ca_key, hashes.SHA256())
    leaf = builder(name, key, ca=False).add_extension(here, critical=False).sign(ca_key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "ca.pem").write_bytes(root.public_bytes(pem))
    (folder / "here.pem").write_bytes(private + leaf.public_bytes(pem))
    return folder / "ca.pem", folder / "here.pem"


@pytest.fixture
def tls(aws: LocalCloud, authority: tuple[Path, Path]) -> Iterator[str]:
    """The local cloud behind https, with a certificate of the company."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority[1])
    place = urlsplit(aws.endpoint_url)

    def handle(client: socket.socket) -> None:
        with suppress(OSError):  # a client that does not trust us hangs up
            inner = context.wrap_socket(client, server_side=True)
            join(inner, socket.create_connection((place.hostname, place.port)))

    with listening(handle) as port:
        yield f"https://127.0.0.1:{port}"


def test_a_companys_certificate_is_honoured(tls: str, authority: tuple[Path, Path]) -> None:
    """Named with --ca-bundle, it makes the connection a trusted one."""
    assert Farm.find(Connection(endpoint_url=tls, ca_bundle=str(authority[0]))).bucket


def test_the_aws_configuration_names_the_certificate_too(
    tls: str, aws: LocalCloud, authority: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """AWS_CA_BUNDLE, and `ca_bundle` of a profile."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority[0]))
    assert Farm.find(Connection(endpoint_url=tls)).bucket
    monkeypatch.delenv("AWS_CA_BUNDLE")
    keys = f"aws_access_key_id = {aws.access_key}\naws_secret_access_key = {aws.secret_key}\n"
    (tmp_path / "config").write_text(f"[profile studio]\nca_bundle = {authority[0]}\n{keys}")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert Farm.find(Connection("studio", endpoint_url=tls)).bucket


def test_an_unknown_certificate_is_refused_with_the_remedy(tls: str) -> None:
    """Nothing is sent to who can't prove to be AWS, and the words say how to trust a company's proxy."""
    with pytest.raises(CloudUnreachable, match="--ca-bundle"):
        Farm.find(Connection(endpoint_url=tls, attempts=1))


def test_a_file_that_is_no_certificate_is_said_so(tls: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not there, one with other content, and an empty name."""
    with pytest.raises(BadArguments, match=r"no file .*gone\.pem"):
        Farm.find(Connection(endpoint_url=tls, ca_bundle=str(tmp_path / "gone.pem")))
    (tmp_path / "text.pem").write_text("no certificate")
    with pytest.raises(CloudNotReady, match="certificate"):
        Farm.find(Connection(endpoint_url=tls, ca_bundle=str(tmp_path / "text.pem"), attempts=1))
    monkeypatch.setenv("AWS_CA_BUNDLE", "")
    with pytest.raises(CloudNotReady, match="AWS configuration can't be used: Invalid CA bundle"):
        Farm.find(Connection(endpoint_url=tls))


def test_requests_go_through_the_proxy(
    tls: str, authority: tuple[Path, Path], companys_proxy: tuple[str, list[str]], aws: LocalCloud
) -> None:
    """For https as a tunnel, for http as it is; every service takes it."""
    address, asked = companys_proxy
    line = Connection(endpoint_url=tls, ca_bundle=str(authority[0]), proxy=address)
    assert Farm.find(line).s3.list_buckets()
    place = urlsplit(tls)
    assert set(asked) == {f"CONNECT 127.0.0.1:{place.port}"}
    assert Farm.find(Connection(proxy=address)).bucket
    assert asked[-1].startswith(f"POST {aws.endpoint_url}")


def test_the_proxy_of_the_environment_is_taken(
    tls: str, authority: tuple[Path, Path], companys_proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTPS_PROXY leads through it, NO_PROXY around it."""
    address, asked = companys_proxy
    for name in ("no_proxy", "NO_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", address)
    assert Farm.find(Connection(endpoint_url=tls, ca_bundle=str(authority[0]))).bucket
    assert len(asked) == 1
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert Farm.find(Connection(endpoint_url=tls, ca_bundle=str(authority[0]))).bucket
    assert len(asked) == 1


def test_a_dead_proxy_is_named(aws: LocalCloud) -> None:
    """Not taken for a fault of AWS."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    with pytest.raises(CloudUnreachable, match=r"proxy.*--proxy"):
        Farm.find(Connection(proxy=f"http://127.0.0.1:{port}", attempts=1))


@pytest.mark.parametrize("text", ["proxy.example:3128", "socks5://here:1", "http://", "nonsense"])
def test_a_proxy_that_is_no_address_is_refused(text: str) -> None:
    """Before anything is asked."""
    with pytest.raises(BadArguments, match=r"http://proxy\.example:3128"):
        _ = Connection(proxy=text).session


@pytest.mark.parametrize("region", ["eu central 1", "eu_central_1", "-"])
def test_a_region_that_can_be_none_is_refused(region: str) -> None:
    """A typing error is told as one, not as a fault of the program."""
    with pytest.raises(CloudUnreachable, match="is no AWS region"):
        Connection(region=region).client("s3")


def test_the_region_of_the_environment_counts(aws: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_REGION, which boto3 itself does not read."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    assert Connection().session.region_name == "eu-north-1"
    assert Connection(region="eu-south-2").session.region_name == "eu-south-2"
