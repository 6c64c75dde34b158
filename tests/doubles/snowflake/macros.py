"""Macros of the engine: parsing and checks that raise what the service raises.

A macro raises by sf_raise(code, message): code and text between control characters, which errors.from_engine() reads.
"""

from .types import TIME

_ISO = (r"^\s*(\d{4}-\d{1,2}-\d{1,2})(?:(?:T|\s+)(\d{1,2}:\d{1,2}(?::\d{1,2})?)(?:\.(\d{0,9})\d*)?)?"
        r"\s*(Z|[+-]\d{1,2}:?(?:\d{2})?)?\s*$")
_CLOCK = r"^\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{0,9})\d*)?)?\s*$"

MACROS = rf"""
CREATE MACRO sf_raise(code, message) AS error(chr(1) || code || chr(2) || message || chr(3));
CREATE MACRO sf_floor(n, d) AS CAST((n - ((n % d) + d) % d) // d AS BIGINT);
CREATE MACRO sf_mod(n, d) AS CAST(((n % d) + d) % d AS BIGINT);
CREATE MACRO sf_frac(t) AS CAST(rpad(t, 9, '0') AS INTEGER);
CREATE MACRO sf_iso(t) AS regexp_extract(t, '{_ISO}', ['d', 'h', 'f', 'o']);
CREATE MACRO sf_wall(p, t) AS CASE WHEN p.d = '' THEN sf_raise('100035', 'Timestamp ''' || t || ''' is not recognized')::BIGINT
  ELSE CAST(sf_floor(epoch_us(coalesce(TRY_CAST(p.d || ' ' || CASE WHEN p.h = '' THEN '00:00:00'
    WHEN length(p.h) < 6 THEN p.h || ':00' ELSE p.h END AS TIMESTAMP),
    sf_raise('100035', 'Timestamp ''' || t || ''' is not recognized')::TIMESTAMP)), 1000000) AS BIGINT) END;
CREATE MACRO sf_offset(o) AS CAST(CASE WHEN o = '' OR o = 'Z' THEN 0 ELSE
  (CASE WHEN o[1] = '-' THEN -1 ELSE 1 END) * (CAST(regexp_extract(o, '^.(\d\d?)', 1) AS INTEGER) * 60
  + CAST('0' || regexp_extract(o, '^.\d\d?:?(\d\d)$', 1) AS INTEGER)) END AS INTEGER);
CREATE MACRO sf_zone_offset(e, zone) AS CAST((epoch_us(timezone(zone, make_timestamptz(e * 1000000))) // 1000000) - e AS BIGINT);
CREATE MACRO sf_zone_epoch(wall, zone) AS CAST(sf_floor(epoch_us(timezone(zone, make_timestamp(wall * 1000000))), 1000000) AS BIGINT);
CREATE MACRO sf_text_ntz(t) AS CASE WHEN t IS NULL THEN NULL ELSE
  list_transform([sf_iso(t)], lambda p: {{'ntz': sf_wall(p, t), 'f': sf_frac(p.f)}})[1] END;
CREATE MACRO sf_parsed_tz(p, wall, zone) AS {{'tz': CAST(CASE WHEN p.o = '' THEN sf_zone_epoch(wall, zone)
  ELSE wall - 60 * sf_offset(p.o) END AS BIGINT), 'f': sf_frac(p.f), 'o': CAST(CASE WHEN p.o = ''
  THEN (wall - sf_zone_epoch(wall, zone)) // 60 ELSE sf_offset(p.o) END AS INTEGER)}};
CREATE MACRO sf_text_tz(t, zone) AS CASE WHEN t IS NULL THEN NULL ELSE list_transform([sf_iso(t)],
  lambda p: list_transform([sf_wall(p, t)], lambda w: sf_parsed_tz(p, w, zone))[1])[1] END;
CREATE MACRO sf_text_ltz(t, zone) AS CASE WHEN t IS NULL THEN NULL ELSE
  list_transform([sf_text_tz(t, zone)], lambda s: {{'ltz': s.tz, 'f': s.f}})[1] END;
CREATE MACRO sf_clock(t) AS regexp_extract(t, '{_CLOCK}', ['h', 'm', 's', 'f']);
CREATE MACRO sf_parsed_time(c, t) AS CASE WHEN c.h = '' OR CAST(c.h AS INT) > 23 OR CAST(c.m AS INT) > 59
  OR CAST('0' || c.s AS INT) > 59 THEN sf_raise('100108', 'Time ''' || t || ''' is not recognized')::{TIME}
  ELSE {{'time': CAST(((CAST(c.h AS BIGINT) * 60 + CAST(c.m AS BIGINT)) * 60 + CAST('0' || c.s AS BIGINT)) * 1000000000
  + sf_frac(c.f) AS BIGINT)}} END;
CREATE MACRO sf_text_time(t) AS CASE WHEN t IS NULL THEN NULL ELSE
  list_transform([sf_clock(t)], lambda c: sf_parsed_time(c, t))[1] END;
CREATE MACRO sf_text_bool(t) AS CASE WHEN t IS NULL THEN NULL
  WHEN lower(trim(t)) IN ('true', 't', 'yes', 'y', 'on', '1') THEN true
  WHEN lower(trim(t)) IN ('false', 'f', 'no', 'n', 'off', '0') THEN false
  ELSE sf_raise('100037', 'Boolean value ''' || t || ''' is not recognized')::BOOLEAN END;
CREATE MACRO sf_text_date(t) AS CASE WHEN t IS NULL THEN NULL WHEN sf_iso(t).d = ''
  THEN sf_raise('100040', 'Date ''' || t || ''' is not recognized')::DATE ELSE coalesce(TRY_CAST(sf_iso(t).d AS DATE),
  sf_raise('100040', 'Date ''' || t || ''' is not recognized')::DATE) END;
CREATE MACRO sf_text_number(t) AS CASE WHEN t IS NULL OR regexp_matches(t, '^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$')
  THEN trim(t) ELSE sf_raise('100038', 'Numeric value ''' || t || ''' is not recognized')::VARCHAR END;
CREATE MACRO sf_text_binary(t) AS CASE WHEN t IS NULL THEN NULL WHEN regexp_matches(t, '^([0-9a-fA-F][0-9a-fA-F])*$')
  THEN unhex(t) ELSE sf_raise('100115', 'The following string is not a legal hex-encoded value: ''' || t || '''')::BLOB END;
CREATE MACRO sf_limit_text(t, n) AS CASE WHEN length(t) > n
  THEN sf_raise('100078', 'String ''' || t || ''' is too long and would be truncated')::VARCHAR ELSE t END;
CREATE MACRO sf_limit_binary(b, n) AS CASE WHEN octet_length(b) > n
  THEN sf_raise('100145', 'Binary value ''' || hex(b) || ''' is too long and would be truncated')::BLOB ELSE b END;
CREATE MACRO sf_clock_text(e) AS strftime(make_timestamp(e * 1000000), '%H:%M:%S');
CREATE MACRO sf_day_text(e) AS strftime(make_timestamp(e * 1000000), '%Y-%m-%d');
CREATE MACRO sf_offset_text(o, colon) AS (CASE WHEN o < 0 THEN '-' ELSE '+' END) || lpad(CAST(abs(o) // 60 AS VARCHAR), 2, '0')
  || colon || lpad(CAST(abs(o) % 60 AS VARCHAR), 2, '0');
CREATE MACRO sf_div(a, b) AS CASE WHEN b = 0 THEN sf_raise('100051', 'Division by zero')::DOUBLE ELSE a / b END;
CREATE MACRO sf_div_number(a, b) AS CASE WHEN b = 0 THEN sf_raise('100051', 'Division by zero')::DECIMAL(38, 6)
  ELSE CAST(a / b AS DECIMAL(38, 6)) END;
CREATE MACRO sf_json(t) AS CASE WHEN t IS NULL THEN NULL WHEN json_valid(t) THEN CAST(t AS JSON)
  ELSE sf_raise('100069', 'Error parsing JSON: ' || t)::JSON END;
CREATE MACRO sf_json_text(j) AS CASE WHEN ltrim(CAST(j AS VARCHAR))[1] = '"' THEN j ->> '$'
  WHEN trim(CAST(j AS VARCHAR)) = 'null' THEN NULL ELSE CAST(j AS VARCHAR) END;
CREATE MACRO sf_utf8(b) AS CASE WHEN b IS NULL THEN NULL ELSE coalesce(TRY(decode(b)),
  sf_raise('100144', 'Invalid UTF8 detected in string ''0x' || hex(b) || '''')::VARCHAR) END;
"""


# The same macros, which give NULL where the others raise: TRY() of the engine refuses what raises on purpose.
_QUIET = MACROS.replace("sf_", "sfq_").replace(
    "CREATE MACRO sfq_raise(code, message) AS error(chr(1) || code || chr(2) || message || chr(3));",
    "CREATE MACRO sfq_raise(code, message) AS NULL;")
MACROS += _QUIET
