"""A company in stand-ins, as examples/mssql-to-snowflake wants one: a Vault, a domain (a real KDC), SQL Server with a certificate of the
company's own authority, Entra ID, and Snowflake with a security integration for its tokens."""

import base64
import datetime
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from support.entra import Entra
from support.kerberos import Kdc
from support.server import find_program
from support.snowflake import Snowflake
from support.snowflake_table import Place
from support.sqlserver import SqlServer, microsoft_driver
from support.vault import Vault

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "mssql-to-snowflake"
REALM = "CORP.COM"
PRINCIPAL = "svc_loader"
BRIEF = "svc_brief"        # its tickets live for BRIEF_SECONDS
BRIEF_SECONDS = 3
USER = "svc_loader@corp.com"
PATH = "data-pipelines/mssql-to-snowflake"
SCOPE = "api://snowflake.corp.com/.default"
# What docs/administrator.md grants.
GRANTS = ["USAGE ON WAREHOUSE LOAD_WH", "USAGE ON DATABASE RAW_ZONE", "USAGE ON SCHEMA RAW_ZONE.SALES", "CREATE TABLE ON SCHEMA RAW_ZONE.SALES",
          "USAGE ON SCHEMA RAW_ZONE._PULK", "CREATE TABLE ON SCHEMA RAW_ZONE._PULK", "CREATE STAGE ON SCHEMA RAW_ZONE._PULK"]

FIRST = datetime.datetime(2022, 12, 31, 23, 50)  # ModifiedDate of the first row
OLD = 600                                        # rows before 2023: one a second


class Authority:
    """Signs the certificate of localhost."""

    def __init__(self, folder: Path):
        self.certificate, self.server_certificate, self.server_key = folder / "ca.pem", folder / "server.pem", folder / "server-key.pem"
        key, request, more = folder / "ca-key.pem", folder / "server.csr", folder / "names"
        more.write_text("subjectAltName=DNS:localhost")
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Corp CA", "-keyout", key, "-out", self.certificate)
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", self.server_key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", key, "-CAcreateserial", "-days", "2", "-extfile", more,
                      "-out", self.server_certificate)

    @staticmethod
    def _openssl(*arguments):
        subprocess.run([find_program("openssl"), *map(str, arguments)], check=True, capture_output=True)


class Company:
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="pulk-company-", dir="/tmp"))
        self.authority = Authority(self.folder)
        self.kdc = Kdc(REALM)
        self.kdc.add(PRINCIPAL, "other", "changed")
        self.kdc.add(BRIEF, options=f'-maxlife "{BRIEF_SECONDS} seconds"')
        self.sqlserver = self._start_sqlserver()
        self.vault = Vault()
        self.entra, self.entra_of_sqlserver = Entra(), Entra()
        for entra, scope in ((self.entra, SCOPE), (self.entra_of_sqlserver, "https://database.windows.net/.default")):
            entra.control("settings", scope=scope)
            entra.scope = scope
        self.sqlserver.control("users", name=self.entra_of_sqlserver.subject)
        self.sqlserver.control("settings", token_public_key=self.entra_of_sqlserver.public_key, token_issuer=self.entra_of_sqlserver.issuer)
        self.snowflake = Snowflake()
        self.snowflake.control("warehouses", name="LOAD_WH")
        self.snowflake.control("roles", name="LOADER", grants=GRANTS)
        self.snowflake.control("users", name=USER, external_oauth=self.entra.integration(), roles=["LOADER"], default_role="LOADER")
        self.place = Place(self.snowflake, "RAW_ZONE")
        (self.folder / "odbcinst.ini").write_text(f"[ODBC Driver 18 for SQL Server]\nDriver={microsoft_driver()}\n")

    def _start_sqlserver(self) -> SqlServer:
        keytab = self.folder / "sqlserver.keytab"
        before = os.environ.get("KRB5_CONFIG")
        os.environ["KRB5_CONFIG"] = str(self.kdc.config)
        try:
            server = SqlServer(users={f"{name}@{REALM}": {} for name in (PRINCIPAL, BRIEF)},
                               options=["--keytab", str(keytab), "--certificate", str(self.authority.server_certificate),
                                        "--key", str(self.authority.server_key)])
        finally:
            os.environ.pop("KRB5_CONFIG") if before is None else os.environ.update(KRB5_CONFIG=before)
        server.certificate = self.authority.certificate  # whom its other clients trust
        service = f"MSSQLSvc/localhost:{server.port}"
        self.kdc.add(service)
        shutil.copy(self.kdc.keytab("service.keytab", service), keytab)
        return server

    def remove(self):
        for server in (self.vault, self.entra, self.entra_of_sqlserver, self.snowflake, self.sqlserver, self.kdc):
            server.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- as a person would set it up

    def addresses(self) -> dict:
        """The environment that leads the example to the stand-ins."""
        return {"VAULT_ADDR": self.vault.address, "KRB5_CONFIG": str(self.kdc.config), "ODBCSYSINI": str(self.folder),
                "AZURE_AUTHORITY_HOST": self.entra.address, "SNOWFLAKE_HOST": self.snowflake.host, "SNOWFLAKE_PORT": str(self.snowflake.port),
                "SNOWFLAKE_PROTOCOL": "http"}

    def keytab(self, principal=PRINCIPAL) -> str:
        """In base64."""
        return base64.b64encode(self.kdc.keytab(f"{principal}.keytab", principal).read_bytes()).decode()

    def values(self) -> dict:
        """What the Vault holds, by the example's names."""
        return {"mssql_server_fqdn": self.sqlserver.host, "mssql_spn": f"{PRINCIPAL}@{REALM}", "mssql_keytab_base64": self.keytab(),
                "sf_account": "ACCT", "sf_user_email": USER, "azure_tenant_id": self.entra.tenant, "azure_client_id": self.entra.client_id,
                "azure_client_secret": self.entra.client_secret}

    def put(self, path=PATH, **changed):
        """A new version of the secret; None leaves a key out."""
        self.vault.control("put", path=path, values={key: value for key, value in {**self.values(), **changed}.items() if value is not None})

    def restore(self):
        """As it was at the beginning, with nothing in Snowflake."""
        self.sqlserver.control("clear")
        self.vault.control("policy", paths=["secret/data/" + PATH])
        self.vault.control("settings", ttl=3600.0, sealed=False, secret_id_uses=0)
        for entra in (self.entra, self.entra_of_sqlserver):
            entra.control("settings", expires_in=3600)
        self.snowflake.sql("DROP DATABASE IF EXISTS RAW_ZONE")
        self.snowflake.control("databases", name="RAW_ZONE", schemas=["SALES", "_PULK"])
        self.put()

    def fill(self, rows: int):
        """dbo.Transactions of SalesDB; the first OLD rows are older than the watermark of the example."""
        if not self.sqlserver.execute("SELECT name FROM sys.databases WHERE name = 'SalesDB'"):
            self.sqlserver.execute("CREATE DATABASE SalesDB", "ALTER DATABASE SalesDB SET ALLOW_SNAPSHOT_ISOLATION ON")
        self.sqlserver.execute(
            "DROP TABLE IF EXISTS dbo.Transactions",
            "CREATE TABLE dbo.Transactions (TransactionID bigint NOT NULL PRIMARY KEY, Account nvarchar(20) NOT NULL, Amount money NOT NULL,"
            " Currency char(3) NOT NULL, Note nvarchar(200) NULL, ModifiedDate datetime2(7) NOT NULL)",
            "INSERT INTO dbo.Transactions SELECT value, CONCAT(N'Kontø ', value % 97), CAST(value AS money) / 4 - 100,"
            " CASE WHEN value % 2 = 0 THEN 'EUR' ELSE 'USD' END, CASE WHEN value % 3 = 0 THEN NULL ELSE CONCAT(N'żółw ', value) END,"
            f" DATEADD(second, value, CAST('{FIRST}.1234567' AS datetime2(7))) FROM GENERATE_SERIES(0, {rows - 1})", database="SalesDB")

    @staticmethod
    def expected(rows: int) -> list:
        """What of these rows belongs into the target, as canonical text."""
        return [(str(n), f"Kontø {n % 97}", f"{n / 4 - 100:.4f}", "EUR" if n % 2 == 0 else "USD", None if n % 3 == 0 else f"żółw {n}",
                 f"{FIRST + datetime.timedelta(seconds=n)}.1234567") for n in range(OLD, rows)]

    # --- what must not be seen

    def secrets(self) -> list:
        """Of all that was given out so far, in the forms that a leak could have; MIT's klist tells the keys of keytabs."""
        keys = []
        for keytab in self.kdc.folder.glob("*.keytab"):
            listed = self.kdc.klist_keytab(keytab, "-K")
            keys += [bytes.fromhex(key) for key in re.findall(r"\(0x([0-9a-f]+)\)", listed)]
        forms = [form for key in keys for form in (key, key.hex().encode(), base64.b64encode(key)[:20])]
        texts = [self.vault.secret_id, self.vault.root_token, "hvs.", self.keytab()[-60:]]
        for entra in (self.entra, self.entra_of_sqlserver):
            texts += [entra.client_secret, *entra.control("tokens")]
        return forms + [text.encode() for text in texts]
