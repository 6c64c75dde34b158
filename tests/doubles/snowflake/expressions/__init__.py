"""Which function rewrites which kind of expression: (translator, node, scope) → node."""

from sqlglot import exp

from .. import types
from ..types import SfType
from .casts import cast, hex_string, hexadecimal, str_to_time, to_binary, to_char, to_number, to_type, unix_to_time
from .context import context
from .documents import array_size, bracket, json_extract, parse_json, to_json, typeof
from .moments import add, convert_timezone, date_add, date_diff, date_part, date_trunc, now, time_of_day, today
from .named import anonymous
from .names import boolean, column, concatenation, first_known, if_branch, literal, negative, number, parameter, same_as_inner, text
from .operators import comparison, division
from .typed import raw


def sequence(t, node, scope):
    return raw("gen", SfType("FIXED", 19, 0), "BIGINT")


HANDLERS = {
    exp.Column: column, exp.Parameter: parameter, exp.Literal: literal, exp.Neg: negative, exp.Paren: same_as_inner,
    exp.Max: same_as_inner, exp.Min: same_as_inner, exp.AnyValue: same_as_inner, exp.Alias: same_as_inner,
    exp.Boolean: boolean, exp.Not: boolean, exp.And: boolean, exp.Or: boolean, exp.Is: boolean, exp.Exists: boolean,
    exp.Like: boolean, exp.ILike: boolean, exp.RegexpLike: boolean, exp.Subquery: same_as_inner,
    exp.Count: number(18), exp.CountIf: number(18), exp.RowNumber: number(18), exp.Length: number(18), exp.Window: same_as_inner,
    exp.Upper: text, exp.Lower: text, exp.Trim: text, exp.Substring: text, exp.Replace: text, exp.MD5: text, exp.SHA2: text,
    exp.Uuid: text, exp.SplitPart: text, exp.DPipe: concatenation, exp.Concat: concatenation,
    exp.Coalesce: first_known, exp.Case: first_known, exp.If: if_branch, exp.Nullif: first_known,
    exp.Cast: cast, exp.TryCast: cast, exp.UnixToTime: unix_to_time, exp.StrToTime: str_to_time,
    exp.TsOrDsToDate: to_type(types.DATE), exp.TsOrDsToTime: to_type(SfType("TIME", scale=9)), exp.ToNumber: to_number,
    exp.ToBoolean: to_type(types.BOOLEAN), exp.ToDouble: to_type(types.REAL), exp.ToBinary: to_binary, exp.ToChar: to_char,
    exp.ToVariant: to_type(types.VARIANT), exp.Hex: hexadecimal, exp.HexString: hex_string, exp.ParseJSON: parse_json,
    exp.JSONExtract: json_extract, exp.Bracket: bracket, exp.Div: division, exp.JSONFormat: to_json,
    exp.EQ: comparison, exp.NEQ: comparison, exp.GT: comparison, exp.GTE: comparison, exp.LT: comparison, exp.LTE: comparison,
    exp.Between: comparison, exp.In: comparison, exp.NullSafeEQ: comparison, exp.NullSafeNEQ: comparison,
    exp.EqualNull: comparison,
    exp.CurrentTimestamp: now, exp.CurrentDate: today, exp.Localtime: time_of_day, exp.CurrentTime: time_of_day,
    exp.Localtimestamp: now,
    exp.DateAdd: date_add, exp.DateSub: date_add, exp.TsOrDsAdd: date_add, exp.DateDiff: date_diff, exp.Extract: date_part(),
    exp.Year: date_part("year"), exp.Month: date_part("month"), exp.Day: date_part("day"), exp.TimestampTrunc: date_trunc,
    exp.DateTrunc: date_trunc, exp.ConvertTimezone: convert_timezone, exp.Add: add, exp.Sub: add, exp.Typeof: typeof,
    exp.ArraySize: array_size,
    exp.CurrentUser: context("USER"), exp.CurrentRole: context("ROLE"), exp.CurrentWarehouse: context("WAREHOUSE"),
    exp.CurrentDatabase: context("DATABASE"), exp.CurrentSchema: context("SCHEMA"), exp.CurrentAccount: context("ACCOUNT"),
    exp.CurrentVersion: context("VERSION"), exp.Anonymous: anonymous,
}
for _class, _name in (("CurrentSession", "SESSION"), ("CurrentStatement", "STATEMENT"), ("CurrentTransaction", "TRANSACTION"),
                      ("CurrentRegion", "REGION"), ("CurrentClient", "CLIENT"), ("CurrentAccountName", "ACCOUNT_NAME"),
                      ("CurrentOrganizationName", "ORGANIZATION_NAME"), ("CurrentSecondaryRoles", "SECONDARY_ROLES"),
                      ("CurrentAvailableRoles", "AVAILABLE_ROLES")):
    if hasattr(exp, _class):
        HANDLERS[getattr(exp, _class)] = context(_name)
for _class in ("Seq1", "Seq2", "Seq4", "Seq8"):
    HANDLERS[getattr(exp, _class)] = sequence
