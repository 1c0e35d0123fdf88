"""The broker: acts for a chat product's user at MCP servers, with that user's own tokens."""
