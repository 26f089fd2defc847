"""Kubeconfigs as a secret holds them."""

import base64

import yaml


def kubeconfig(url: str, ca_pem: str, token: str) -> str:
    """Return the kubeconfig of a user with a token."""
    authority = base64.b64encode(ca_pem.encode()).decode()
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {"server": url, "certificate-authority-data": authority}}],
        "users": [{"name": "test", "user": {"token": token}}],
    }
    return yaml.safe_dump(document)
