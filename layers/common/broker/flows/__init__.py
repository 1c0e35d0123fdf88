"""What each function does: one module per function, of the same name."""
