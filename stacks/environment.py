"""The functions' environment: each variable of a function's settings models, and no other."""

from collections.abc import Iterator, Mapping

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

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
from stacks.context import Context, ContextError

MOST_OF_CA = 3072
"""All variables of a function have 4 KB together. Source: AWS Lambda developer guide, "Lambda quotas"."""

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
    """Return what the chosen login needs. Raises ContextError: a line for each key that lacks something."""
    model = LOGINS[context.cluster_login]
    known = {"kubeconfig_secret": secret} | {
        name: str(value) for name, value in context.model_dump().items() if name.startswith("cluster_")
    }
    values = {name: known[name] for name in model.model_fields}
    try:
        model.model_validate(values)
    except ValidationError as error:
        raise ContextError("\n".join(_lines(error, model, context.cluster_login))) from None
    if len(values.get("cluster_ca", "")) > MOST_OF_CA:
        raise ContextError(f"context clusterCa: it is longer than {MOST_OF_CA} characters: give one authority only")
    return {"cluster_login": context.cluster_login} | values


def _lines(error: ValidationError, model: type[FunctionSettings], login: str) -> Iterator[str]:
    for problem in error.errors():
        name = str(problem["loc"][0])
        what = model.model_fields[name].description
        message = problem["msg"].removeprefix("Value error, ")
        yield f"context {to_camel(name)}: the login {login} needs the {what} ({message})"
