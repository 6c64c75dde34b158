"""A real KDC (MIT krb5kdc) for one test session: its own realm, folder and port; and MIT's own programs as independent clients."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from support.server import LOGIN, PostgresServer, _die_with_parent, find_program, free_port, service_user

REALM = "LAB.TEST"


class Kdc:
    def __init__(self, realm=REALM):
        self.realm = realm
        self.folder = Path(tempfile.mkdtemp(prefix="pulk-kdc-", dir="/tmp"))
        self.folder.chmod(0o755)  # a server that runs as another user reads krb5.conf
        self.port = free_port()
        self.config = self.folder / "krb5.conf"
        self.write_config(self.config)
        self._log = self.folder / "kdc.log"
        (self.folder / "kdc.conf").write_text(f"""[kdcdefaults]
 kdc_listen = 127.0.0.1:{self.port}
 kdc_tcp_listen = 127.0.0.1:{self.port}
[realms]
 {realm} = {{
  database_name = {self.folder}/principal
  key_stash_file = {self.folder}/stash
  acl_file = {self.folder}/kadm5.acl
  supported_enctypes = aes256-cts:normal aes128-cts:normal
  max_life = 1h
 }}
[dbmodules]
 {realm} = {{
  db_library = db2
  disable_last_success = true
 }}
[logging]
 kdc = FILE:{self._log}
 kdc = STDERR
""")
        self.environment = {**os.environ, "KRB5_CONFIG": str(self.config), "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf")}
        self._process = None
        self._run("kdb5_util", "-r", realm, "create", "-s", "-P", "masterpw")
        self.start()

    def write_config(self, path, realm=None, port=None, more=""):
        """A krb5.conf; every name is taken as it is written, nothing is asked of the DNS."""
        realm = realm or self.realm
        path.write_text(f"""[libdefaults]
 default_realm = {realm}
 dns_lookup_realm = false
 dns_lookup_kdc = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
 {more}
[realms]
 {realm} = {{
  kdc = 127.0.0.1:{port or self.port}
 }}
[domain_realm]
 localhost = {realm}
""")
        return path

    def _run(self, program, *args, input=None):
        done = subprocess.run([find_program(program), *map(str, args)], env=self.environment, input=input, capture_output=True,
                              text=True)
        assert done.returncode == 0 and "while" not in done.stderr, done.stdout + done.stderr
        return done.stdout

    def start(self, ahead=0):
        """`ahead`: seconds that its clock is ahead of everybody else's."""
        environment = dict(self.environment)
        if ahead:
            library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
            assert library, "libfaketime is not installed; `make setup` installs what the tests need"
            environment |= {"LD_PRELOAD": str(library), "FAKETIME": f"{ahead:+}", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self._process = subprocess.Popen([find_program("krb5kdc"), "-n", "-r", self.realm], env=environment,
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                         preexec_fn=_die_with_parent)
        said = []
        for line in self._process.stderr:
            said.append(line)
            if "commencing operation" in line:
                break
        else:
            raise RuntimeError("krb5kdc does not start:\n" + "".join(said))
        threading.Thread(target=self._process.stderr.read, daemon=True).start()

    def stop(self):
        self._process.terminate()
        self._process.wait(10)

    @contextlib.contextmanager
    def away(self):
        self.stop()
        try:
            yield
        finally:
            self.start()

    def freeze(self):
        """It takes connections, the kernel does that, and never answers."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    def connected(self) -> bool:
        """Somebody has an open connection to it."""
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        return any(remote.endswith(f":{self.port:04X}") and state == "01" for _, _, remote, state, *_ in map(str.split, lines))

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def admin(self, *commands):
        """Of kadmin, as the administrator on the KDC's own machine."""
        return self._run("kadmin.local", "-r", self.realm, input="".join(command + "\n" for command in commands))

    def add(self, *principals, options=""):
        """As Active Directory has them: whoever asks proves himself first."""
        self.admin(*(f"addprinc -randkey +requires_preauth {options} {name}" for name in principals))

    def keytab(self, name, *principals) -> Path:
        """With the keys as they are: ktadd alone would make new ones."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        self.admin(*(f"ktadd -norandkey -k {path} {principal}" for principal in principals))
        path.chmod(0o600)
        return path

    # --- MIT's own programs

    def kinit(self, keytab, principal, cache):
        self._run("kinit", "-k", "-t", keytab, "-c", cache, principal)

    def klist_keytab(self, keytab, *flags) -> str:
        return self._run("klist", "-k", "-e", "-t", *flags, keytab)

    def kvno(self, cache, service) -> str:
        return self._run("kvno", "-c", cache, service)

    def wait_for_end(self, cache):
        """Until klist finds no ticket in it that holds."""
        while subprocess.run([find_program("klist"), "-s", "-c", str(cache)], env=self.environment).returncode == 0:
            time.sleep(0.05)

    # --- what the KDC saw

    def issued(self, client, service="krbtgt") -> int:
        return sum(1 for line in self._log.read_text().splitlines()
                   if ": ISSUE:" in line and f" {client}@{self.realm} for {service}/" in line)

    def refused(self, client) -> int:
        """Proofs that were wrong."""
        return sum(1 for line in self._log.read_text().splitlines() if f"PREAUTH_FAILED: {client}@{self.realm} " in line)

    def wait_for_issue(self, client, more_than, service="krbtgt", timeout=30):
        deadline = time.monotonic() + timeout
        while self.issued(client, service) <= more_than:
            assert time.monotonic() < deadline, self._log.read_text()[-2000:]
            time.sleep(0.02)


class KerberosPostgres(PostgresServer):
    """A PostgreSQL that takes every principal of the realm for LOGIN: over TLS, over GSSAPI's own encryption, and plainly."""

    def __init__(self, kdc):
        super().__init__()
        self.stop()
        data = self.folder / "data"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost", "-keyout", data / "server.key", "-out", data / "server.crt"],
                       check=True, capture_output=True, cwd=self.folder, **service_user())
        self.keytab = self.folder / "server.keytab"
        shutil.copy(kdc.keytab("server.keytab", "postgres/localhost"), self.keytab)
        if service_user():
            os.chown(self.keytab, service_user()["user"], service_user()["group"])
        with open(data / "postgresql.conf", "a") as settings:
            settings.write(f"ssl = on\nkrb_server_keyfile = '{self.keytab}'\nlog_connections = on\n")
        (data / "pg_ident.conf").write_text(f"realm /^.*@{kdc.realm}$ {LOGIN}\n")
        gss = f"127.0.0.1/32 gss include_realm=1 krb_realm={kdc.realm} map=realm"
        (data / "pg_hba.conf").write_text(f"local all all trust\nhost all password 127.0.0.1/32 scram-sha-256\n"
                                          f"hostgssenc all all {gss}\nhostssl all all {gss}\nhostnossl all all {gss}\n")
        self.environment = {**os.environ, "KRB5_CONFIG": str(kdc.config), "KRB5RCACHENAME": "none:"}
        self.start()

    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    def logins(self, principal) -> int:
        return self.log().count(f'connection authenticated: identity="{principal}" method=gss')
