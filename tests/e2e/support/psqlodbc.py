"""A PostgreSQL database that is read through psqlODBC."""

from support import server


class OverPsqlodbc:
    def __init__(self, database: server.Database, driver="PostgreSQL Unicode"):
        self.database, self.driver = database, driver

    def execute(self, sql: str):
        return self.database.execute(sql)

    def rows(self, sql: str) -> list:
        return self.database.rows(sql)

    def keys(self) -> dict:
        """Of connections.source.odbc."""
        return {"driver_name": self.driver, "host": self.database.server.host, "port": self.database.server.port,
                "database": self.database.name, "username": server.LOGIN, "password": server.PASSWORD}
