"""The policy's parameter, seeded once. The fuse's parameter is a name only: the resync writes it."""

from aws_cdk import Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import custom_resources as cr
from constructs import Construct

from stacks import role_names
from stacks.context.deployment import Deployment
from stacks.reconciler.log_groups import log_group


class SeededPolicy(Construct):
    """Puts the policy into its parameter when the stack is made, unless it is there already: then that is in force.

    No resource of CloudFormation's own, which would write the file over the user's policy whenever the file changes,
    and delete it with the stack. Here an update and a delete of the stack call nothing: the parameter stays, so a stack
    that is deployed again goes on with the policy that the cluster had. `aws ssm delete-parameter` removes it.

    A `String` and no `SecureString`: a policy holds no secret, and the rule that watches it needs no key.
    """

    def __init__(self, scope: Construct, name: str, *, deployment: Deployment) -> None:
        super().__init__(scope, name)
        parameter, function_name = deployment.names.policy_parameter, deployment.names.of("seed-policy")
        group = log_group(self, "Log", function_name=function_name, days=deployment.context.log_retention_days)
        role = iam.Role(
            self,
            "Role",
            role_name=role_names.of_seed(deployment.names),
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"Puts the first policy of {deployment.names.cluster} into its parameter",
        )
        group.grant_write(role)
        statement = iam.PolicyStatement(
            actions=["ssm:PutParameter"],
            resources=[Stack.of(self).format_arn(service="ssm", resource="parameter", resource_name=parameter[1:])],
        )
        cr.AwsCustomResource(
            self,
            "Parameter",
            resource_type="Custom::SeededPolicy",
            function_name=function_name,
            role=role,
            log_group=group,
            install_latest_aws_sdk=False,
            policy=cr.AwsCustomResourcePolicy.from_statements([statement]),
            on_create=cr.AwsSdkCall(
                service="SSM",
                action="putParameter",
                parameters={
                    "Name": parameter,
                    "Value": deployment.policy_text,
                    "Type": "String",
                    "Tier": "Advanced",
                    "Description": f"The policy of spiderpool-aws for {deployment.names.cluster}",
                    "Overwrite": False,
                },
                physical_resource_id=cr.PhysicalResourceId.of(parameter),
                ignore_error_codes_matching="^ParameterAlreadyExists$",
                region=Aws.REGION,
            ),
        )
