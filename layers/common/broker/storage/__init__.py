"""What is remembered: one module per table; DynamoDB items never leave this package."""
