"""The public internet, on this machine: https names lead to stand-ins, with real certificates.

The functions are given nothing but an environment: names resolve to a public address, and what
connects there on port 443 arrives at the stand-ins. The product's own look-ups, its judgement of
addresses, and its TLS are all in use.
"""

import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler, make_server

from local import browser_names

type Site = Callable[[Request], Response]

_LEADER = '''"""Lead what goes out to the public internet to this machine; see tests/presets."""

import socket

_ADDRESS, _PORT = "8.8.8.8", {port}
_getaddrinfo, _connect = socket.getaddrinfo, socket.socket.connect


def getaddrinfo(host, port, *args, **kwargs):
    name = host.decode() if isinstance(host, bytes) else host or "localhost"
    if name == "localhost" or name.endswith(".localhost") or name.replace(".", "").isdigit():
        return _getaddrinfo(host, port, *args, **kwargs)
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (_ADDRESS, port or 0))]


def connect(self, address):
    return _connect(self, ("127.0.0.1", _PORT) if address == (_ADDRESS, 443) else address)


socket.getaddrinfo, socket.socket.connect = getaddrinfo, connect
'''


@dataclass(frozen=True, slots=True)
class Internet:
    """What runs, and how to get there."""

    port: int
    authority: Path
    """The certificate authority's certificate, as PEM."""
    folder: Path
    """Holds what leads a Python process here."""

    def environment(self, path: str) -> dict[str, str]:
        """Return the variables of a process that finds the stand-ins; ``path``: its own path."""
        return {"PYTHONPATH": f"{self.folder}:{path}", "SSL_CERT_FILE": str(self.authority)}

    def browser(self) -> httpx.Client:
        """Return a browser that finds them, and the local stack besides."""
        trusting = ssl.create_default_context(cafile=self.authority)
        return browser_names.browser(mounts={"https://": _Leading(self.port, trusting)})


class _Leading(httpx.HTTPTransport):
    """Connects every name to the stand-ins; certificate and Host header are the name's."""

    def __init__(self, port: int, trusting: ssl.SSLContext) -> None:
        super().__init__(verify=trusting)
        self._port = port

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        led = httpx.Request(
            request.method,
            request.url.copy_with(host="127.0.0.1", port=self._port),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )
        return super().handle_request(led)


@contextmanager
def internet(site: Site, hosts: Iterable[str], folder: Path) -> Iterator[Internet]:
    """Serve these host names until the end of the block."""
    server = make_server(
        "127.0.0.1",
        0,
        Request.application(site),
        threaded=True,
        request_handler=_Quiet,
        ssl_context=_certified(hosts, folder),
    )
    serving = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    serving.start()
    try:
        leader = folder / "sitecustomize.py"
        leader.write_text(_LEADER.format(port=server.port), encoding="utf-8")
        yield Internet(server.port, folder / "authority.pem", folder)
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's
        """Say nothing."""


def _certified(hosts: Iterable[str], folder: Path) -> ssl.SSLContext:
    """Make an authority and one certificate of it for all hosts; return a server's context."""
    signer, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _named("the stand-ins' certificate authority")
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    authority = (
        _dated(issuer, issuer, signer)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(signer, hashes.SHA256())
    )
    certificate = (
        _dated(_named("stand-ins"), issuer, key)
        .add_extension(x509.SubjectAlternativeName(map(x509.DNSName, sorted(hosts))), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
        )
        .sign(signer, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "authority.pem").write_bytes(authority.public_bytes(pem))
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(private + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _dated(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )
