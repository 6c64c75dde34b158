"""A stand-in for the Snowflake service: see README.md."""
