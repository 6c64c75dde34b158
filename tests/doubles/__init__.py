"""Stand-in servers for tests."""
