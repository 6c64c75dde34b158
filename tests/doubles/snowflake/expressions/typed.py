"""What all expressions share: an expression with the type that it has."""

from .. import types
from ..scope import Raw
from ..types import LTZ, NTZ, TIME, TZ, SfType

STAMP = {name: SfType(name, scale=9) for name in types.TIMESTAMPS}
POINTS = (NTZ, LTZ, TZ, TIME)


def declare(node, engine, type_=None, nullable=True):
    node.meta["engine"], node.meta["type"], node.meta["nullable"] = engine, type_, nullable
    return node


def raw(sql: str, type_: SfType = None, engine=None):
    return declare(Raw.of(sql), engine or (type_.engine if type_ else None), type_)


def engine_of(node):
    return node.meta.get("engine")
