"""The templates: what a user gets from `cdk deploy`."""
