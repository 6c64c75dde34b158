// Oids of built-in types: fixed for all servers (pg_type.dat).
#pragma once

#include <cstdint>

namespace pulk::postgres::oid {

inline constexpr std::uint32_t boolean = 16, bytea = 17, char_byte = 18, name = 19, int8 = 20, int2 = 21,
                               int2vector = 22, int4 = 23, regproc = 24, text = 25, oid = 26, tid = 27, xid = 28,
                               cid = 29, oidvector = 30, json = 114, xml = 142, point = 600, lseg = 601, path = 602,
                               box = 603, polygon = 604, line = 628, cidr = 650, float4 = 700, float8 = 701,
                               circle = 718, macaddr8 = 774, money = 790, macaddr = 829, inet = 869, bpchar = 1042,
                               varchar = 1043, date = 1082, time = 1083, timestamp = 1114, timestamptz = 1184,
                               interval = 1186, timetz = 1266, bit = 1560, varbit = 1562, numeric = 1700,
                               refcursor = 1790, regprocedure = 2202, regoper = 2203, regoperator = 2204,
                               regclass = 2205, regtype = 2206, uuid = 2950, txid_snapshot = 2970, pg_lsn = 3220,
                               tsvector = 3614, tsquery = 3615, regconfig = 3734, regdictionary = 3769, jsonb = 3802,
                               jsonpath = 4072, regnamespace = 4089, regrole = 4096, regcollation = 4191,
                               pg_snapshot = 5038, xid8 = 5069;

}  // namespace pulk::postgres::oid
