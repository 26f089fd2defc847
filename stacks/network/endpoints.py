"""The VPC endpoints of the AWS services that the functions and the nodes call: what goes there needs no NAT gateway."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

SERVICES = {
    "Ec2": ec2.InterfaceVpcEndpointAwsService.EC2,
    "Sqs": ec2.InterfaceVpcEndpointAwsService.SQS,
    "Ssm": ec2.InterfaceVpcEndpointAwsService.SSM,
    "Sts": ec2.InterfaceVpcEndpointAwsService.STS,
    "SecretsManager": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    "AutoScaling": ec2.InterfaceVpcEndpointAwsService.AUTOSCALING,
    "Logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
}


class InterfaceEndpoints(Construct):
    """One interface endpoint a service, each with a NIC in every subnet, behind one security group.

    With private DNS the services' usual names lead to the endpoints, for the whole VPC; so whoever in the VPC calls
    AWS must be let in, and not our functions alone: `client` is the VPC's CIDR, or everybody where it is not known.
    """

    security_group: ec2.SecurityGroup

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        vpc: ec2.IVpc,
        subnets: Sequence[ec2.ISubnet],
        client: ec2.IPeer,
        services: Mapping[str, ec2.InterfaceVpcEndpointAwsService] = SERVICES,
    ) -> None:
        super().__init__(scope, name)
        self.security_group = ec2.SecurityGroup(
            self, "Group", vpc=vpc, description="HTTPS to the VPC endpoints", allow_all_outbound=False
        )
        self.security_group.add_ingress_rule(client, ec2.Port.tcp(443), "HTTPS")
        for label, service in services.items():
            ec2.InterfaceVpcEndpoint(
                self,
                label,
                vpc=vpc,
                service=service,
                subnets=ec2.SubnetSelection(subnets=list(subnets)),
                security_groups=[self.security_group],
                open=False,
            )
