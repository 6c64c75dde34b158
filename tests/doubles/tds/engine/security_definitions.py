"""CREATE LOGIN, CREATE USER, roles, GRANT and DENY."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import RowCount, SqlError
from . import syntax as s
from .compile_expressions import unknown


class SecurityDefinitions:
    def _create_login(self, node: s.CreateLogin) -> Iterator:
        self._owner_only("CREATE LOGIN")
        self.engine.add_login(node.name, node.password, node.database)
        yield RowCount(-1)

    def _create_user(self, node: s.CreateUser) -> Iterator:
        self._owner_only("CREATE USER")
        database = self.engine.find(self.database)
        if node.login and self.engine.find_login(node.login) is None:
            raise SqlError(15007, f"'{node.login}' is not a valid login or you do not have permission.")

        def create():
            if node.name.casefold() in {user.casefold() for user in database.catalog.users}:
                raise SqlError(15023, f"User, group, or role '{node.name}' already exists in the current database.")
            database.catalog.users[node.name] = node.login
        yield from self._defining(database, None, create)

    def _role_member(self, node: s.RoleMember) -> Iterator:
        self._owner_only("ALTER ROLE")
        if node.role.lower() in self.engine.server_roles:
            members = self.engine.server_roles[node.role.lower()]
            members.add(node.member) if node.add else members.discard(node.member)
            self.engine.save()
            yield RowCount(-1)
            return
        database = self.engine.find(self.database)

        def change():
            members = database.catalog.roles.setdefault(node.role.lower(), set())
            members.add(node.member) if node.add else members.discard(node.member)
        yield from self._defining(database, None, change)

    def _grant(self, node: s.Grant) -> Iterator:
        self._owner_only("GRANT")
        database = self.engine.find(self.database)
        kind, parts = node.securable
        securable: object = None
        if kind == "OBJECT":
            database, found = self.object(parts)
            securable = found.id
        elif kind == "SCHEMA":
            securable = parts[-1]
        elif kind not in ("DATABASE",):
            raise unknown(f"GRANT ON {kind}")

        def change():
            for grantee in node.grantees:
                if grantee.casefold() not in {user.casefold() for user in database.catalog.users} | {"public", "guest"} | set(database.catalog.roles):
                    raise SqlError(15151, f"Cannot find the user '{grantee}', because it does not exist or you do not have permission.")
                for permission in node.permissions:
                    same = (permission, kind, securable, grantee.casefold())
                    database.catalog.grants = [grant for grant in database.catalog.grants
                                               if (grant[1], grant[2], grant[3], grant[4].casefold()) != same or node.columns]
                    if node.action != "REVOKE":
                        database.catalog.grants.append((node.action, permission, kind, securable, grantee, node.columns))
        yield from self._defining(database, None, change)
