"""A real KDC (MIT krb5kdc) with a realm of its own, for tests of Kerberos logins."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from support.server import _die_with_parent, find_program, free_port

REALM = "LAB.TEST"


class Realm:
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="pulk-kdc-", dir="/tmp"))
        port = free_port()
        (self.folder / "krb5.conf").write_text(f"""[libdefaults]
 default_realm = {REALM}
 dns_lookup_realm = false
 dns_lookup_kdc = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 {REALM} = {{
  kdc = 127.0.0.1:{port}
 }}
[domain_realm]
 localhost = {REALM}
""")
        (self.folder / "kdc.conf").write_text(f"""[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {REALM} = {{
  database_name = {self.folder}/principal
  key_stash_file = {self.folder}/stash
 }}
[logging]
 kdc = FILE:{self.folder}/kdc.log
""")
        self.environment = {"KRB5_CONFIG": str(self.folder / "krb5.conf"), "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf")}
        self._run("kdb5_util", "-r", REALM, "create", "-s", "-P", "masterpw")
        self._process = subprocess.Popen([find_program("krb5kdc"), "-n", "-r", REALM], env={**os.environ, **self.environment},
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=_die_with_parent)
        for line in self._process.stdout:
            if b"commencing operation" in line or b"starting" in line:
                break

    def _run(self, program: str, *arguments):
        done = subprocess.run([find_program(program), *arguments], env={**os.environ, **self.environment}, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def keytab(self, principal: str, file: str) -> Path:
        """Adds the principal with a random key, and that to a file of this name."""
        path = self.folder / file
        for query in (f"addprinc -randkey {principal}", f"ktadd -k {path} {principal}"):
            self._run("kadmin.local", "-r", REALM, "-q", query)
        return path

    def ticket(self, principal: str) -> dict:
        """The environment of a client with a fresh ticket."""
        cache = self.folder / f"cache-{principal}"
        if not cache.exists():
            self._run("kinit", "-c", str(cache), "-kt", str(self.keytab(principal, principal + ".keytab")), principal)
        return {**self.environment, "KRB5CCNAME": f"FILE:{cache}"}

    def remove(self):
        self._process.kill()
        self._process.wait(30)
        self._process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
