"""Launch templates: create, new versions, describe, and what a launch takes from one."""

from typing import Any

from spiderpool_aws.local.ec2.errors import Ec2Error, check_id, missing, not_found
from spiderpool_aws.local.ec2.nic_requests import required
from spiderpool_aws.local.ec2.registry import Answer, Params, operation
from spiderpool_aws.local.ec2.rendering import copy, tag_list
from spiderpool_aws.local.ec2.state import LaunchTemplate
from spiderpool_aws.local.ec2.tagging import from_specifications
from spiderpool_aws.local.ec2.world import World


@operation(
    "CreateLaunchTemplate", "LaunchTemplateName LaunchTemplateData VersionDescription TagSpecifications ClientToken"
)
def create_launch_template(world: World, params: Params) -> Answer:
    """Keep launch parameters under a name; they are checked when something is launched from them."""
    name = required(params, "LaunchTemplateName")
    if any(template.name == name for template in world.templates.values()):
        raise Ec2Error("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
    template = LaunchTemplate(
        id=world.ids.new("lt"),
        name=name,
        create_time=world.now(),
        versions=[copy(required(params, "LaunchTemplateData"))],
        tags=from_specifications(params, "launch-template"),
    )
    world.templates[template.id] = template
    return {"LaunchTemplate": template_document(template)}


@operation(
    "CreateLaunchTemplateVersion",
    "LaunchTemplateId LaunchTemplateName LaunchTemplateData SourceVersion VersionDescription ClientToken",
)
def create_launch_template_version(world: World, params: Params) -> Answer:
    """Add a version; with a source version, what is given replaces the source's parameters one by one."""
    template = find(world, params)
    data = copy(required(params, "LaunchTemplateData"))
    if params.get("SourceVersion"):
        data = version_data(template, params["SourceVersion"]) | data
    template.versions.append(data)
    return {"LaunchTemplateVersion": _version_document(template, len(template.versions))}


@operation("DescribeLaunchTemplateVersions", "LaunchTemplateId LaunchTemplateName Versions", mutating=False)
def describe_launch_template_versions(world: World, params: Params) -> Answer:
    """List the versions asked for, or all of them."""
    template = find(world, params)
    wanted = params.get("Versions") or [str(number + 1) for number in range(len(template.versions))]
    numbers = [_version_number(template, version) for version in wanted]
    return {"LaunchTemplateVersions": [_version_document(template, number) for number in numbers]}


def template_document(template: LaunchTemplate) -> Answer:
    """Return a template as DescribeLaunchTemplates has it."""
    document: Answer = {
        "CreateTime": template.create_time,
        "DefaultVersionNumber": template.default_version,
        "LatestVersionNumber": len(template.versions),
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
    }
    if template.tags:
        document["Tags"] = tag_list(template.tags)
    return document


def find(world: World, specification: Params) -> LaunchTemplate:
    """Return the template of an id or a name, of which exactly one is to be given."""
    identifier, name = specification.get("LaunchTemplateId"), specification.get("LaunchTemplateName")
    if identifier and name:
        raise Ec2Error(
            "InvalidParameterCombination", "Exactly one of LaunchTemplateId or LaunchTemplateName must be specified"
        )
    if identifier:
        check_id("lt", identifier)
        if identifier not in world.templates:
            raise not_found("lt", [identifier])
        return world.templates[identifier]
    if not name:
        raise missing("launchTemplateId or launchTemplateName")
    for template in world.templates.values():
        if template.name == name:
            return template
    raise Ec2Error(
        "InvalidLaunchTemplateName.NotFoundException", "At least one of the launch templates specified does not exist."
    )


def version_data(template: LaunchTemplate, version: str) -> dict[str, Any]:
    """Return a copy of the launch parameters of `$Default`, `$Latest` or a number."""
    data: dict[str, Any] = copy(template.versions[_version_number(template, version) - 1])
    return data


def _version_number(template: LaunchTemplate, version: str) -> int:
    if version == "$Latest":
        return len(template.versions)
    number = template.default_version if version == "$Default" else int(version) if version.isdigit() else 0
    if not 1 <= number <= len(template.versions):
        raise Ec2Error(
            "InvalidLaunchTemplateId.VersionNotFound",
            f"Could not find the specified version {version} for the launch template with ID {template.id}.",
        )
    return number


def _version_document(template: LaunchTemplate, number: int) -> Answer:
    return {
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "VersionNumber": number,
        "DefaultVersion": number == template.default_version,
        "LaunchTemplateData": copy(template.versions[number - 1]),
    }
