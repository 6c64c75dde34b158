"""All system views and system table functions: who imports this has them registered."""

from . import information_schema, system_indexes, system_objects, system_sessions
from .system_indexes import FUNCTIONS

__all__ = ["FUNCTIONS", "information_schema", "system_indexes", "system_objects", "system_sessions"]
