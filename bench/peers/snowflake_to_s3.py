#!/usr/bin/env python3
"""The usual pipeline: snowflake-connector-python into a DataFrame, pandas into a buffer, boto3 into the bucket."""

import io
import json
import os
import sys

import boto3
import snowflake.connector

connection, query, kind = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
session = snowflake.connector.connect(**connection)
cursor = session.cursor()
cursor.execute(query)
frame = cursor.fetch_pandas_all()
session.close()
buffer = io.BytesIO()
if kind == "parquet":
    frame.to_parquet(buffer, index=False)
elif kind == "csv":
    frame.to_csv(buffer, index=False)
else:
    frame.to_json(buffer, orient="records", lines=True, date_format="iso")
buffer.seek(0)
boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1").put_object(
    Bucket="bench", Key="peer." + kind, Body=buffer.getvalue())
print(len(frame))
