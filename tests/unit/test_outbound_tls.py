"""TLS of the door out: the name is proven, and nothing leaves before it is."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from broker.clock import Clock
from broker.outbound import GuardedTransport, Obstacle, Outbound, Unreached
from broker.outbound.urls import parse_origins
from tests.unit.test_outbound_loopback import OK, SOON, Place, StillClock, answering, serving

HOST = Place(0).host


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority of the test's own."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls, folder: Path) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        builder = (
            _certificate(name, name, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
        )
        return cls(folder, key, builder.sign(key, hashes.SHA256()))

    def issue(self, host: str, *, expired: bool = False) -> ssl.SSLContext:
        """Return a server's context with a certificate for that host."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        certificate = (
            _certificate(subject, self.certificate.subject, key, expired=expired)
            .add_extension(x509.SubjectAlternativeName([_alternative(host)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(authority_key, critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        pem = self.folder / "server.pem"
        pem.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        return context

    def trusting(self) -> ssl.SSLContext:
        """Return the door's own kind of context, with this authority among the roots."""
        context = ssl.create_default_context()
        context.load_verify_locations(
            cadata=self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        )
        return context


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, expired: bool = False
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=-1 if expired else 1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(host: str) -> x509.GeneralName:
    with suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(host))
    return x509.DNSName(host)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.make(tmp_path)


@dataclass(slots=True)
class Secured:
    """A server that speaks TLS, and how many requests came out of it."""

    context: ssl.SSLContext
    requests: int = 0

    def behave(self, sock: socket.socket, _over: threading.Event) -> None:
        with suppress(OSError), self.context.wrap_socket(sock, server_side=True) as channel:
            if channel.recv(65536):
                self.requests += 1
            channel.sendall(OK)


def ask(place: Place, tls: Callable[[], ssl.SSLContext], seconds: float = 30) -> bytes:
    origin = f"https://{HOST}:{place.port}"
    clock = StillClock()
    with GuardedTransport(clock, parse_origins([origin]), tls=tls) as transport:
        door = Outbound(clock, transport, frozenset({origin}))
        return door.send("GET", f"{origin}/", headers={}, deadline=seconds, cap=100).body


def refusal(place: Place, tls: Callable[[], ssl.SSLContext], seconds: float = 30) -> Unreached:
    with pytest.raises(Unreached) as refused:
        ask(place, tls, seconds)
    assert refused.value.obstacle is Obstacle.TLS
    return refused.value


def test_a_server_that_proves_its_name_is_spoken_to(authority: Authority) -> None:
    asked_for: list[str | None] = []
    context = authority.issue(HOST)
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    with serving(Secured(context).behave) as place:
        assert ask(place, authority.trusting) == b"ok"
    assert asked_for == [HOST]


def test_a_server_whose_authority_is_not_trusted_is_not_sent_a_byte(authority: Authority) -> None:
    server = Secured(authority.issue(HOST))
    with serving(server.behave) as place:
        assert "certificate" in refusal(place, ssl.create_default_context).reason
    assert server.requests == 0


@pytest.mark.parametrize("host", ["other.localhost", "localhost", "*.mcp.localhost", "127.0.0.1"])
def test_a_server_that_proves_another_name_is_not_sent_a_byte(
    authority: Authority, host: str
) -> None:
    server = Secured(authority.issue(host))
    with serving(server.behave) as place:
        assert "certificate" in refusal(place, authority.trusting).reason
    assert server.requests == 0


def test_an_expired_certificate_is_refused(authority: Authority) -> None:
    server = Secured(authority.issue(HOST, expired=True))
    with serving(server.behave) as place:
        assert "expired" in refusal(place, authority.trusting).reason
    assert server.requests == 0


def test_old_versions_of_tls_are_refused(authority: Authority) -> None:
    context = authority.issue(HOST)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    server = Secured(context)
    with serving(server.behave) as place:
        refusal(place, authority.trusting)
    assert server.requests == 0


def test_a_server_that_speaks_no_tls_is_not_sent_the_request(authority: Authority) -> None:
    with serving(answering(OK)) as place:
        refusal(place, authority.trusting)
    assert b"HTTP" not in place.received[0]


def test_a_handshake_that_hangs_does_not_outlive_the_deadline(authority: Authority) -> None:
    with serving(answering(hang=True)) as place:
        assert "in time" in refusal(place, authority.trusting, SOON).reason


def test_a_handshake_that_breaks_off_is_refused(authority: Authority) -> None:
    with serving(answering()) as place:
        refusal(place, authority.trusting)


def test_the_context_is_built_once_and_not_before_the_first_request(authority: Authority) -> None:
    built: list[ssl.SSLContext] = []

    def build() -> ssl.SSLContext:
        built.append(authority.trusting())
        return built[-1]

    with serving(Secured(authority.issue(HOST)).behave) as place:
        origin = f"https://{HOST}:{place.port}"
        with GuardedTransport(Clock(), parse_origins([origin]), tls=build) as transport:
            assert not built
            door = Outbound(Clock(), transport, frozenset({origin}))
            for fresh in (True, False, True):
                deadline = Clock().monotonic() + 30
                door.send("GET", origin, headers={}, deadline=deadline, cap=100, fresh=fresh)
    assert len(built) == 1


def test_the_default_context_verifies_name_and_chain() -> None:
    context = ssl.create_default_context()
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
