"""SpiderIPPool: as the cluster's API has it (pydantic), and as the planner sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from spiderpool_aws.domain.addresses import AddressSet, IPFamily
from spiderpool_aws.domain.cluster.field_managers import FieldOwner, FieldsOfManager, owners_of, taken_fields
from spiderpool_aws.domain.cluster.listings import read_allocations, read_ranges
from spiderpool_aws.domain.instance import is_instance_id
from spiderpool_aws.domain.memory import NO_MEMORY, PoolMemory

API_VERSION = "spiderpool.spidernet.io/v2beta1"
FIELD_MANAGER = "spiderpool-aws"
CLUSTER_LABEL = "spiderpool-aws/cluster"
INSTANCE_LABEL = "spiderpool-aws/instance"
ENI_LABEL = "spiderpool-aws/eni"
ATTACHMENT_LABEL = "spiderpool-aws/attachment"
FAMILY_LABEL = "spiderpool-aws/family"
STATE_ANNOTATION = "spiderpool-aws/state"
OWNED = frozenset({"ips", "gateway", "nodeName", "multusName", "default"})
"""The fields of a pool's spec that we keep as they should be, beside those that never change."""


@dataclass(frozen=True, slots=True)
class PoolIdentity:
    """Whose a pool is, kept in its labels: AWS reuses addresses, so a name proves nothing."""

    cluster: str
    instance_id: str
    eni_id: str
    attachment_id: str
    family: IPFamily

    def to_labels(self) -> dict[str, str]:
        """Return the five labels."""
        return {
            CLUSTER_LABEL: self.cluster,
            INSTANCE_LABEL: self.instance_id,
            ENI_LABEL: self.eni_id,
            ATTACHMENT_LABEL: self.attachment_id,
            FAMILY_LABEL: str(int(self.family)),
        }

    @classmethod
    def from_labels(cls, labels: Mapping[str, str]) -> "PoolIdentity | None":
        """Return the identity; None when one label is missing or says nothing we wrote: then the pool is not ours."""
        try:
            family = IPFamily(int(labels[FAMILY_LABEL]))
            rest = (labels[key] for key in (CLUSTER_LABEL, INSTANCE_LABEL, ENI_LABEL, ATTACHMENT_LABEL))
            cluster, instance_id, eni_id, attachment_id = rest
        except (KeyError, ValueError):
            return None
        return cls(cluster, instance_id, eni_id, attachment_id, family) if is_instance_id(instance_id) else None


@dataclass(frozen=True, slots=True)
class PoolSpec:
    """The fields of a pool's spec that we own. `disable` is ours only while it is true."""

    subnet: str
    ips: AddressSet
    gateway: str | None
    node_name: tuple[str, ...]
    multus_name: tuple[str, ...]
    default: bool
    disable: bool = False


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool, observed or planned."""

    name: str
    identity: PoolIdentity | None
    """None: a pool of somebody else, never written unless a person has it adopted."""
    spec: PoolSpec
    allocated: AddressSet
    """The addresses that pods use (`status.allocatedIPs`)."""
    excluded: AddressSet
    """`excludeIPs`, which is the users' field."""
    memory: PoolMemory = NO_MEMORY
    uid: str = ""
    """Empty until the pool exists."""
    terminating: bool = False
    terminating_since: datetime | None = None
    users: Mapping[str, str] = field(default_factory=dict)
    """Address -> `namespace/pod`, of the addresses in use."""
    resource_version: str = field(default="", compare=False)
    """Of the reading; only a note (`ClusterPort.note_pool`) insists on it."""
    taken: frozenset[str] = frozenset()
    """Fields of the spec, as the API has them, that we set and somebody else changed or took out since."""
    owners: tuple[FieldOwner, ...] = field(default=(), compare=False)
    """Of a pool of somebody else: who has set the fields that would be ours if it were adopted."""
    problems: tuple[str, ...] = ()
    """What of it could not be read; the rest counts."""

    @property
    def family(self) -> IPFamily:
        """The pool's IP family."""
        return self.spec.ips.family

    @property
    def offered(self) -> AddressSet:
        """What pods can get: `ips` less `excludeIPs`, and for Spiderpool's overlap check nothing else is the pool's.

        Recorded answers: an address that a pool excludes may be listed by another one.
        """
        return self.spec.ips - self.excluded

    @property
    def serves(self) -> bool:
        """Tell whether pods may get addresses of it."""
        return not self.terminating and not self.spec.disable

    def as_of(self, now: datetime) -> "Pool":
        """Return the pool without what its memory has of the future; itself, where that is nothing."""
        memory = self.memory.as_of(now)
        return self if memory is self.memory else replace(self, memory=memory)


class Wire(BaseModel):
    """An object of the cluster's API: `camelCase` there, and what we do not read is passed over."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class PoolMetadata(Wire):
    """What we read of `metadata`."""

    name: str
    uid: str = ""
    resource_version: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    deletion_timestamp: AwareDatetime | None = None
    managed_fields: tuple[FieldsOfManager, ...] = ()


class IPPoolSpec(Wire):
    """What we read of `spec`."""

    subnet: str
    ip_version: int | None = None
    ips: tuple[str, ...] = ()
    exclude_ips: tuple[str, ...] = Field(default=(), alias="excludeIPs")
    gateway: str | None = None
    node_name: tuple[str, ...] = ()
    multus_name: tuple[str, ...] = ()
    default: bool = False
    disable: bool = False


class IPPoolStatus(Wire):
    """What we read of `status`; `allocatedIPs` is a JSON string."""

    allocated_ips: str | None = Field(default=None, alias="allocatedIPs")


class SpiderIPPool(Wire):
    """A SpiderIPPool as the API server answers it; fields that we do not read are passed over."""

    metadata: PoolMetadata
    spec: IPPoolSpec
    status: IPPoolStatus = IPPoolStatus()

    def to_pool(self) -> Pool:
        """Return the planner's view. Raises ValueError on an `ipVersion` that is none."""
        spec = self.spec
        family = IPFamily(spec.ip_version or (6 if ":" in spec.subnet else 4))
        identity = PoolIdentity.from_labels(self.metadata.labels)
        if identity is not None and identity.family is not family:
            # We never wrote that, so it is not ours.
            identity = None
        ips, problems = read_ranges(family, spec.ips, "spec.ips")
        excluded, more = read_ranges(family, spec.exclude_ips, "spec.excludeIPs")
        allocations = read_allocations(self.status.allocated_ips, ips)
        return Pool(
            name=self.metadata.name,
            uid=self.metadata.uid,
            resource_version=self.metadata.resource_version,
            identity=identity,
            spec=PoolSpec(
                subnet=spec.subnet,
                ips=ips,
                gateway=spec.gateway,
                node_name=spec.node_name,
                multus_name=spec.multus_name,
                default=spec.default,
                disable=spec.disable,
            ),
            memory=PoolMemory.parse(self.metadata.annotations.get(STATE_ANNOTATION, ""), family),
            terminating=self.metadata.deletion_timestamp is not None,
            terminating_since=self.metadata.deletion_timestamp,
            allocated=allocations.addresses,
            excluded=excluded,
            users=allocations.users,
            problems=(*problems, *more, allocations.problem) if allocations.problem else (*problems, *more),
            taken=taken_fields(self.metadata.managed_fields, FIELD_MANAGER, OWNED) if identity else frozenset(),
            owners=() if identity else owners_of(self.metadata.managed_fields, FIELD_MANAGER, OWNED),
        )


def pool_manifest(pool: Pool) -> dict[str, Any]:
    """Return what server-side apply sends: identity, memory and the fields that we own, nothing else.

    With a `uid` the API server refuses the apply (409 or 422) when the pool of that name is another one, or gone.
    """
    if pool.identity is None:
        raise ValueError(f"pool {pool.name} is not ours and is never written")
    metadata: dict[str, Any] = {"name": pool.name, "labels": pool.identity.to_labels()}
    if pool.uid:
        metadata["uid"] = pool.uid
    if pool.memory:
        metadata["annotations"] = {STATE_ANNOTATION: pool.memory.to_text()}
    spec: dict[str, Any] = {
        "ipVersion": int(pool.family),
        "subnet": pool.spec.subnet,
        "ips": pool.spec.ips.to_ranges(),
        "nodeName": list(pool.spec.node_name),
        "multusName": list(pool.spec.multus_name),
        "default": pool.spec.default,
    }
    if pool.spec.gateway is not None:
        spec["gateway"] = pool.spec.gateway
    if pool.memory.disabled:
        spec["disable"] = True
    return {"apiVersion": API_VERSION, "kind": "SpiderIPPool", "metadata": metadata, "spec": spec}
