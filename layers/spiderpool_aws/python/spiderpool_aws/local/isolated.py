"""AWS sessions that know nothing of their user: no variable, profile or file decides where a local call goes."""

import os
from functools import cache

import boto3
import botocore.session
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.loaders import Loader, create_loader

# A profile that does not exist fails every session, and an endpoint of the user's would be sent the local calls.
_OWN = {
    "config_file": os.devnull,
    "credentials_file": os.devnull,
    "ignore_configured_endpoint_urls": True,
    "use_fips_endpoint": False,
    "use_dualstack_endpoint": False,
}


@cache
def _loader() -> Loader:
    """Return one loader for all sessions: it keeps EC2's service model, which takes longer to read than a test runs."""
    loader: Loader = create_loader()
    return loader


def isolated_botocore_session() -> botocore.session.Session:
    """Return a botocore session of which every setting has botocore's own default, or one that leads nowhere."""
    session = botocore.session.Session()
    for name, (_in_file, _variable, default, _convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items():
        session.session_var_map[name] = (None, None, _OWN.get(name, default), None)
    session.register_component("data_loader", _loader())
    return session


def isolated_session(region: str) -> boto3.Session:
    """Return a boto3 session of nobody's account in a region."""
    return boto3.Session("local", "local", region_name=region, botocore_session=isolated_botocore_session())
