"""A throw-away TLS certificate, so that client libraries that insist on https find it on loopback."""

import ssl
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_LIFE = timedelta(days=30)


def throwaway(hosts: Sequence[str]) -> tuple[ssl.SSLContext, str]:
    """A server context for `hosts`, and the PEM certificate that a client must trust to believe it.

    The private key is new and reaches the disk only in a file that is gone when the call returns.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    pem = _self_signed(key, hosts).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:  # mode 0600; ssl loads keys from files only
        file.write(pem + private)
        file.flush()
        context.load_cert_chain(file.name)
    return context, pem.decode()


def _self_signed(key: ec.EllipticCurvePrivateKey, hosts: Sequence[str]) -> x509.Certificate:
    now = datetime.now(UTC)  # the wall clock, for that is what OpenSSL compares with
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "chaperone sandbox")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    return (
        builder.not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
