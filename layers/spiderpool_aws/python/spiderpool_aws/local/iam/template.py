"""The roles of a CloudFormation template: which statements each function has, with every intrinsic resolved."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from spiderpool_aws.local.iam.errors import UnknownToIamError
from spiderpool_aws.local.iam.policies import Statement, parse_policy_document

_FIELD = re.compile(r"\$\{([^}!]+)\}")


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a template's references stand for once it is deployed; what is not given here is an error."""

    region: str = "eu-west-1"
    account: str = "123456789012"
    partition: str = "aws"
    references: Mapping[str, str] = field(default_factory=dict)
    """`Ref` of a logical id or of a parameter."""
    attributes: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """`Fn::GetAtt`: logical id and attribute."""
    imports: Mapping[str, str] = field(default_factory=dict)
    """`Fn::ImportValue`: the export's name."""

    def resolve(self, value: Any) -> Any:
        """Return the value with its intrinsics replaced. Raises UnknownToIamError for one that is not modelled."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        name = next((key for key in value if key == "Ref" or key.startswith("Fn::")), None)
        if name is None:
            return {key: self.resolve(item) for key, item in value.items()}
        match name if len(value) == 1 else "":
            case "Ref":
                return self._ref(value[name])
            case "Fn::GetAtt":
                return self._get_att(value[name])
            case "Fn::Join":
                return self._join(value[name])
            case "Fn::Sub":
                return self._sub(value[name])
            case "Fn::ImportValue":
                return _found(self.imports, self.resolve(value[name]), "Fn::ImportValue")
            case _:
                raise UnknownToIamError(f"the intrinsic function in {dict(value)!r} is not modelled")

    def _ref(self, name: str) -> str:
        pseudo = {"AWS::Region": self.region, "AWS::AccountId": self.account, "AWS::Partition": self.partition}
        return _found(pseudo | {**self.references}, name, "Ref")

    def _get_att(self, given: Any) -> str:
        logical_id, attribute = given.split(".", 1) if isinstance(given, str) else given
        return _found(self.attributes, (logical_id, attribute), "Fn::GetAtt")

    def _join(self, given: Any) -> str:
        separator, items = given
        texts = self.resolve(items)
        if any(not isinstance(text, str) for text in texts):
            raise UnknownToIamError(f"Fn::Join of something else than text: {texts!r}")
        return str(separator).join(texts)

    def _sub(self, given: Any) -> str:
        text, variables = (given, {}) if isinstance(given, str) else given

        def replaced(found: re.Match[str]) -> str:
            name = found[1]
            if name in variables:
                return str(self.resolve(variables[name]))
            return self._get_att(name) if "." in name else self._ref(name)

        return _FIELD.sub(replaced, text).replace("${!", "${")


def _found(known: Mapping[Any, str], name: Any, intrinsic: str) -> str:
    if name not in known:
        raise UnknownToIamError(f"what {intrinsic} of {name!r} is was not given")
    return known[name]


def roles_of(
    template: Mapping[str, Any], deployed: Deployed, wanted: Collection[str] | None = None
) -> dict[str, tuple[Statement, ...]]:
    """Return the statements of the wanted roles, or of every role, by logical id.

    Raises UnknownToIamError for managed policies and permissions boundaries, whose text a template does not have.
    """
    resources = template["Resources"]
    roles = [name for name, one in resources.items() if one["Type"] == "AWS::IAM::Role"]
    return {role: tuple(_statements_of(role, resources, deployed)) for role in (roles if wanted is None else wanted)}


def _statements_of(role: str, resources: Mapping[str, Any], deployed: Deployed) -> Iterator[Statement]:
    properties = resources[role].get("Properties", {})
    unread = sorted({"ManagedPolicyArns", "PermissionsBoundary"} & set(properties))
    if unread:
        raise UnknownToIamError(f"{', '.join(unread)} of {role}: its text is not in the template")
    documents = [inline["PolicyDocument"] for inline in properties.get("Policies", [])]
    documents += [
        one["Properties"]["PolicyDocument"]
        for one in resources.values()
        if one["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
        and {"Ref": role} in one["Properties"].get("Roles", [])
    ]
    for document in documents:
        yield from parse_policy_document(deployed.resolve(document))
