"""python -m tests.doubles.tds: starts the stand-in; prints one line of JSON with its ports when it answers, and serves until its
standard input ends."""

import argparse
import faulthandler
import json
import sys
import tempfile
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

from .control import TdsControl
from .engine import make_engine
from .server import Server
from .service import Service, Settings
from .tls import server_context


def main():
    faulthandler.enable()
    parser = argparse.ArgumentParser(prog="python -m tests.doubles.tds", description="A stand-in for SQL Server, for tests.")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--control-port", type=int, default=0, help="of the control interface; 0: any that is free")
    parser.add_argument("--data", type=Path, help="folder for databases; a temporary one when it is not given")
    parser.add_argument("--certificate", help="PEM; without it there is no TLS")
    parser.add_argument("--key", help="PEM, of the certificate")
    parser.add_argument("--encryption", choices=("unsupported", "offered", "required"), default="offered")
    parser.add_argument("--keytab", help="with the keys of MSSQLSvc/host:port; without it there are no Kerberos logins")
    parser.add_argument("--users", type=Path, help='JSON: {"sa": {"password": "…"}, "app@REALM": {"database": "…"}, "application id": {}}; see /users in control.py')
    parser.add_argument("--token-key", type=Path, help="PEM, the public key of who signs access tokens; without it none is right")
    parser.add_argument("--token-audience", default="https://database.windows.net")
    parser.add_argument("--token-issuer", default="", help="none: any")
    arguments = parser.parse_args()

    folder = arguments.data or Path(tempfile.mkdtemp(prefix="tds-double-"))
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(encryption=arguments.encryption, token_public_key=arguments.token_key.read_text() if arguments.token_key else "",
                        token_audience=arguments.token_audience, token_issuer=arguments.token_issuer)
    service = Service(make_engine(folder), settings, server_context(arguments.certificate, arguments.key) if arguments.certificate else None,
                      f"FILE:{arguments.keytab}" if arguments.keytab else "")
    for name, facts in (json.loads(arguments.users.read_text()) if arguments.users else {}).items():
        service.add_user(name, **facts)

    server = Server(service, arguments.port)
    TdsControl.store = service
    control = ThreadingHTTPServer(("127.0.0.1", arguments.control_port), TdsControl)
    control.daemon_threads = True
    for one in (server, control):
        threading.Thread(target=one.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.port, "control_port": control.server_address[1], "data": str(folder)}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
