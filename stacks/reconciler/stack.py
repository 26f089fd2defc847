"""ReconcilerStack: the functions, their rules, queues, parameters, alarms and roles."""

import json

from aws_cdk import Stack
from constructs import Construct

from spiderpool_aws.deployment import FUNCTIONS
from stacks.context.deployment import Deployment
from stacks.placement import Placement
from stacks.reconciler.alarms import Alarms
from stacks.reconciler.control_parameters import SeededPolicy
from stacks.reconciler.dashboard import Dashboard
from stacks.reconciler.environment import login_values
from stacks.reconciler.functions import Functions
from stacks.reconciler.login import kubeconfig_secret_arn
from stacks.reconciler.next_steps import add_next_steps
from stacks.reconciler.permissions import Resources, grant
from stacks.reconciler.queries import SavedQueries
from stacks.reconciler.queues import Queues
from stacks.reconciler.reachability import Reachability
from stacks.reconciler.rules import Rules
from stacks.reconciler.trail import Trail


class ReconcilerStack(Stack):
    """The reconciler; without a placement it stands alone, in the VPC and subnets that the context names.

    Events come by the rules, are routed into the queue, and worked on by the functions; what is lost on the way is
    kept. Nothing in the stack touches pools or addresses when it goes: pods keep their network, nodes get no new one.
    """

    def __init__(self, scope: Construct, name: str, *, deployment: Deployment, placement: Placement | None) -> None:
        super().__init__(scope, name, description=f"The reconciler of {deployment.policy.cluster}")
        context, names = deployment.context, deployment.names
        queues = Queues(self, "Queues", names=names)
        reachability = Reachability(self, "Reachability", context=context, names=names, placement=placement)
        secret = kubeconfig_secret_arn(self, deployment)
        values = {
            "queue_url": queues.requests.queue_url,
            "dead_letter_url": queues.dead_requests.queue_url,
            "lost_events_url": queues.lost_events.queue_url,
            "policy_parameter": names.policy_parameter,
            "fuse_parameter": names.fuse_parameter,
            "workers": str(context.workers),
            "ec2_buckets": json.dumps(context.ec2_buckets),
        } | login_values(context, secret)
        functions = Functions(self, "Functions", deployment=deployment, reachability=reachability, values=values)
        functions.take_from(queues)
        resources = self._resources(deployment, queues, reachability, secret)
        for function in FUNCTIONS:
            grant(functions.roles[function], function, resources)
        by_name = {function.name: made for function, made in functions.all.items()}
        Rules(self, "Rules", names=names, functions=by_name, lost_events=queues.lost_events)
        SeededPolicy(self, "Policy", deployment=deployment)
        if context.trail:
            Trail(self, "Trail", names=names)
        alarms = Alarms(self, "Alarms", deployment=deployment, queues=queues, functions=functions.all)
        Dashboard(self, "Dashboard", names=names, queues=queues, functions=functions.all, alarms=alarms.all)
        SavedQueries(self, "SavedQueries", names=names)
        add_next_steps(self, deployment, functions.roles, secret)

    def _resources(self, deployment: Deployment, queues: Queues, reachability: Reachability, secret: str) -> Resources:
        return Resources(
            queue=queues.requests,
            dead_requests=queues.dead_requests,
            lost_events=queues.lost_events,
            policy_parameter=deployment.names.policy_parameter,
            fuse_parameter=deployment.names.fuse_parameter,
            secret_arn=secret,
            cluster=deployment.names.cluster,
            vpc_id=reachability.vpc.vpc_id,
            alone=deployment.context.alone,
            login=deployment.context.cluster_login,
            audience=deployment.context.cluster_audience,
        )
