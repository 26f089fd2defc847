"""Whom we talk to and whom we trust, as configuration brings it. There is no way to trust anybody."""

import base64
import binascii
import re
import ssl
from urllib.parse import urlsplit

_BEGIN = "-----BEGIN CERTIFICATE-----"
_CERTIFICATE = re.compile(f"{_BEGIN}.*?-----END CERTIFICATE-----", re.DOTALL)
_BEYOND_A_PATH = frozenset("?#@\\")


def checked_url(text: str) -> str:
    """Return an https URL without the slash at its end. Raises ValueError when it is more than host, port and path."""
    if not checked_word(text) or _BEYOND_A_PATH & set(text):
        raise ValueError("it has more than a scheme, a host, a port and a path")
    try:
        parts = urlsplit(text)
        is_https = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise ValueError(f"it is no URL ({error})") from None
    if not is_https:
        raise ValueError(
            "it is not https://<host>[:<port>]: without TLS anybody on the way could read and change it all"
        )
    return text.rstrip("/")


def checked_word(text: str) -> str:
    """Return a text that can stand in an HTTP header. Raises ValueError, which does not show it: it may be a secret."""
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("it is empty, or has white space or other characters than printable ASCII")
    return text


def authority_from(text: str) -> str:
    """Return the PEM bundle that `text` is, or of which it is the base64. Raises ValueError saying what it is not."""
    pem = text if _BEGIN in text else _decoded(text)
    if _BEGIN not in pem:
        raise ValueError("it is neither a PEM certificate nor the base64 of one")
    return checked_authority(pem)


def checked_authority(pem: str) -> str:
    """Return the bundle's certificates, and nothing else. Raises ValueError when TLS can do nothing with one."""
    if not pem.isascii():
        # Python's TLS takes it as ASCII only, the comments of a bundle too.
        raise ValueError("it is no certificate (it has characters that are not ASCII)")
    if "PRIVATE KEY-----" in pem:
        raise ValueError("it has a private key: give the certificates alone")
    certificates = _CERTIFICATE.findall(pem)
    if not certificates or len(certificates) != pem.count(_BEGIN):
        raise ValueError("it is no certificate, or one of the bundle is cut off")
    for certificate in certificates:
        # One by one: of a bundle OpenSSL takes what comes before the first that it cannot read.
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificate)
        except (ssl.SSLError, ValueError):
            # OpenSSL's own words name the place in its source.
            raise ValueError("it is no certificate, or a damaged one: what stands between its marks is none") from None
    return "\n".join(certificates) + "\n"


def _decoded(text: str) -> str:
    """Return what `text` is the base64 of; nothing when it is none."""
    try:
        # Line breaks are what `base64` without -w0 leaves in it.
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
