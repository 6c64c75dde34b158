"""INFORMATION_SCHEMA and the two views of SNOWFLAKE.ACCOUNT_USAGE that tests read, made from the catalog when they are asked for."""

from . import types
from .catalog import Table, View, dotted
from .conversions import quote
from .scope import Field, encode
from .types import NUMBER, TEXT, SfType

STAMP = SfType("TIMESTAMP_LTZ", scale=9)


def _literal(value, type_: SfType) -> str:
    if value is None:
        return f"NULL::{type_.engine}"
    if type_.base == "TIMESTAMP_LTZ":
        return f"{{'ltz': {int(value)}::BIGINT, 'f': {int(value % 1 * 10**6) * 1000}::INTEGER}}"
    if type_.base == "BOOLEAN":
        return str(bool(value)).lower()
    if type_.base == "FIXED":
        return f"{value}::{type_.engine}"
    return quote(str(value))


def relation(columns: list, rows: list) -> tuple:
    """(SQL, Fields) of rows of Python values."""
    named = [(c, TEXT) if isinstance(c, str) else c for c in columns]
    fields = [Field(name, t.engine, t) for name, t in named]
    if not rows:
        return "SELECT " + ", ".join(f'NULL::{t.engine} AS "{encode(n)}"' for n, t in named) + " WHERE false", fields
    body = ", ".join("(" + ", ".join(_literal(v, t) for v, (_, t) in zip(row, named)) + ")" for row in rows)
    listed = ", ".join(f'"{encode(n)}"' for n, _ in named)
    return f"SELECT * FROM (VALUES {body}) AS made({listed})", fields


class Information:
    def __init__(self, service):
        self.service = service

    def relation(self, session, parts):
        """None when the name is none of these."""
        if len(parts) == 3 and parts[:2] == ["SNOWFLAKE", "ACCOUNT_USAGE"]:
            made = {"QUERY_HISTORY": self.query_history, "COPY_HISTORY": self.copy_history}.get(parts[2])
            if made:
                return relation(*made(None))
        if len(parts) >= 2 and parts[-2] == "INFORMATION_SCHEMA" or (len(parts) == 1 and session.schema == "INFORMATION_SCHEMA"):
            from . import errors
            database = parts[0] if len(parts) == 3 else session.database
            if database is None:
                raise errors.no_database("SELECT")
            made = {"TABLES": self.tables, "COLUMNS": self.columns, "SCHEMATA": self.schemata, "DATABASES": self.databases,
                    "LOAD_HISTORY": self.load_history, "STAGES": self.stages, "VIEWS": self.views,
                    "FILE_FORMATS": self.file_formats}.get(parts[-1])
            if made is None:
                raise errors.missing("Object", dotted(*parts))
            return relation(*made(self.service.catalog.database(database), session))
        return None

    def _relations(self, database, session, kinds=(Table, View)):
        for schema in database.schemas.values():
            held = [t for (owner, _), t in schema.temporary.items() if owner == session.id] + list(schema.relations.values())
            for table in held:
                if isinstance(table, kinds) and self.service.sees(session, "TABLE", dotted(database.name, schema.name, table.name)):
                    yield schema, table

    def tables(self, database, session):
        from .statements.show import count_rows
        rows = []
        for schema, table in self._relations(database, session):
            view = isinstance(table, View)
            count = None if view else count_rows(self.service, session, table)
            kind = "VIEW" if view else "LOCAL TEMPORARY" if table.session else "BASE TABLE"
            rows.append([database.name, schema.name, table.name, table.owner, kind, "NO" if view or table.kind == "TABLE" else "YES",
                         None if view else table.cluster_by or None, count, None if view else count * 8 * len(table.columns),
                         None if view else 1, table.created, table.created, table.comment or None])
        return ["TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "TABLE_OWNER", "TABLE_TYPE", "IS_TRANSIENT", "CLUSTERING_KEY",
                ("ROW_COUNT", NUMBER), ("BYTES", NUMBER), ("RETENTION_TIME", NUMBER), ("CREATED", STAMP), ("LAST_ALTERED", STAMP),
                "COMMENT"], rows

    def columns(self, database, session):
        rows = []
        for schema, table in self._relations(database, session, Table):
            for number, c in enumerate(table.columns, 1):
                t = c.type
                fixed, text = t.base == "FIXED", t.base in ("TEXT", "BINARY")
                rows.append([database.name, schema.name, table.name, c.name, number, c.default, "YES" if c.nullable else "NO",
                             t.information_schema, t.length if text else None, t.byte_length if text else None,
                             t.precision if fixed else None, 10 if fixed else None, t.scale if fixed else None,
                             t.scale if t.base in types.TEMPORAL else None, "YES" if c.identity else "NO",
                             str(c.identity[0]) if c.identity else None, str(c.identity[1]) if c.identity else None, c.comment])
        return ["TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME", ("ORDINAL_POSITION", NUMBER), "COLUMN_DEFAULT",
                "IS_NULLABLE", "DATA_TYPE", ("CHARACTER_MAXIMUM_LENGTH", NUMBER), ("CHARACTER_OCTET_LENGTH", NUMBER),
                ("NUMERIC_PRECISION", NUMBER), ("NUMERIC_PRECISION_RADIX", NUMBER), ("NUMERIC_SCALE", NUMBER),
                ("DATETIME_PRECISION", NUMBER), "IS_IDENTITY", "IDENTITY_START", "IDENTITY_INCREMENT", "COMMENT"], rows

    def schemata(self, database, session):
        rows = [[database.name, s.name, s.owner, "YES" if s.transient else "NO", s.created, s.created, s.comment or None]
                for s in database.schemas.values() if self.service.sees(session, "SCHEMA", dotted(database.name, s.name))]
        rows.append([database.name, "INFORMATION_SCHEMA", None, "NO", database.created, database.created, None])
        return ["CATALOG_NAME", "SCHEMA_NAME", "SCHEMA_OWNER", "IS_TRANSIENT", ("CREATED", STAMP), ("LAST_ALTERED", STAMP),
                "COMMENT"], rows

    def databases(self, database, session):
        return ["DATABASE_NAME", "DATABASE_OWNER", "IS_TRANSIENT", "COMMENT", ("CREATED", STAMP)], [
            [d.name, d.owner, "YES" if d.transient else "NO", d.comment or None, d.created]
            for d in self.service.catalog.databases.values()]

    def stages(self, database, session):
        return ["STAGE_CATALOG", "STAGE_SCHEMA", "STAGE_NAME", "STAGE_URL", "STAGE_TYPE", "STAGE_OWNER"], [
            [database.name, s.name, g.name, g.url or None, "External Named" if g.url else "Internal Named", g.owner]
            for s in database.schemas.values() for g in s.stages.values()]

    def views(self, database, session):
        return ["TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "TABLE_OWNER", "VIEW_DEFINITION"], [
            [database.name, s.name, v.name, v.owner, v.sql] for s, v in self._relations(database, session, View)]

    def file_formats(self, database, session):
        return ["FILE_FORMAT_CATALOG", "FILE_FORMAT_SCHEMA", "FILE_FORMAT_NAME", "FILE_FORMAT_TYPE"], [
            [database.name, s.name, f.name, str(f.options.get("TYPE"))] for s in database.schemas.values() for f in s.formats.values()]

    def load_history(self, database, session):
        return ["SCHEMA_NAME", "FILE_NAME", "TABLE_NAME", ("LAST_LOAD_TIME", STAMP), "STATUS", ("ROW_COUNT", NUMBER),
                ("ROW_PARSED", NUMBER), "FIRST_ERROR_MESSAGE", ("FIRST_ERROR_LINE_NUMBER", NUMBER), ("ERROR_COUNT", NUMBER),
                ("ERROR_LIMIT", NUMBER)], [
            [e.table[1], e.location + e.key, e.table[2], e.at, e.status, e.rows_loaded, e.rows_parsed, e.first_error,
             e.first_error_line, e.errors_seen, e.error_limit]
            for e in self.service.load_history.entries if e.table[0] == database.name]

    def copy_history(self, table):
        """`table`: a Table, or None for all."""
        words = {"LOADED": "Loaded", "PARTIALLY_LOADED": "Partially loaded", "LOAD_FAILED": "Load failed"}
        return ["FILE_NAME", "STAGE_LOCATION", ("LAST_LOAD_TIME", STAMP), ("ROW_COUNT", NUMBER), ("ROW_PARSED", NUMBER),
                ("FILE_SIZE", NUMBER), "FIRST_ERROR_MESSAGE", ("FIRST_ERROR_LINE_NUMBER", NUMBER),
                ("FIRST_ERROR_CHARACTER_POS", NUMBER), "FIRST_ERROR_COLUMN_NAME", ("ERROR_COUNT", NUMBER), ("ERROR_LIMIT", NUMBER),
                "STATUS", "TABLE_CATALOG_NAME", "TABLE_SCHEMA_NAME", "TABLE_NAME", "PIPE_NAME"], [
            [e.key, e.location, e.at, e.rows_loaded, e.rows_parsed, e.size, e.first_error, e.first_error_line, e.first_error_character,
             e.first_error_column, e.errors_seen, e.error_limit, words.get(e.status, e.status), *e.table, None]
            for e in self.service.load_history.entries if table is None or table.id == e.table_id]

    def query_history(self, session):
        """`session`: only its statements, or None for all."""
        rows = [[q.id, q.shown_sql, q.session.database, q.session.schema, q.kind, q.session.id, q.session.user.name, q.session.role,
                 q.session.warehouse, "" if self.service.settings["tag_lost"] else q.tag, q.status, q.error.code if q.error else None, q.error.message if q.error else None,
                 q.started_at / 10**9, q.ended_at, int(((q.ended_at or q.started_at / 10**9) - q.started_at / 10**9) * 1000),
                 q.count]
                for q in self.service.queries.values() if session in (None, q.session)]
        return ["QUERY_ID", "QUERY_TEXT", "DATABASE_NAME", "SCHEMA_NAME", "QUERY_TYPE", ("SESSION_ID", NUMBER), "USER_NAME", "ROLE_NAME",
                "WAREHOUSE_NAME", "QUERY_TAG", "EXECUTION_STATUS", "ERROR_CODE", "ERROR_MESSAGE", ("START_TIME", STAMP),
                ("END_TIME", STAMP), ("TOTAL_ELAPSED_TIME", NUMBER), ("ROWS_PRODUCED", NUMBER)], rows


