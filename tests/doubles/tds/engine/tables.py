"""Names: tables, views, synonyms, types; who may read them."""

from __future__ import annotations

from dataclasses import replace

from ..model import SqlError, SqlType
from . import syntax as s
from . import system_views, types
from .catalog import Column, Object, not_there
from .compile_expressions import unknown
from .compile_queries import QueryCompiler
from .expression import IMPLICIT, Ex, Scope, Source, SourceColumn
from .server import Database


class Tables:
    def attached(self, database: Database) -> Database:
        if database.schema not in self.runtime.attached and len(self.runtime.attached) >= 9 and not self._open:
            for schema in list(self.runtime.attached):
                self.runtime.detach(schema)
        self.runtime.attach(database.schema, database.settings.file)
        return database

    def place(self, parts: tuple[str, ...], line: int = 1) -> tuple[Database, str, str]:
        """Database, schema and name of a name with up to three parts."""
        if len(parts) == 4:
            raise SqlError(7202, f"Could not find server '{parts[0]}' in sys.servers.", 11, line=line)
        *front, name = parts
        schema = front[-1] if front and front[-1] else self.default_schema
        if len(front) == 2 and front[0]:
            database = self.engine.databases.get(front[0].casefold())
            if database is None:
                raise not_there(".".join(parts), line)
            if not self.has_database_access(front[0]):
                raise SqlError(916, f'The server principal "{self.login.user}" is not able to access the database "{front[0]}" under the current '
                                    "security context.", 14, line=line)
        else:
            database = self.engine.find(self.database)
        return database, schema, name

    def object(self, parts: tuple[str, ...], line: int = 1) -> tuple[Database, Object]:
        database, schema, name = self.place(parts, line)
        if len(parts) == 1 and name.startswith("#"):
            database, schema = self.engine.find("tempdb"), f"#{self.id}"
        found = database.catalog.find(schema, name)
        if found is None:
            raise not_there(".".join(parts), line)
        if found.kind == "SN":
            return self.object(found.target, line)
        return database, found

    # ---- sources of a SELECT

    def table_source(self, compiler: QueryCompiler, node: s.Table, alias: str, scope: Scope) -> tuple[str, Source]:
        if node.parts[0].startswith("@"):
            raise SqlError(1087, f'Must declare the table variable "{node.parts[0]}".', 15, line=node.line)
        system = system_views.find(self, node.parts)
        if system is not None:
            database, view = system
            return self._system_source(compiler, database, view, alias, node)
        database, found = self.object(node.parts, node.line)
        denied = self.denied_columns(database, found, node.line)
        if found.kind == "V":
            return self._view_source(compiler, database, found, alias, node)
        self.attached(database)
        self.touch(database, found, node.hints)
        source = Source(node.alias or found.name, [], alias, "" if node.alias else found.schema, found)
        source.columns = self.columns_of(compiler, database, found, alias)
        for column in source.columns:
            if column.name in denied:
                column.expression = _refusal(database, found, column.name)
        return f"{database.schema}.{found.physical} AS {alias}", source

    def columns_of(self, compiler: QueryCompiler, database: Database, found: Object, alias: str) -> list[SourceColumn]:
        """`alias.` stands before each; "" for none."""
        lead = f"{alias}." if alias else ""
        columns = []
        has_set = any(column.column_set for column in found.columns)
        for column in found.columns:
            type_ = column.type
            if types.family(type_) == "text" and type_.collation is None and database.settings.collation != compiler.collation:
                type_ = types.with_collation(type_, database.settings.collation)
            made = SourceColumn(column.name, lead + column.physical, type_, column.nullable, column.identity is not None,
                                column.computed is not None, column.hidden, IMPLICIT, column_id=column.id,
                                in_star=not column.hidden and not (has_set and column.sparse))
            if column.masked is not None and not self._unmasked(database):
                made.expression = _mask(compiler, column)
            if column.column_set:
                made.computed = True
                made.expression = _column_set(self, compiler, found, lead)
            columns.append(made)
        for made, column in zip(columns, found.columns):
            if column.computed is not None:
                made.expression = _computed(compiler, column, found, columns, alias)
        columns.append(SourceColumn("%%physloc%%", _physloc(compiler, lead), SqlType("binary", 8), False, in_star=False))
        return columns

    def _view_source(self, compiler: QueryCompiler, database: Database, found: Object, alias: str, node: s.Table) -> tuple[str, Source]:
        kept, self.database = self.database, database.settings.name
        checks, self._unchecked = self._unchecked, True
        try:
            compiled = compiler.query(found.query)
        finally:
            self.database, self._unchecked = kept, checks
        names = found.names or compiled.names
        columns = [SourceColumn(name, f"{alias}.c{at}", ex.type, ex.nullable, bool(ex.column and ex.column.identity), False, label=IMPLICIT)
                   for at, (name, ex) in enumerate(zip(names, compiled.columns))]
        return f"({compiled.sql}) AS {alias}", Source(node.alias or found.name, columns, alias, "" if node.alias else found.schema, found)

    _unchecked = False

    def _system_source(self, compiler, database: Database, view, alias: str, node: s.Table) -> tuple[str, Source]:
        sql, columns = system_views.source(self, compiler, database, view, alias)
        return sql, Source(node.alias or view.name, columns, alias, "" if node.alias else view.schema)

    def system_function_source(self, compiler, call: s.Call, scope: Scope, alias: str):
        return system_views.function_source(self, compiler, call, scope, alias)

    # ---- types

    def resolve_type(self, type_name: s.TypeName, default_length: int) -> tuple[SqlType, str | None]:
        """The type, and "schema.name" when it is an alias type."""
        parts = type_name.parts
        name = parts[-1].lower()
        if len(parts) == 1 or parts[-2].lower() == "sys":
            if name == "sysname":
                return types.SYSNAME, "sys.sysname"
            name = types.SYNONYMS.get(name, name)
            if name in types.FAMILIES:
                return types.checked(name, type_name.arguments, default_length, type_name.line), None
        alias = self.engine.find(self.database).catalog.find_type(parts)
        if alias is None:
            raise SqlError(2715, f"Column, parameter, or variable #1: Cannot find data type {'.'.join(parts)}.", line=type_name.line)
        return alias.type, f"{alias.schema}.{alias.name}"

    def alias_type_id(self, name: str) -> int | None:
        found = self.engine.find(self.database).catalog.find_type(tuple(name.split(".")))
        return found.id if found else None

    # ---- who may

    @property
    def user(self) -> str:
        if self.engine.is_sysadmin(self.login.user):
            return "dbo"
        users = self.engine.find(self.database).catalog.users
        return next((user for user, login in users.items() if login.casefold() == self.login.user.casefold()), "guest")

    def has_database_access(self, name: str) -> int | None:
        database = self.engine.databases.get(name.casefold())
        if database is None:
            return None
        if database.settings.id < 5 or self.engine.is_sysadmin(self.login.user):
            return 1
        return int(any(login.casefold() == self.login.user.casefold() for login in database.catalog.users.values()))

    def _principals(self, database: Database) -> set[str]:
        users = {user.casefold() for user, login in database.catalog.users.items() if login.casefold() == self.login.user.casefold()}
        roles = {role.casefold() for role, members in database.catalog.roles.items() if {m.casefold() for m in members} & users}
        return users | roles | {"public"}

    def allowed(self, database: Database, found: Object, permission: str) -> tuple[bool, set[str]]:
        """Whether it is allowed, and the columns that are denied, or, when only columns are granted, all others."""
        if self.engine.is_sysadmin(self.login.user) or database.settings.id < 5:
            return True, set()
        who = self._principals(database)
        if "db_owner" in who or {"SELECT": "db_datareader"}.get(permission, "db_datawriter") in who:
            granted = True
        else:
            granted = False
        refused, granted_columns, denied_columns = "db_denydatareader" in who and permission == "SELECT", set(), set()
        for action, what, kind, securable, grantee, columns in database.catalog.grants:
            if grantee.casefold() not in who or what not in (permission, "CONTROL", "ALL"):
                continue
            if not (kind == "DATABASE" or (kind == "SCHEMA" and securable.casefold() == found.schema.casefold())
                    or (kind == "OBJECT" and securable == found.id)):
                continue
            names = {found.column(column).name for column in columns if found.column(column)}
            if action == "DENY":
                denied_columns |= names
                refused = refused or not columns
            elif columns:
                granted_columns |= names
            else:
                granted = True
        if refused or not (granted or granted_columns):
            return False, set()
        if not granted:
            denied_columns |= {column.name for column in found.columns} - granted_columns
        return True, denied_columns

    def denied_columns(self, database: Database, found: Object, line: int = 1, permission: str = "SELECT") -> set[str]:
        """Throws 229."""
        if self._unchecked:
            return set()
        allowed, denied = self.allowed(database, found, permission)
        if not allowed:
            raise SqlError(229, f"The {permission} permission was denied on the object '{found.name}', database "
                                f"'{database.settings.name}', schema '{found.schema}'.", 14, 5, line=line)
        return denied

    def _unmasked(self, database: Database) -> bool:
        if self.engine.is_sysadmin(self.login.user) or "db_owner" in self._principals(database):
            return True
        who = self._principals(database)
        return any(action == "GRANT" and what in ("UNMASK", "CONTROL") and kind == "DATABASE" and grantee.casefold() in who
                   for action, what, kind, _, grantee, _ in database.catalog.grants)

    def has_permission(self, securable: str | None, kind: str | None, permission: str | None) -> int | None:
        permission, kind = (permission or "").upper(), (kind or "").upper()
        if self.engine.is_sysadmin(self.login.user):
            if kind == "OBJECT" and self.object_id(_split(securable), None) is None:
                return None
            return 1
        database = self.engine.find(self.database)
        if kind == "OBJECT":
            parts = _split(securable)
            if parts is None or self.object_id(parts, None) is None:
                return None
            database, found = self.object(parts)
            return int(self.allowed(database, found, permission)[0])
        who = self._principals(database)
        if kind in ("DATABASE", ""):
            wanted = {"VIEW DATABASE STATE", "CONNECT", "SELECT"} if permission == "ANY" else {permission}
            granted = {what for action, what, on, _, grantee, _ in database.catalog.grants
                       if action == "GRANT" and on == "DATABASE" and grantee.casefold() in who}
            return int(bool(granted & wanted) or "db_owner" in who or permission == "CONNECT")
        return 0

    def is_member(self, role: str | None) -> int | None:
        if role is None:
            return None
        if self.engine.is_sysadmin(self.login.user):
            return 1
        if role.lower() in self.engine.server_roles:
            return 0
        return int(role.casefold() in self._principals(self.engine.find(self.database)))

    # ---- functions of the catalog

    def object_id(self, parts: tuple[str, ...] | None, kind: str | None) -> int | None:
        if parts is None:
            return None
        try:
            view = system_views.find(self, parts)
            if view is not None:
                return system_views.object_id(view[1]) if kind in (None, "", "V") else None
            database, schema, name = self.place(parts)
            if len(parts) == 1 and name.startswith("#") or parts[-1].startswith("#"):
                database, schema = self.engine.find("tempdb"), f"#{self.id}"
            found = database.catalog.find(schema, name)
        except SqlError:
            return None
        if found is None:
            for other in database.catalog.objects.values():
                for index in other.indexes:
                    if index.object_id and index.name.casefold() == name.casefold() and kind in (None, "", index.kind):
                        return index.object_id
            return None
        return found.id if kind in (None, "", found.kind) else None

    def object_part(self, object_id: int | None, database_id: int | None, part: str) -> str | None:
        database = self.engine.by_id(database_id) if database_id is not None else self.engine.find(self.database)
        found = database.catalog.objects.get(object_id) if database else None
        if found is None:
            view = system_views.by_object_id(object_id)
            return getattr(view, part) if view else None
        return getattr(found, part)

    def schema_name(self, schema_id: int | None) -> str | None:
        return next((name for name, id_ in self.engine.find(self.database).catalog.schemas.items() if id_ == schema_id), None)

    def schema_id(self, name: str) -> int | None:
        catalog = self.engine.find(self.database).catalog
        found = catalog.schema(name)
        return catalog.schemas[found] if found else None

    def column_name(self, object_id: int | None, column_id: int | None) -> str | None:
        found = self.engine.find(self.database).catalog.objects.get(object_id)
        return next((column.name for column in found.columns if column.id == column_id), None) if found else None

    def column_property(self, object_id, name, what) -> int | None:
        found = self.engine.find(self.database).catalog.objects.get(object_id)
        column = found.column(name or "") if found else None
        if column is None:
            return None
        known = {
            "allowsnull": int(column.nullable), "iscomputed": int(column.computed is not None), "isidentity": int(column.identity is not None),
            "issparse": int(column.sparse), "iscolumnset": int(column.column_set), "columnid": column.id, "ishidden": int(column.hidden),
            "precision": types.sizes(column.type)[1], "scale": types.sizes(column.type)[2], "isrowguidcol": int(column.rowguid),
            "generatedalwaystype": {"START": 1, "END": 2}.get(column.generated, 0),
        }
        if (what or "").lower() not in known:
            raise unknown(f"COLUMNPROPERTY of {what}")
        return known[what.lower()]

    def object_property(self, object_id, what) -> int | None:
        found = self.engine.find(self.database).catalog.objects.get(object_id)
        if found is None:
            return None
        known = {
            "istable": int(found.kind == "U"), "isusertable": int(found.kind == "U"), "isview": int(found.kind == "V"), "ismsshipped": 0,
            "tablehasidentity": int(any(column.identity for column in found.columns)),
            "tablehasprimarykey": int(any(index.kind == "PK" for index in found.indexes)),
            "tablehasclustindex": int(any(index.clustered for index in found.indexes)),
            "tabletemporaltype": found.temporal, "tablehascolumnset": int(any(column.column_set for column in found.columns)),
            "isschemabound": 0,
        }
        if (what or "").lower() not in known:
            raise unknown(f"OBJECTPROPERTY of {what}")
        return known[what.lower()]


def _split(text: str | None):
    from .functions_system import split_name
    return split_name(text) if text else None


def _refusal(database: Database, found: Object, column: str):
    def refuse() -> Ex:
        raise SqlError(230, f"The SELECT permission was denied on the column '{column}' of the object '{found.name}', database "
                            f"'{database.settings.name}', schema '{found.schema}'.", 14)
    return refuse


def _mask(compiler: QueryCompiler, column: Column):
    """What default() shows: zeros, xxxx, 1900-01-01."""
    def compile_() -> Ex:
        if column.masked.replace(" ", "").lower() != "default()":
            raise unknown(f"the mask {column.masked}")
        kind = types.family(column.type)
        shown = (s.Literal("string", "xxxx") if kind == "text" else s.Literal("int", "0") if kind in ("int", "decimal", "float") else
                 s.Literal("string", "1900-01-01") if kind == "moment" else s.Literal("binary", "0x30") if kind == "binary" else None)
        if shown is None:
            raise unknown(f"the mask of {column.type.name}")
        return replace(compiler.convert(compiler.value(shown, Scope()), column.type), nullable=column.nullable)
    return compile_


def _computed(compiler: QueryCompiler, column: Column, found: Object, columns: list[SourceColumn], alias: str):
    def compile_() -> Ex:
        scope = Scope()
        scope.sources.append(Source(found.name, columns, alias, found.schema))
        return replace(compiler.value(column.computed, scope), nullable=column.nullable)
    return compile_


def _column_set(session, compiler: QueryCompiler, found: Object, lead: str):
    """The sparse columns that have values, as XML elements."""
    def compile_() -> Ex:
        parts = []
        for column in found.columns:
            if column.sparse:
                text = compiler.text(Ex(lead + column.physical, column.type))
                name = compiler.runtime.function(("column set", column.name), 1, _element(column.name))
                parts.append(f"ifnull({name}({text.sql}), '')")
        return Ex(f"nullif({' || '.join(parts)}, '')" if parts else "NULL", SqlType("xml"), True)
    return compile_


def _element(name: str):
    from xml.sax.saxutils import escape
    tag = name.replace(" ", "_x0020_")
    return lambda text: None if text is None else f"<{tag}>{escape(text)}</{tag}>"


def _physloc(compiler: QueryCompiler, lead: str) -> str:
    """Eight bytes: page, file, slot, a hundred rows on a page."""
    def locate(rowid):
        return None if rowid is None else (300 + rowid // 100).to_bytes(4, "little") + b"\x01\x00" + (rowid % 100).to_bytes(2, "little")
    return f"{compiler.runtime.function(('locate',), 1, locate)}({lead}rowid)"
