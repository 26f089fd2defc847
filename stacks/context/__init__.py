"""What the person who deploys says: cdk.json's context, read and checked."""
