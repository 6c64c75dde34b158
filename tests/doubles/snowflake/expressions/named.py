"""Functions that the parser leaves as names."""

from .. import types
from ..scope import generate
from ..types import SfType
from .casts import converted, to_function
from .context import context, last_query_id, system
from .typed import raw


def _safe(handler):
    return lambda t, node, scope: handler(t, node, scope, safe=True)


def to_document(t, node, scope):
    return converted(t, node.expressions[0], types.VARIANT, scope)


def hash_value(t, node, scope):
    t.children(node, scope)
    listed = ", ".join(generate(e) for e in node.expressions)
    return raw(f"CAST((hash({listed}) >> 1) AS BIGINT)", SfType("FIXED", 19, 0), "BIGINT")


NAMED = {
    "TO_TIMESTAMP_NTZ": to_function("TIMESTAMP_NTZ"), "TO_TIMESTAMP_LTZ": to_function("TIMESTAMP_LTZ"),
    "TO_TIMESTAMP_TZ": to_function("TIMESTAMP_TZ"), "TO_TIMESTAMP": to_function("TIMESTAMP_NTZ"),
    "TRY_TO_TIMESTAMP_NTZ": _safe(to_function("TIMESTAMP_NTZ")), "TRY_TO_TIMESTAMP": _safe(to_function("TIMESTAMP_NTZ")),
    "TRY_TO_TIMESTAMP_LTZ": _safe(to_function("TIMESTAMP_LTZ")), "TRY_TO_TIMESTAMP_TZ": _safe(to_function("TIMESTAMP_TZ")),
    "LAST_QUERY_ID": last_query_id, "CURRENT_SESSION": context("SESSION"), "CURRENT_STATEMENT": context("STATEMENT"),
    "CURRENT_TRANSACTION": context("TRANSACTION"), "LAST_TRANSACTION": context("LAST_TRANSACTION"),
    "CURRENT_CLIENT": context("CLIENT"), "TO_OBJECT": to_document, "TO_ARRAY": to_document, "HASH": hash_value,
    "CURRENT_ACCOUNT_NAME": context("ACCOUNT"), "CURRENT_ORGANIZATION_NAME": context("ORGANIZATION_NAME"),
    "TO_GEOGRAPHY": lambda t, n, s: converted(t, n.expressions[0], SfType("GEOGRAPHY"), s),
    "TO_GEOMETRY": lambda t, n, s: converted(t, n.expressions[0], SfType("GEOMETRY"), s),
}


def anonymous(t, node, scope):
    name = node.name.upper()
    if name.startswith("SYSTEM$"):
        return system(t, node, scope)
    if name in NAMED:
        return NAMED[name](t, node, scope)
    t.children(node, scope)
    return node
