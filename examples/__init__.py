"""What customers of the broker can copy from; nothing here knows its inside."""
