"""S3 for tests: moto, which checks signatures and policies here, behind a layer that fails when it is told to.

Prints one line of JSON: port, control_port, and the keys of the users `mover` (may do everything in S3) and `reader` (may
only read), and those of `temporary`, who has a session token too. The control interface takes POST with a JSON body:

  /faults    {operation, action, times, skip, ...}: the next requests of this operation, after `skip` of them, go wrong.
             error (status, code, message, headers): answered so, nothing is done. lose: done, the connection is closed
             without an answer. close: not done, closed. stall (seconds): not done, silent so long.
  /user      {name, policy}: a user with this policy; answers with the keys
  /age       {seconds}: unfinished uploads are listed as begun so long ago; else they were begun just now
  /heal      no more faults; answers with those that were still to come
  /reset     buckets, faults and requests are empty again
  /requests  names of the operations so far
  /uploads   {bucket}: keys of uploads that nobody completed
  /head      {bucket, key}: what boto3 tells of an object
  /keys      {bucket}: keys of all objects, also of empty ones that stand for folders
"""

import json
import os
import socket
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

# Large objects go to disk, not into this process.
os.environ["MOTO_S3_DEFAULT_KEY_BUFFER_SIZE"] = str(1 << 20)

import boto3  # noqa: E402
from moto import settings  # noqa: E402
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402
from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402

BUCKETS = ("landing", "other")
EVERYTHING = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
READING = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}]}'


def operation_of(environ) -> str:
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    method = environ["REQUEST_METHOD"]
    if "uploads" in query:
        return "CreateMultipartUpload" if method == "POST" else "ListMultipartUploads"
    if "uploadId" in query:
        return {"PUT": "UploadPart", "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload"}.get(method, method)
    if "list-type" in query:
        return "ListObjectsV2"
    return {"DELETE": "DeleteObject", "HEAD": "HeadObject", "GET": "GetObject"}.get(method, method)


MOTOS_MOMENT = b"2010-11-10T20:48:33.000Z"


class Faulty:
    """A WSGI application around another."""

    def __init__(self, application):
        self._application = application
        self._lock = threading.Lock()
        self.faults, self.requests, self.age = [], [], 0

    def _fault(self, operation):
        with self._lock:
            self.requests.append(operation)
            for fault in self.faults:
                if fault["operation"] != operation:
                    continue
                if fault.get("skip", 0) > 0:
                    fault["skip"] -= 1
                elif fault.get("times", 1) > 0:
                    fault["times"] = fault.get("times", 1) - 1
                    return fault
        return None

    def __call__(self, environ, start_response):
        operation = operation_of(environ)
        fault = self._fault(operation)
        if fault is None:
            answer = self._application(environ, start_response)
            if operation != "ListMultipartUploads":
                return answer
            # moto says of every upload that it was begun in 2010.
            begun = datetime.now(timezone.utc) - timedelta(seconds=self.age)
            return [piece.replace(MOTOS_MOMENT, begun.strftime("%Y-%m-%dT%H:%M:%S.000Z").encode()) for piece in answer]
        if fault["action"] == "error":
            # Read first: a client may not look at the answer before it has sent everything.
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            body = f"<Error><Code>{fault['code']}</Code><Message>{fault.get('message', '')}</Message></Error>".encode()
            headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
            start_response(f"{fault['status']} Fault", headers + list(fault.get("headers", {}).items()))
            return [body]
        if fault["action"] == "lose":
            list(self._application(environ, lambda *_: None))
        if fault["action"] == "stall":
            time.sleep(fault["seconds"])
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionError("a fault was asked for")


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_):
        pass


def client(service, port, keys):
    return boto3.client(service, endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", aws_access_key_id=keys["access_key"],
                        aws_secret_access_key=keys["secret_key"])


def make_user(iam, name, policy) -> dict:
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}


def make_users(port) -> dict:
    """While no signature is checked yet."""
    iam = client("iam", port, {"access_key": "setup", "secret_key": "setup"})
    users = {name: make_user(iam, name, policy)
             for name, policy in (("mover", EVERYTHING), ("reader", READING), ("owner", EVERYTHING.replace("s3:*", "*")))}
    # A role of the mover's: its keys are good only together with their token.
    iam.create_role(RoleName="mover", AssumeRolePolicyDocument="{}")
    iam.put_role_policy(RoleName="mover", PolicyName="mover", PolicyDocument=EVERYTHING)
    role = client("sts", port, {"access_key": "setup", "secret_key": "setup"}).assume_role(
        RoleArn="arn:aws:iam::123456789012:role/mover", RoleSessionName="test")["Credentials"]
    users["temporary"] = {"access_key": role["AccessKeyId"], "secret_key": role["SecretAccessKey"], "session_token": role["SessionToken"]}
    return users


def control_server(faulty, s3, iam) -> ThreadingHTTPServer:
    def uploads(bucket):
        return [upload["Key"] for upload in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]

    def head(bucket, key):
        facts = s3.head_object(Bucket=bucket, Key=key)
        return {name: facts.get(name) for name in ("ContentLength", "ContentType", "ServerSideEncryption", "SSEKMSKeyId")}

    def keys(bucket):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def heal():
        left = [fault for fault in faulty.faults if fault.get("times", 1) > 0]
        faulty.faults.clear()
        return left

    def age(seconds):
        faulty.age = seconds

    def reset():
        faulty.faults.clear()
        faulty.age = 0
        for bucket in BUCKETS:
            for upload in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
                s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for found in page.get("Contents", []):
                    s3.delete_object(Bucket=bucket, Key=found["Key"])
        faulty.requests.clear()

    answers = {"/reset": reset, "/faults": lambda **fault: faulty.faults.append(fault), "/requests": lambda: faulty.requests,
               "/uploads": uploads, "/head": head, "/keys": keys, "/heal": heal, "/age": age,
               "/user": lambda name, policy: make_user(iam, name, policy)}

    class Control(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
            try:
                status, answer = 200, answers[self.path](**body)
            except Exception as error:  # noqa: BLE001 - shown by the test that asked
                status, answer = 500, repr(error)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Control)


def main():
    faulty = Faulty(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, faulty, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    users = make_users(server.port)
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    control = control_server(faulty, client("s3", server.port, users["mover"]), client("iam", server.port, users.pop("owner")))
    for bucket in BUCKETS:
        client("s3", server.port, users["mover"]).create_bucket(Bucket=bucket)
    faulty.requests.clear()
    print(json.dumps({"port": server.port, "control_port": control.server_port, **users}), flush=True)
    sys.stdout.close()
    control.serve_forever()


main()
