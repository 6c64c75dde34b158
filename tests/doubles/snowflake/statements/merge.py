"""MERGE: all is computed from the rows as they were, then done."""

from sqlglot import exp

from .. import errors, results
from ..results import Result, of_rows
from ..scope import Scope, encode, fold, generate
from ..translate import Translator
from ..types import NUMBER
from .dml import aliased, append, assignments, changes, delete_where, others_of, target_of


def merge(service, session, query, node) -> Result:
    path, table = target_of(service, session, node.this, "INSERT")
    with changes(service, session, query) as transaction:
        service.transactions.lock(table, transaction, query)
        translator = Translator(service, session, query)
        scope = Scope()
        alias, target = aliased(translator, node.this, path, table, scope)
        using = others_of(translator, [node.args["using"]], scope)[0]
        on = generate(translator.expression(node.args["on"], scope))
        service.need_warehouse(session, node, translator)
        counts = {"inserted": 0, "updated": 0, "deleted": 0}
        kinds = []
        with service.engine:
            matched = f"{target}, {using}"
            source_alias = scope.sources[-1].alias
            taken, not_taken = "false", "true"
            plan = []
            for when in node.args["whens"].expressions:
                condition = generate(translator.expression(when.args["condition"], scope)) if when.args.get("condition") else "true"
                plan.append((when, condition))
            work = []
            for when, condition in plan:
                then = when.args["then"]
                if when.args.get("matched"):
                    mine = f"({on}) AND ({condition}) AND NOT ({taken})"
                    taken = f"({taken}) OR coalesce(({condition}), false)"
                    if isinstance(then, exp.Update):
                        work.append(("updated", mine, assignments(translator, then.expressions, table, scope)))
                    else:
                        work.append(("deleted", mine, None))
                else:
                    mine = f"({condition}) AND ({not_taken})"
                    not_taken = f"({not_taken}) AND NOT coalesce(({condition}), false)"
                    names = [fold(c.this if isinstance(c, exp.Column) else c) for c in then.this.expressions] if then.this else [
                        c.name for c in table.columns]
                    inner = Scope([s for s in scope.sources if s.alias == source_alias])
                    values = [translator.expression(v, inner) for v in then.expression.expressions]
                    sql = "SELECT " + ", ".join(f"{generate(v)} AS v{n}" for n, v in enumerate(values)) + (
                        f" FROM {using} WHERE {mine} AND NOT EXISTS (SELECT 1 FROM {target} WHERE {on})")
                    work.append(("inserted", names, sql))
                kinds.append(work[-1][0])
            several = service.engine.value(
                f'SELECT count(*) FROM (SELECT "{encode(alias)}"."$ROW" FROM {matched} WHERE ({on}) AND ({taken}) '
                "GROUP BY ALL HAVING count(*) > 1)") if "updated" in kinds or "deleted" in kinds else 0
            if several and session.parameter("ERROR_ON_NONDETERMINISTIC_MERGE"):
                raise errors.SnowflakeError("100090", "Duplicate row detected during DML action", "42P18")
            # All is computed from the rows as they were, then done.
            for number, (kind, condition, rest) in enumerate(work):
                if kind == "updated":
                    listed = ", ".join((rest[c.name] if c.name in rest else f'"{encode(alias)}"."{encode(c.name)}"')
                                       + f" AS {c.physical}" for c in table.columns)
                    service.engine.execute(f'CREATE OR REPLACE TEMP TABLE work{number} AS SELECT DISTINCT ON (row_id) * FROM (SELECT '
                                           f'"{encode(alias)}"."$ROW" AS row_id, {listed} FROM {matched} WHERE {condition})')
                elif kind == "deleted":
                    service.engine.execute(f'CREATE OR REPLACE TEMP TABLE work{number} AS SELECT DISTINCT "{encode(alias)}"."$ROW" AS '
                                           f"row_id FROM {matched} WHERE {condition}")
                else:
                    service.engine.execute(f"CREATE OR REPLACE TEMP TABLE work{number} AS {rest}")
            for number, (kind, names, rest) in enumerate(work):
                if kind == "inserted":
                    engine_types = service.engine.types(f"SELECT * FROM work{number}")
                    counts[kind] += append(service, session, transaction, table, names, f"SELECT * FROM work{number}", engine_types)
                    continue
                counts[kind] += delete_where(service, transaction, table, f"rowid IN (SELECT row_id FROM work{number})")
                if kind == "updated":
                    columns = ", ".join(c.physical for c in table.columns)
                    service.engine.execute(f"INSERT INTO {table.physical} SELECT {columns}, {transaction.number}, 0 FROM work{number}")
            for number in range(len(work)):
                service.engine.execute(f"DROP TABLE work{number}")
    shown = [k for k in ("inserted", "updated", "deleted") if k in kinds]
    return of_rows([(f"number of rows {k}", NUMBER) for k in shown], [[counts[k] for k in shown]], results.MERGE)
