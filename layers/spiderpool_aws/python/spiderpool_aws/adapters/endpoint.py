"""A client configuration for one API server. TLS is always verified: nothing here or above can switch it off."""

from __future__ import annotations

from kubernetes.client.configuration import Configuration
from urllib3.util import Retry

# One more try to connect. urllib3 would repeat other failures too; what is repeated is decided above it.
# With Retry-After it would take a read's 429 for a retry that is used up, and the answer with the delay would be lost.
RETRIES = Retry(total=1, connect=1, read=0, redirect=0, status=0, other=0, respect_retry_after_header=False)


def blank_configuration() -> Configuration:
    """Return a configuration into which a loader puts a person's own server, authority and login."""
    return Configuration(retries=RETRIES)


def configuration_for(url: str, authority: str, token: str | None = None) -> Configuration:
    """Return the configuration for a server; `authority` is a PEM bundle, and no other authority is trusted.

    `url` has no slash at its end: `trust.checked_url` has taken it off.
    """
    configuration = Configuration(host=url, retries=RETRIES)
    configuration.ca_cert_data = authority
    if token is not None:
        configuration.api_key = {"authorization": f"Bearer {token}"}
    return configuration
