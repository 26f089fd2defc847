"""Parses pools, each version of one once: every batch lists all pools of the cluster, and few have changed since."""

from collections.abc import Sequence
from typing import Any

from spiderpool_aws.domain.cluster.pool import Pool, SpiderIPPool


class PoolReader:
    """Remembers the pools of the last listing, by uid and resourceVersion (Kubernetes API concepts: any change of an
    object changes its resourceVersion; a uid is never used again).
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Pool] = {}

    def parse(self, item: dict[str, Any]) -> Pool:
        """Return a pool as it is stored; what cannot be read raises what `to_pool` raises."""
        metadata = item.get("metadata") or {}
        known = self._known.get((metadata.get("uid", ""), metadata.get("resourceVersion", "")))
        return known if known is not None else SpiderIPPool.model_validate(item).to_pool()

    def keep(self, pools: Sequence[Pool]) -> Sequence[Pool]:
        """Remember a listing in place of the last one, and return it."""
        self._known = {(pool.uid, pool.resource_version): pool for pool in pools if pool.uid and pool.resource_version}
        return pools
