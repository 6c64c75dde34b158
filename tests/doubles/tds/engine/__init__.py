"""The engine of the stand-in for SQL Server: T-SQL over SQLite."""

from __future__ import annotations

from pathlib import Path

from .server import Server


def make_engine(folder: str | Path, version: tuple[int, int, int] = (16, 0, 4135), server_name: str = "STANDIN",
                collation: str = "SQL_Latin1_General_CP1_CI_AS", properties: dict | None = None) -> Server:
    """The Engine of model.py over the files in `folder`, which it makes when it is not there. `properties`: answers of SERVERPROPERTY
    that differ from a plain server's, as {"EngineEdition": 5}."""
    return Server(Path(folder), version, server_name, collation, properties)


__all__ = ["Server", "make_engine"]
