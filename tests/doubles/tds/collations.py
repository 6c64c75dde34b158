"""Collations: their five bytes on the wire (MS-TDS 2.2.5.1.2) and the code page of their char and varchar.

Locales and code pages are those of sys.fn_helpcollations() and COLLATIONPROPERTY; sort numbers those of the SQL_ collations."""

import struct
from functools import lru_cache

DEFAULT = "SQL_Latin1_General_CP1_CI_AS"

_LOCALES = {
    "Albanian": (0x041C, "cp1250"), "Arabic": (0x0401, "cp1256"), "Chinese_PRC": (0x0804, "cp936"), "Chinese_Simplified_Pinyin": (0x0804, "cp936"),
    "Chinese_Taiwan_Stroke": (0x0404, "cp950"), "Chinese_Traditional_Stroke_Count": (0x0404, "cp950"), "Croatian": (0x041A, "cp1250"),
    "Cyrillic_General": (0x0419, "cp1251"), "Czech": (0x0405, "cp1250"), "Danish_Norwegian": (0x0406, "cp1252"), "Estonian": (0x0425, "cp1257"),
    "Finnish_Swedish": (0x040B, "cp1252"), "French": (0x040C, "cp1252"), "German_PhoneBook": (0x10407, "cp1252"), "Greek": (0x0408, "cp1253"),
    "Hebrew": (0x040D, "cp1255"), "Hungarian": (0x040E, "cp1250"), "Icelandic": (0x040F, "cp1252"), "Japanese": (0x0411, "cp932"),
    "Japanese_XJIS": (0x0411, "cp932"), "Korean": (0x0412, "cp949"), "Korean_Wansung": (0x0412, "cp949"), "Latin1_General": (0x0409, "cp1252"),
    "Latvian": (0x0426, "cp1257"), "Lithuanian": (0x0427, "cp1257"), "Modern_Spanish": (0x0C0A, "cp1252"), "Polish": (0x0415, "cp1250"),
    "Romanian": (0x0418, "cp1250"), "Slovak": (0x041B, "cp1250"), "Slovenian": (0x0424, "cp1250"), "Thai": (0x041E, "cp874"),
    "Traditional_Spanish": (0x040A, "cp1252"), "Turkish": (0x041F, "cp1254"), "Ukrainian": (0x0422, "cp1251"), "Vietnamese": (0x042A, "cp1258"),
}
_SORT_NUMBERS = {
    "SQL_Latin1_General_CP437_BIN": 30, "SQL_Latin1_General_CP437_CS_AS": 31, "SQL_Latin1_General_CP437_CI_AS": 32, "SQL_Latin1_General_CP437_CI_AI": 34,
    "SQL_Latin1_General_CP850_BIN": 40, "SQL_Latin1_General_CP850_CS_AS": 41, "SQL_Latin1_General_CP850_CI_AS": 42, "SQL_Latin1_General_CP850_CI_AI": 44,
    "SQL_Latin1_General_CP1_CS_AS": 51, "SQL_Latin1_General_CP1_CI_AS": 52, "SQL_Latin1_General_CP1_CI_AI": 54,
    "SQL_Latin1_General_CP1250_CS_AS": 81, "SQL_Latin1_General_CP1250_CI_AS": 82, "SQL_Czech_CP1250_CS_AS": 83, "SQL_Czech_CP1250_CI_AS": 84,
    "SQL_Hungarian_CP1250_CS_AS": 85, "SQL_Hungarian_CP1250_CI_AS": 86, "SQL_Polish_CP1250_CS_AS": 87, "SQL_Polish_CP1250_CI_AS": 88,
    "SQL_Latin1_General_CP1251_CS_AS": 105, "SQL_Latin1_General_CP1251_CI_AS": 106, "SQL_Latin1_General_CP1253_CS_AS": 113,
    "SQL_Latin1_General_CP1253_CI_AS": 114, "SQL_Latin1_General_CP1254_CS_AS": 129, "SQL_Latin1_General_CP1254_CI_AS": 130,
    "SQL_Latin1_General_CP1255_CS_AS": 137, "SQL_Latin1_General_CP1255_CI_AS": 138, "SQL_Latin1_General_CP1256_CS_AS": 145,
    "SQL_Latin1_General_CP1256_CI_AS": 146, "SQL_Latin1_General_CP1257_CS_AS": 153, "SQL_Latin1_General_CP1257_CI_AS": 154,
}
_VERSIONS = {"90": 1, "100": 2, "140": 3, "160": 4}
_CASE, _ACCENT, _WIDTH, _KANA, _BINARY, _BINARY2, _UTF8 = (1 << bit for bit in range(20, 27))


class UnknownCollation(ValueError):
    pass


@lru_cache(maxsize=None)
def parse(name: str) -> tuple[bytes, str]:
    """(five bytes, Python's name of the code page)"""
    parts = name.split("_")
    sort_number, codec = 0, None
    if parts[0] == "SQL":
        sort_number = _SORT_NUMBERS.get(name)
        page = next((part for part in parts if part.startswith("CP")), None)
        if sort_number is None or page is None:
            raise UnknownCollation(name)
        codec = "cp1252" if page == "CP1" else page.lower()
        parts = [part for part in parts[1:] if part != page]
    for length in range(len(parts), 0, -1):
        locale = _LOCALES.get("_".join(parts[:length]))
        if locale:
            break
    else:
        raise UnknownCollation(name)
    number, rest = locale[0], parts[length:]
    if rest and rest[0] in _VERSIONS:
        number |= _VERSIONS[rest.pop(0)] << 28
    if "BIN" in rest or "BIN2" in rest:
        number |= _BINARY if "BIN" in rest else _BINARY2
    else:
        number |= (_CASE if "CI" in rest else 0) | (_ACCENT if "AI" in rest else 0)
        number |= (0 if "KS" in rest else _KANA) | (0 if "WS" in rest else _WIDTH)
    if "UTF8" in rest:
        number, codec = number | _UTF8, "utf-8"
    return struct.pack("<IB", number, sort_number), codec or locale[1]


def codec_of(data: bytes) -> str:
    """Of the five bytes in a client's parameter."""
    number, sort_number = struct.unpack("<IB", data)
    if number & _UTF8:
        return "utf-8"
    for name, known in _SORT_NUMBERS.items():
        if sort_number and known == sort_number:
            return parse(name)[1]
    for locale, codec in _LOCALES.values():
        if locale == number & 0xFFFFF:
            return codec
    return "cp1252"
