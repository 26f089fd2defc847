"""Whom we trust: a cluster's certificate authority, as configuration brings it. There is no way to trust anybody."""

import base64
import binascii
import ssl

_BEGIN = "-----BEGIN CERTIFICATE-----"


def authority_from(text: str) -> str:
    """Return the PEM bundle that `text` is, or of which it is the base64. Raises ValueError saying what it is not."""
    pem = text if _BEGIN in text else _decoded(text)
    if _BEGIN not in pem:
        raise ValueError("it is neither a PEM certificate nor the base64 of one")
    return checked_authority(pem)


def checked_authority(pem: str) -> str:
    """Return the bundle as it is given. Raises ValueError when TLS can do nothing with it."""
    if not pem.isascii():
        # Python's TLS takes it as ASCII only, the comments of a bundle too.
        raise ValueError("it is no certificate (it has characters that are not ASCII)")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise ValueError(f"it is no certificate ({error})") from None
    return pem


def _decoded(text: str) -> str:
    """Return what `text` is the base64 of; nothing when it is none."""
    try:
        # Line breaks are what `base64` without -w0 leaves in it.
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
