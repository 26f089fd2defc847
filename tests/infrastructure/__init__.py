"""What `cdk deploy` makes, as the templates say it."""
