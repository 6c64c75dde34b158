"""A stand-in for SQL Server; see README.md."""
