// The structure of an exports file. load_export_file checks against this very text, so what `pulk schema exports`
// prints and what pulk accepts cannot differ. Descriptions are also the hints of messages.
#include "config/export_file.h"

namespace pulk {
namespace {

constexpr char kSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "pulk exports",
  "description": "Which tables and queries are written to files, and how.",
  "type": "object",
  "additionalProperties": false,
  "required": ["exports"],
  "properties": {
    "$schema": {
      "description": "Where editors find this schema; not read by pulk.",
      "type": "string"
    },
    "source": {
      "description": "A connection of the connections file: postgresql, odbc, duckdb, snowflake …; null is Snowflake by the environment.",
      "type": ["string", "null"],
      "minLength": 1
    },
    "destination": {
      "description": "s3://BUCKET, s3://BUCKET/PREFIX or file:///FOLDER; null is the bucket of S3_BUCKET_NAME.",
      "type": ["string", "null"],
      "pattern": "^(s3://[^/]+(/.*)?|file:///.*)$",
      "examples": ["s3://lake/raw", "file:///var/exports"]
    },
    "stage": {
      "description": "An external stage of Snowflake's over the destination, for the road unload: @DATABASE.SCHEMA.STAGE.",
      "type": ["string", "null"],
      "pattern": "^@[^~%/].*$",
      "examples": ["@LAKE.PUBLIC.EXPORTS"]
    },
    "exports": {
      "description": "What is written, at least one.",
      "type": "array",
      "minItems": 1,
      "items": { "$ref": "#/$defs/export" }
    }
  },
  "$defs": {
    "export": {
      "description": "One table or query, and where it goes.",
      "type": "object",
      "additionalProperties": false,
      "required": ["table", "s3_path"],
      "properties": {
        "table": {
          "description": "Name for logs; without a query also the table that is read: TABLE, SCHEMA.TABLE or DATABASE.SCHEMA.TABLE.",
          "type": "string",
          "minLength": 1,
          "examples": ["ORDERS", "TPCH_SF1.ORDERS"]
        },
        "s3_path": {
          "description": "Key of the file below the destination; with a slash at its end a folder for several files.",
          "type": "string",
          "minLength": 1,
          "examples": ["exports/orders/data.parquet", "exports/orders/"]
        },
        "file_type": {
          "description": "parquet, csv or json (one object per line).",
          "type": ["string", "null"],
          "enum": ["parquet", "csv", "json", null],
          "default": "parquet"
        },
        "query": {
          "description": "What is read; null is the whole table.",
          "type": ["string", "null"]
        },
        "road": {
          "description": "stream goes through pulk (auto is this); unload lets Snowflake write by COPY INTO the stage.",
          "type": ["string", "null"],
          "enum": ["auto", "stream", "unload", null],
          "default": "auto"
        },
        "compression": {
          "description": "parquet: zstd (default), snappy, gzip, lz4, none. csv and json: none (default), gzip, zstd.",
          "type": ["string", "null"],
          "enum": ["zstd", "snappy", "gzip", "lz4", "none", null]
        },
        "max_file_size": {
          "description": "A new file is begun at about this size, such as 256MiB; needs an s3_path that ends with a slash.",
          "type": ["string", "null"],
          "examples": ["256MiB", "1GiB"]
        },
        "partition_by": {
          "description": "Columns whose values become folders NAME=VALUE and are not in the files; an empty text is refused. Needs an s3_path that ends with a slash.",
          "type": ["array", "null"],
          "items": { "type": "string", "minLength": 1 }
        },
        "if_exists": {
          "description": "What becomes of what is there: overwrite replaces the file, of a folder its part- files; refuse leaves it and fails.",
          "type": ["string", "null"],
          "enum": ["overwrite", "refuse", null],
          "default": "overwrite"
        },
        "manifest": {
          "description": "A folder also gets _manifest.json with rows, bytes and digests, and _SUCCESS last.",
          "type": ["boolean", "null"],
          "default": true
        },
        "json": {
          "description": "How JSON is written.",
          "type": ["object", "null"],
          "additionalProperties": false,
          "properties": {
            "array": {
              "description": "One array instead of one object per line.",
              "type": ["boolean", "null"],
              "default": false
            }
          }
        },
        "csv": {
          "description": "How CSV is written.",
          "type": ["object", "null"],
          "additionalProperties": false,
          "properties": {
            "header": {
              "description": "The first line has the names of the columns.",
              "type": ["boolean", "null"],
              "default": true
            },
            "delimiter": {
              "description": "One character between values.",
              "type": ["string", "null"],
              "pattern": "^[^\"\\n\\r]$",
              "default": ",",
              "examples": [",", ";", "\t", "|"]
            },
            "quoting": {
              "description": "minimal quotes what needs it, all quotes every value but NULL.",
              "type": ["string", "null"],
              "enum": ["minimal", "all", null],
              "default": "minimal"
            },
            "null_text": {
              "description": "What stands for NULL, unquoted; an empty text that is no NULL is written as \"\". An empty one is \"\" too when there is one column only.",
              "type": ["string", "null"],
              "pattern": "^[^\"\\n\\r]*$",
              "default": "",
              "examples": ["", "NULL", "\\N"]
            },
            "line_end": {
              "description": "lf or crlf.",
              "type": ["string", "null"],
              "enum": ["lf", "crlf", null],
              "default": "lf"
            }
          }
        }
      }
    }
  }
}
)json";

}  // namespace

std::string_view export_schema() { return kSchema; }

}  // namespace pulk
