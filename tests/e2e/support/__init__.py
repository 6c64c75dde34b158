"""What the end-to-end tests share: a PostgreSQL server, the program under test, readers of its targets."""
