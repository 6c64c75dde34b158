"""python -m tests.doubles.snowflake: starts the stand-in; prints one line of JSON with its ports when it answers."""

import argparse
import json
import signal
import sys
import tempfile
import threading
from pathlib import Path

from .control import ControlServer
from .server import FrontServer
from .service import Service


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.doubles.snowflake", description="A stand-in for Snowflake, for tests.")
    parser.add_argument("--port", type=int, default=0, help="of the service; 0: any that is free")
    parser.add_argument("--control-port", type=int, default=0, help="of the control interface; 0: any that is free")
    parser.add_argument("--data", type=Path, help="folder for stages; a temporary one when it is not given")
    parser.add_argument("--account", default="ACCT")
    parser.add_argument("--user", default="mover", help="the first user")
    parser.add_argument("--password-file", type=Path, help="file with the first user's password; none: no such user")
    parser.add_argument("--s3-endpoint", help="http://127.0.0.1:PORT of the server that external stages read from")
    parser.add_argument("--s3-credentials-file", type=Path, help="two lines: key id, secret key")
    arguments = parser.parse_args()

    folder = arguments.data or Path(tempfile.mkdtemp(prefix="snowflake-double-"))
    folder.mkdir(parents=True, exist_ok=True)
    s3 = None
    if arguments.s3_endpoint:
        lines = arguments.s3_credentials_file.read_text().split() if arguments.s3_credentials_file else ["", ""]
        s3 = {"endpoint": arguments.s3_endpoint, "access_key": lines[0], "secret_key": lines[1]}
    service = Service(folder, arguments.account, s3)
    if arguments.password_file:
        service.account.add_user(arguments.user, password=arguments.password_file.read_text().rstrip("\n"),
                                 default_warehouse="COMPUTE_WH")
    front = FrontServer(("127.0.0.1", arguments.port), service)
    control = ControlServer(("127.0.0.1", arguments.control_port), service)
    service.base_url = f"http://127.0.0.1:{front.server_address[1]}"
    for server in (front, control):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": front.server_address[1], "control_port": control.server_address[1], "data": str(folder)}), flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
    sys.exit(0)


if __name__ == "__main__":
    main()
