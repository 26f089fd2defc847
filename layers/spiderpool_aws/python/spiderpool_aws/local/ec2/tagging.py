"""Tags: what EC2 takes, and the two calls that change them."""

from collections.abc import Iterable
from typing import Any

from spiderpool_aws.local.ec2.errors import Ec2Error, check_id, missing, not_found, value_error
from spiderpool_aws.local.ec2.registry import Answer, Params, operation
from spiderpool_aws.local.ec2.state import Eni, Instance, Tags
from spiderpool_aws.local.ec2.world import World

_MAX_TAGS = 50
_MAX_KEY, _MAX_VALUE = 128, 256


def checked(tags: Iterable[dict[str, str]]) -> Tags:
    """Return a call's tags, refusing keys that EC2 refuses."""
    result: Tags = {}
    for tag in tags:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        if not key:
            raise Ec2Error("InvalidParameterValue", "Tag key cannot be null or empty")
        if key.lower().startswith("aws:"):
            raise value_error("Tag keys starting with 'aws:' are reserved for internal use")
        if len(key) > _MAX_KEY or len(value) > _MAX_VALUE:
            raise value_error(f"Tag '{key}' exceeds the maximum length of a key or a value")
        if key in result:
            raise value_error(f"Duplicate tag key '{key}' specified.")
        result[key] = value
    _check_count(result)
    return result


def from_specifications(params: Params, resource_type: str, *others: str) -> Tags:
    """Return the tags of `TagSpecifications` for one type; a type that the call cannot create is refused."""
    result: list[dict[str, str]] = []
    for specification in params.get("TagSpecifications", ()):
        given = specification.get("ResourceType")
        if given == resource_type:
            result += specification.get("Tags", ())
        elif given not in others:
            raise value_error(f"'{given}' is not a valid taggable resource type for this operation.")
    return checked(result)


def _check_count(tags: Tags) -> None:
    if sum(not key.startswith("aws:") for key in tags) > _MAX_TAGS:
        raise Ec2Error("TagLimitExceeded", f"More than {_MAX_TAGS} tags specified")


@operation("CreateTags", "Resources Tags")
def create_tags(world: World, params: Params) -> Answer:
    """Set tags on things of any kind; one that does not exist fails the whole call."""
    tags = checked(params.get("Tags", ()))
    if not tags:
        raise missing("tagSet")
    for thing in _resources(world, params):
        _check_count(thing.tags | tags)
    for thing in _resources(world, params):
        thing.tags.update(tags)
        _note(world, thing)
    return {}


@operation("DeleteTags", "Resources Tags")
def delete_tags(world: World, params: Params) -> Answer:
    """Remove tags by key, or by key and value; with no tags given, all that are not AWS's own."""
    for thing in _resources(world, params):
        given = params.get("Tags") or [{"Key": key} for key in thing.tags if not key.startswith("aws:")]
        for tag in given:
            if tag["Key"].lower().startswith("aws:"):
                raise value_error("Tag keys starting with 'aws:' are reserved for internal use")
            if "Value" not in tag or thing.tags.get(tag["Key"]) == tag["Value"]:
                thing.tags.pop(tag["Key"], None)
        _note(world, thing)
    return {}


def _resources(world: World, params: Params) -> list[Any]:
    things: list[Any] = []
    tables: dict[str, dict[str, Any]] = {
        "i": world.instances,
        "eni": world.enis,
        "subnet": world.subnets,
        "vpc": world.vpcs,
        "sg": world.groups,
        "lt": world.templates,
    }
    for identifier in params.get("Resources", ()):
        prefix = identifier.partition("-")[0]
        if prefix not in tables:
            raise Ec2Error("InvalidID", f"The ID '{identifier}' is not valid")
        check_id(prefix, identifier)
        if identifier not in tables[prefix]:
            raise not_found(prefix, [identifier])
        things.append(tables[prefix][identifier])
    if not things:
        raise missing("resourceIdSet")
    return things


def _note(world: World, thing: Any) -> None:
    if isinstance(thing, Eni | Instance):
        world.changed(thing)
