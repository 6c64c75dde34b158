"""The tree that the parser makes of T-SQL."""

from __future__ import annotations

from dataclasses import dataclass, field

Parts = tuple[str, ...]  # of a name, outermost first; "" for what is left out (db..table)


@dataclass(slots=True)
class Literal:
    kind: str  # int, decimal, float, money, string, nstring, binary, null, default
    text: str = ""


@dataclass(slots=True)
class Name:
    parts: Parts
    line: int = 1


@dataclass(slots=True)
class Star:
    qualifier: Parts = ()


@dataclass(slots=True)
class Variable:
    name: str  # with its @ or @@


@dataclass(slots=True)
class Unary:
    op: str
    operand: object


@dataclass(slots=True)
class Binary:
    op: str  # + - * / % & | ^
    left: object
    right: object


@dataclass(slots=True)
class Compare:
    op: str
    left: object
    right: object


@dataclass(slots=True)
class Logical:
    op: str  # AND, OR
    parts: list


@dataclass(slots=True)
class Not:
    operand: object


@dataclass(slots=True)
class IsNull:
    operand: object
    negated: bool


@dataclass(slots=True)
class DistinctFrom:
    left: object
    right: object
    negated: bool  # IS NOT DISTINCT FROM


@dataclass(slots=True)
class Between:
    operand: object
    low: object
    high: object
    negated: bool


@dataclass(slots=True)
class In:
    operand: object
    values: object  # a list, or a Query
    negated: bool


@dataclass(slots=True)
class Like:
    operand: object
    pattern: object
    escape: object
    negated: bool


@dataclass(slots=True)
class Exists:
    query: Query


@dataclass(slots=True)
class Case:
    operand: object
    whens: list
    otherwise: object


@dataclass(slots=True)
class Cast:
    operand: object
    type: TypeName
    style: object = None
    lenient: bool = False  # TRY_CAST, TRY_CONVERT


@dataclass(slots=True)
class Over:
    partition: list
    order: list
    frame: str = ""


@dataclass(slots=True)
class Call:
    name: Parts
    arguments: list
    distinct: bool = False
    over: Over | None = None
    within: list = field(default_factory=list)  # WITHIN GROUP (ORDER BY …)
    line: int = 1


@dataclass(slots=True)
class Method:
    operand: object
    name: str
    arguments: list


@dataclass(slots=True)
class StaticMethod:
    type: Parts
    name: str
    arguments: list


@dataclass(slots=True)
class Subquery:
    query: Query


@dataclass(slots=True)
class Collate:
    operand: object
    collation: str


@dataclass(slots=True)
class TypeName:
    parts: Parts
    arguments: tuple[int, ...] = ()  # -1: max
    text: str = ""
    line: int = 1


# ---- queries


@dataclass(slots=True)
class Item:
    expression: object
    alias: str | None = None
    variable: str | None = None  # SELECT @x = …
    op: str = "="


@dataclass(slots=True)
class Order:
    expression: object
    descending: bool = False


@dataclass(slots=True)
class Table:
    parts: Parts
    alias: str | None = None
    hints: tuple[str, ...] = ()
    line: int = 1
    system_time: object = None


@dataclass(slots=True)
class Derived:
    query: Query
    alias: str
    columns: list[str] | None = None


@dataclass(slots=True)
class TableCall:
    call: Call
    alias: str | None
    columns: list[str] | None = None


@dataclass(slots=True)
class Join:
    kind: str  # INNER, LEFT, RIGHT, FULL, CROSS, CROSS APPLY, OUTER APPLY
    left: object
    right: object
    on: object = None


@dataclass(slots=True)
class Select:
    items: list[Item]
    distinct: bool = False
    top: object = None
    top_percent: bool = False
    top_ties: bool = False
    into: Parts | None = None
    source: object = None
    where: object = None
    group: list = field(default_factory=list)
    having: object = None
    line: int = 1


@dataclass(slots=True)
class Values:
    rows: list[list]


@dataclass(slots=True)
class SetOperation:
    op: str  # UNION, UNION ALL, EXCEPT, INTERSECT
    left: object
    right: object


@dataclass(slots=True)
class Cte:
    name: str
    columns: list[str] | None
    query: Query


@dataclass(slots=True)
class Query:
    body: object  # Select, SetOperation, Values, Query
    ctes: list[Cte] = field(default_factory=list)
    order: list[Order] = field(default_factory=list)
    offset: object = None
    fetch: object = None


# ---- statements


@dataclass(slots=True)
class SelectStatement:
    query: Query


@dataclass(slots=True)
class Insert:
    table: Table
    columns: list[str] | None
    source: object  # Query, Values, None: DEFAULT VALUES, Execute
    ctes: list[Cte] = field(default_factory=list)
    output: list[Item] | None = None
    top: object = None


@dataclass(slots=True)
class Update:
    target: Table
    assignments: list  # (column or @variable, expression)
    source: object = None
    where: object = None
    top: object = None
    ctes: list[Cte] = field(default_factory=list)


@dataclass(slots=True)
class Delete:
    target: Table
    source: object = None
    where: object = None
    top: object = None
    ctes: list[Cte] = field(default_factory=list)


@dataclass(slots=True)
class Declare:
    variables: list  # (name, TypeName, expression or None)


@dataclass(slots=True)
class SetVariable:
    name: str
    expression: object
    op: str = "="


@dataclass(slots=True)
class SetOption:
    names: list[str]
    value: object  # "ON", "OFF", text or an expression


@dataclass(slots=True)
class SetIsolation:
    level: str


@dataclass(slots=True)
class Transaction:
    action: str  # BEGIN, COMMIT, ROLLBACK, SAVE
    name: str = ""


@dataclass(slots=True)
class If:
    condition: object
    then: object
    otherwise: object = None


@dataclass(slots=True)
class While:
    condition: object
    body: object


@dataclass(slots=True)
class Block:
    statements: list


@dataclass(slots=True)
class TryCatch:
    body: list
    handler: list


@dataclass(slots=True)
class Flow:
    action: str  # RETURN, BREAK, CONTINUE


@dataclass(slots=True)
class Print:
    expression: object


@dataclass(slots=True)
class RaiseError:
    message: object
    severity: object = None
    state: object = None
    arguments: list = field(default_factory=list)
    number: object = None  # THROW


@dataclass(slots=True)
class Use:
    database: str


@dataclass(slots=True)
class WaitFor:
    expression: object


@dataclass(slots=True)
class Execute:
    procedure: Parts | None
    arguments: list = field(default_factory=list)  # (name or None, expression, output)
    text: object = None  # EXEC ('…')
    returns: str | None = None


# ---- definitions


@dataclass(slots=True)
class ColumnDefinition:
    name: str
    type: TypeName | None = None
    computed: object = None
    computed_text: str = ""
    persisted: bool = False
    collation: str | None = None
    nullable: bool | None = None
    identity: tuple[int, int] | None = None
    default: object = None
    default_text: str = ""
    default_name: str | None = None
    sparse: bool = False
    column_set: bool = False
    rowguid: bool = False
    generated: str = ""  # START, END
    hidden: bool = False
    masked: str | None = None


@dataclass(slots=True)
class KeyDefinition:
    name: str | None
    kind: str  # PK, UQ
    clustered: bool | None
    columns: list  # (name, descending)


@dataclass(slots=True)
class CheckDefinition:
    name: str | None
    condition: object
    text: str


@dataclass(slots=True)
class ForeignKeyDefinition:
    name: str | None
    columns: list[str]
    table: Parts
    referenced: list[str]


@dataclass(slots=True)
class CreateTable:
    name: Parts
    columns: list[ColumnDefinition]
    keys: list
    period: tuple[str, str] | None = None
    system_versioned: bool = False
    memory_optimized: bool = False
    history: Parts | None = None


@dataclass(slots=True)
class CreateIndex:
    name: str
    table: Parts
    columns: list
    unique: bool = False
    clustered: bool = False
    columnstore: bool = False
    included: list = field(default_factory=list)
    where: object = None


@dataclass(slots=True)
class CreateView:
    name: Parts
    columns: list[str] | None
    query: Query
    text: str
    alter: bool = False


@dataclass(slots=True)
class CreateSchema:
    name: str


@dataclass(slots=True)
class CreateType:
    name: Parts
    base: TypeName
    nullable: bool = True


@dataclass(slots=True)
class CreateSynonym:
    name: Parts
    target: Parts


@dataclass(slots=True)
class CreateStatistics:
    name: str
    table: Parts
    columns: list[str]


@dataclass(slots=True)
class CreateDatabase:
    name: str
    snapshot_of: str | None = None
    collation: str | None = None


@dataclass(slots=True)
class AlterDatabase:
    name: str | None
    option: str
    value: str


@dataclass(slots=True)
class CreateLogin:
    name: str
    password: str | None
    database: str = ""


@dataclass(slots=True)
class CreateUser:
    name: str
    login: str


@dataclass(slots=True)
class Grant:
    action: str  # GRANT, DENY, REVOKE
    permissions: list[str]
    securable: tuple  # (class, parts)
    grantees: list[str]
    columns: list[str] = field(default_factory=list)


@dataclass(slots=True)
class RoleMember:
    role: str
    member: str
    add: bool = True


@dataclass(slots=True)
class CreateSecurityPolicy:
    name: Parts
    predicates: list  # (function call text, table)
    enabled: bool = True


@dataclass(slots=True)
class AlterTable:
    name: Parts
    action: str  # ADD, DROP COLUMN, ALTER COLUMN, DROP CONSTRAINT, NOTHING
    columns: list = field(default_factory=list)
    keys: list = field(default_factory=list)
    names: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Drop:
    kind: str  # TABLE, VIEW, DATABASE …
    names: list[Parts]
    if_exists: bool = False
    table: Parts | None = None


@dataclass(slots=True)
class Truncate:
    table: Parts


@dataclass(slots=True)
class Nothing:
    """What is accepted and changes nothing here."""
