"""Certificates made on the spot: an authority, and leaves signed by it."""

import datetime
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _alternative(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Authority:
    def __init__(self, folder, name="Test authority"):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        self.certificate = self._sign(
            self.name, self.key.public_key(), [(x509.BasicConstraints(ca=True, path_length=0), True)]
        )
        self.file = folder / f"{name.replace(' ', '-')}.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(self, subject, public_key, extensions, days=60, begin=-1):
        now = datetime.datetime.now(datetime.timezone.utc)
        until = now + datetime.timedelta(days=days)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, until) + datetime.timedelta(days=begin))
            .not_valid_after(until)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256())

    def leaf(self, *names, days=60, begin=-1, file="service", rsa_key=False):
        """Writes a certificate for `names` and its key; returns both paths and the serial number. It ends in `days`
        and begins `begin` days from now. `rsa_key`: one of RSA, with
        which a handshake costs the service more."""
        key = rsa.generate_private_key(65537, 2048) if rsa_key else ec.generate_private_key(ec.SECP256R1())
        names = names or ("localhost", "127.0.0.1")
        extensions = [
            (x509.SubjectAlternativeName([_alternative(name) for name in names]), False),
            (x509.BasicConstraints(ca=False, path_length=None), True),
        ]
        certificate = self._sign(_name(names[0]), key.public_key(), extensions, days, begin)
        cert_file, key_file = self.folder / f"{file}.crt", self.folder / f"{file}.key"
        cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(_pem(key))
        return cert_file, key_file, certificate.serial_number

    def context(self):
        """A client's TLS context that trusts this authority alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.file)
        return context


def serial_of(socket):
    return x509.load_der_x509_certificate(socket.getpeercert(binary_form=True)).serial_number
