"""What one schema is to another: pure functions on types, no frames."""
