"""What the product costs and takes, worked out so that it can be worked out again."""
