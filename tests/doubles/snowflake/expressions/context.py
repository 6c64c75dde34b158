"""What a session knows of itself; SYSTEM$ functions."""


from .. import conversions as conv
from .. import types
from ..scope import generate
from .typed import raw


def context(name):
    def handle(t, node, scope):
        s = t.session
        value = {"USER": s.user.name, "ROLE": s.role, "WAREHOUSE": s.warehouse, "DATABASE": s.database,
                 "SCHEMA": s.schema, "ACCOUNT": t.service.account.name, "ACCOUNT_NAME": t.service.account.name,
                 "VERSION": t.service.version, "REGION": "AWS_US_EAST_1", "SESSION": str(s.id), "STATEMENT": t.query.sql,
                 "ORGANIZATION_NAME": "STANDIN", "CLIENT": s.application, "SECONDARY_ROLES": '{"roles":"","value":""}',
                 "TRANSACTION": str(s.transaction.id) if s.transaction and s.transaction.explicit else None,
                 "LAST_TRANSACTION": str(s.last_transaction) if s.last_transaction else None,
                 "AVAILABLE_ROLES": "[" + ", ".join(f'"{r}"' for r in s.user.roles) + "]"}[name]
        return raw("NULL::VARCHAR" if value is None else conv.quote(value), types.TEXT)
    return handle


def last_query_id(t, node, scope):
    number = 0
    if node.expressions:
        number = int(generate(node.expressions[0]).replace(" ", ""))
    ids = t.session.query_ids[:-1] if t.session.query_ids[-1:] == [t.query.id] else t.session.query_ids
    if number == 0:
        number = -1
    index = number if number < 0 else number - 1
    found = ids[index] if -len(ids) <= index < len(ids) else None
    return raw("NULL::VARCHAR" if found is None else conv.quote(found), types.TEXT)


def system(t, node, scope):
    arguments = []
    for argument in node.expressions:
        value = t.expression(argument, scope)
        arguments.append(t.service.engine.value("SELECT " + generate(value)))
    return raw(conv.quote(t.service.system.call(t, node.name.upper()[7:], arguments)), types.TEXT)
