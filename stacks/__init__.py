"""The infrastructure: three stacks for AWS CDK. Of the package they import what is pure: routes, settings, policy."""
