"""The functions' environment: each variable of a function's settings models, and no other."""

from collections.abc import Iterator, Mapping

from spiderpool_aws.deployment import RECONCILE_NODES, RESYNC, ROUTE_EVENT, Function
from spiderpool_aws.settings import (
    PREFIX,
    FunctionSettings,
    IamAuthenticatorSettings,
    KubeconfigSettings,
    LoginSettings,
    ReconcileSettings,
    ResyncSettings,
    RouteSettings,
    WebIdentitySettings,
)
from stacks.context.deployment import Context

LOGINS: dict[str, type[FunctionSettings]] = {
    "kubeconfig": KubeconfigSettings,
    "web-identity": WebIdentitySettings,
    "iam-authenticator": IamAuthenticatorSettings,
}
OWN: dict[Function, type[FunctionSettings]] = {
    ROUTE_EVENT: RouteSettings,
    RECONCILE_NODES: ReconcileSettings,
    RESYNC: ResyncSettings,
}


def models(function: Function, login: str) -> Iterator[type[FunctionSettings]]:
    """Yield the models that a function loads; those of the login where it talks to the cluster."""
    yield OWN[function]
    if function.in_vpc:
        yield LoginSettings
        yield LOGINS[login]


def environment(function: Function, login: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return a function's variables, of values by the names of the models' fields."""
    fields = [name for model in models(function, login) for name in model.model_fields]
    return {f"{PREFIX}{name.upper()}": values[name] for name in fields}


def login_values(context: Context, secret: str) -> dict[str, str]:
    """Return what the chosen login needs, which the context's rules have checked."""
    known = {"kubeconfig_secret": secret} | {
        name: str(value) for name, value in context.model_dump().items() if name.startswith("cluster_")
    }
    needed = LOGINS[context.cluster_login].model_fields
    return {"cluster_login": context.cluster_login} | {name: known[name] for name in needed}
