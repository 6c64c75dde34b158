// The structure of a workflow file. load_workflow checks against this very text, so what `pulk schema` prints and what
// pulk accepts cannot differ. Descriptions are also the hints of messages: each is one sentence that helps to correct
// a wrong value. null means "not set" wherever a default can be inherited.
#include "config/workflow.h"

namespace pulk {
namespace {

constexpr char kSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "pulk workflow",
  "description": "Which tables move from a source to a target, and how.",
  "type": "object",
  "additionalProperties": false,
  "required": ["tables"],
  "properties": {
    "$schema": {
      "description": "Where editors find this schema; not read by pulk.",
      "type": "string"
    },
    "schemaVersion": {
      "description": "Version of the structure of this file: this version of pulk reads major version 1.",
      "type": ["string", "null"],
      "pattern": "^1(\\.(0|[1-9][0-9]*)){0,2}$",
      "default": "1.0.0",
      "examples": ["1", "1.0", "1.0.0"]
    },
    "affinity": {
      "description": "Only orchestrators and workers with a matching affinity process this workflow.",
      "type": ["string", "null"]
    },
    "defaultTableConfiguration": {
      "description": "Settings that every table inherits: objects are merged, lists are replaced, other values overridden.",
      "$ref": "#/$defs/table"
    },
    "tables": {
      "description": "The tables to move, at least one.",
      "type": "array",
      "minItems": 1,
      "items": { "$ref": "#/$defs/table", "type": "object" }
    }
  },
  "$defs": {
    "table": {
      "description": "One table and how it is moved.",
      "type": ["object", "null"],
      "additionalProperties": false,
      "properties": {
        "source": { "$ref": "#/$defs/source" },
        "target": { "$ref": "#/$defs/target" },
        "columnNamesToPartitionBy": {
          "description": "Source columns whose ranges cut the table into partitions; absent or empty leaves it to pulk.",
          "$ref": "#/$defs/columns"
        },
        "partitioning": {
          "description": "How partitions are cut: by key ranges, by page ranges of the source, not at all, or as pulk sees fit.",
          "type": ["string", "null"],
          "enum": ["auto", "key", "physical", "none", null],
          "default": "auto"
        },
        "partitionSize": {
          "description": "\"auto\", { \"targetSizeMb\": N } or { \"maxRowsPerPartition\": N }.",
          "default": "auto",
          "oneOf": [
            { "type": "string", "enum": ["auto"] },
            { "type": "null" },
            {
              "description": "Exactly one of targetSizeMb and maxRowsPerPartition.",
              "type": "object",
              "additionalProperties": false,
              "minProperties": 1,
              "maxProperties": 1,
              "properties": {
                "targetSizeMb": {
                  "description": "Megabytes (2^20 bytes) of data that a partition should have.",
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 1000000000
                },
                "maxRowsPerPartition": {
                  "description": "Rows that a partition has at most.",
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 9007199254740991
                }
              }
            }
          ]
        },
        "targetPartitionSizeMb": {
          "description": "Newer spelling of partitionSize.targetSizeMb: megabytes (2^20 bytes).",
          "type": ["integer", "null"],
          "minimum": 1,
          "maximum": 1000000000
        },
        "targetPartitionSizeRows": {
          "description": "Newer spelling of partitionSize.maxRowsPerPartition.",
          "type": ["integer", "null"],
          "minimum": 1,
          "maximum": 9007199254740991
        },
        "maxPartitionSizeRows": {
          "description": "Newer spelling of partitionSize.maxRowsPerPartition.",
          "type": ["integer", "null"],
          "minimum": 1,
          "maximum": 9007199254740991
        },
        "primaryKeyColumns": {
          "description": "Source columns that identify a row.",
          "$ref": "#/$defs/columns"
        },
        "whereClauseCriteria": {
          "description": "SQL condition of the source that selects rows, without WHERE.",
          "type": ["string", "null"],
          "examples": ["is_deleted = 0"]
        },
        "columnTypeMappings": {
          "description": "Target types for source types, in place of pulk's own choice.",
          "type": ["array", "null"],
          "items": {
            "description": "An object with sourceType and targetType.",
            "type": "object",
            "additionalProperties": false,
            "required": ["sourceType", "targetType"],
            "properties": {
              "sourceType": {
                "description": "Type as the source names it, with or without its arguments.",
                "type": "string",
                "minLength": 1
              },
              "targetType": {
                "description": "Type as the target names it.",
                "type": "string",
                "minLength": 1
              }
            }
          }
        },
        "columnNameMappings": {
          "description": "New names for columns.",
          "type": ["array", "null"],
          "items": {
            "description": "An object with sourceName and targetName.",
            "type": "object",
            "additionalProperties": false,
            "required": ["sourceName", "targetName"],
            "properties": {
              "sourceName": {
                "description": "Column in the source.",
                "type": "string",
                "minLength": 1
              },
              "targetName": {
                "description": "Column in the target.",
                "type": "string",
                "minLength": 1
              }
            }
          }
        },
        "sourceQuiet": {
          "description": "true asserts that the source does not change until the run is done.",
          "type": ["boolean", "null"],
          "default": false
        },
        "extraction": { "$ref": "#/$defs/extraction" },
        "synchronization": { "$ref": "#/$defs/synchronization" }
      }
    },
    "columns": {
      "type": ["array", "null"],
      "items": {
        "description": "A column name; one that needs quotes is written with them, as in SQL.",
        "type": "string",
        "minLength": 1
      }
    },
    "databaseName": {
      "description": "Name of the database; one that needs quotes is written with them, as in SQL.",
      "type": ["string", "null"],
      "minLength": 1
    },
    "schemaName": {
      "description": "Name of the schema; one that needs quotes is written with them, as in SQL.",
      "type": ["string", "null"],
      "minLength": 1
    },
    "tableName": {
      "description": "Name of the table; one that needs quotes is written with them, as in SQL.",
      "type": ["string", "null"],
      "minLength": 1
    },
    "source": {
      "description": "What is read: a table or view by its name, or a query.",
      "type": ["object", "null"],
      "additionalProperties": false,
      "properties": {
        "databaseName": { "$ref": "#/$defs/databaseName" },
        "schemaName": { "$ref": "#/$defs/schemaName" },
        "tableName": { "$ref": "#/$defs/tableName" },
        "query": {
          "description": "A SELECT in the SQL of the source, in place of tableName.",
          "type": ["string", "null"],
          "minLength": 1
        }
      }
    },
    "target": {
      "description": "Where the rows go.",
      "type": ["object", "null"],
      "additionalProperties": false,
      "properties": {
        "databaseName": { "$ref": "#/$defs/databaseName" },
        "schemaName": { "$ref": "#/$defs/schemaName" },
        "tableName": { "$ref": "#/$defs/tableName" },
        "tableType": {
          "description": "Kind of the target table.",
          "type": ["string", "null"],
          "enum": ["native", "iceberg", null],
          "default": "native"
        },
        "icebergConfig": { "$ref": "#/$defs/icebergConfig" }
      }
    },
    "icebergConfig": {
      "description": "Settings of an Iceberg table.",
      "type": ["object", "null"],
      "additionalProperties": false,
      "properties": {
        "catalog": {
          "description": "SNOWFLAKE, or the name of a catalog integration.",
          "type": ["string", "null"],
          "minLength": 1,
          "default": "SNOWFLAKE"
        },
        "externalVolume": {
          "description": "External volume of the table; needed when the catalog is SNOWFLAKE.",
          "type": ["string", "null"],
          "minLength": 1
        },
        "baseLocationPrefix": {
          "description": "Prefix of the table's folder on the external volume.",
          "type": ["string", "null"]
        },
        "catalogTableName": {
          "description": "Name of the table in its catalog; needed when the catalog is not SNOWFLAKE.",
          "type": ["string", "null"],
          "minLength": 1
        },
        "catalogSync": {
          "description": "Catalog integration that the table is synchronised with.",
          "type": ["string", "null"],
          "minLength": 1
        },
        "sourceDataStage": {
          "description": "Stage with the data, beginning with @.",
          "type": ["string", "null"],
          "pattern": "^@",
          "examples": ["@MY_DB.PUBLIC.ICEBERG_SOURCE_STAGE"]
        },
        "migrationStrategy": {
          "description": "How an existing Iceberg table is taken over.",
          "type": ["string", "null"],
          "enum": ["catalog_link", "convert_to_managed", "copy_files", null]
        }
      }
    },
    "extraction": {
      "description": "How rows leave the source.",
      "type": ["object", "null"],
      "additionalProperties": false,
      "properties": {
        "strategy": {
          "description": "regular reads through pulk, unload lets Redshift write to S3.",
          "type": ["string", "null"],
          "enum": ["regular", "unload", null],
          "default": "regular"
        },
        "externalStage": {
          "description": "External stage that unload writes to.",
          "type": ["string", "null"],
          "minLength": 1,
          "examples": ["MY_DB.MY_SCHEMA.S3_EXTERNAL_STAGE"]
        }
      }
    },
    "synchronization": {
      "description": "What a later run of the same workflow reads.",
      "type": ["object", "null"],
      "additionalProperties": false,
      "properties": {
        "strategy": {
          "description": "none reads everything, checksum the changed partitions, watermark the newer rows.",
          "type": ["string", "null"],
          "enum": ["none", "checksum", "watermark", null],
          "default": "none"
        },
        "watermarkColumn": {
          "description": "Column that only grows.",
          "type": ["string", "null"],
          "minLength": 1
        },
        "trackModifications": {
          "description": "Also replace rows that changed; needs primaryKeyColumns.",
          "type": ["boolean", "null"],
          "default": false
        }
      }
    }
  }
}
)json";

}  // namespace

std::string workflow_schema() { return kSchema; }

}  // namespace pulk
