"""The queries of the operations guide, saved where CloudWatch's console lists them, by cluster."""

from aws_cdk import aws_logs as logs
from constructs import Construct

from spiderpool_aws.deployment import Names
from spiderpool_aws.queries import QUERIES, Query


class SavedQueries(Construct):
    """One query definition for each question; a `/` in its name makes a folder (CloudFormation, QueryDefinition)."""

    def __init__(self, scope: Construct, name: str, *, names: Names) -> None:
        super().__init__(scope, name)
        for query in QUERIES:
            self._save(query, names)

    def _save(self, query: Query, names: Names) -> None:
        groups = [f"/aws/lambda/{names.of(function.name)}" for function in query.functions]
        logs.CfnQueryDefinition(
            self,
            query.name.title().replace("-", ""),
            name=f"spiderpool-aws-{names.cluster}/{query.name}",
            query_string=f"# {query.question}\n{query.text}",
            log_group_names=groups,
        )
