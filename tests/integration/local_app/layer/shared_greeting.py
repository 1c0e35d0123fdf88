"""What the functions share."""

GREETING = "from the layer"
