"""Logins by Kerberos: PostgreSQL over GSSAPI, with a real KDC whose tickets live as long as a test has patience."""

import base64
import json
import os
import re
import signal
from pathlib import Path

import pytest

from support.kerberos import Kdc, KerberosPostgres
from support.vault import Vault

BRIEF = 3  # seconds that a ticket of the principal `brief` lives


@pytest.fixture(scope="module")
def kdc():
    server = Kdc()
    server.add("mover", "other", "postgres/localhost", "changed", "locked", "old")
    server.add("brief", options=f'-maxlife "{BRIEF} seconds"')
    server.ended = server.folder / "ended"
    server.kinit(server.keytab("brief.keytab", "brief"), "brief", server.ended)
    yield server
    server.remove()


@pytest.fixture(scope="module")
def server(kdc):
    database_server = KerberosPostgres(kdc)
    yield database_server
    database_server.remove()


@pytest.fixture
def realm_db(server):
    database = server.create_database()
    database.execute("CREATE TABLE t AS SELECT n AS a, repeat('x', 20) AS b FROM generate_series(1, 2000) n; ANALYZE t")
    yield database
    database.drop()


@pytest.fixture
def ready(pulk, kdc, realm_db):
    """`ready(principal=…, keytab=…)` writes the configuration; a workflow with the table t is there."""

    def write(**keys):
        pulk.write_config({"host": "localhost", "port": realm_db.server.port, "database": realm_db.name, "auth": "kerberos",
                           "krb5_conf": str(kdc.config), **{key: str(value) for key, value in keys.items()}})
        return pulk

    pulk.write_workflow("t")
    return write


def in_base64(keytab) -> str:
    return base64.b64encode(Path(keytab).read_bytes()).decode()


def secrets_of(kdc, keytab) -> list:
    """The keytab's keys in the forms that a leak could have; MIT's klist tells the keys."""
    text = kdc.klist_keytab(keytab, "-K")
    keys = [bytes.fromhex(key) for key in re.findall(r"\(0x([0-9a-f]+)\)", text)]
    assert len(keys) == 2 and [len(key) for key in keys] == [32, 16], text
    forms = [form for key in keys for form in (key, key.hex().encode(), base64.b64encode(key)[:20])]
    return [*forms, in_base64(keytab)[-60:].encode()]


def check(pulk, name, env=None) -> dict:
    """One check of the doctor, with the exit code of all."""
    done = pulk.run("doctor", "--json", env=env)
    checks = {one["check"]: one for one in json.loads(done.stdout)}
    assert name in checks, done
    return {**checks[name], "code": done.code, "all": checks}


def failed(pulk, name, code, *texts, env=None):
    one = check(pulk, name, env)
    assert one["status"] == "fail" and one["code"] == code, one
    for text in texts:
        assert text in one["detail"] + "\n" + one["fix"], one
    return one


# ------------------------------------------------------------------ ways in


def test_a_keytab_in_a_file(ready, kdc, server):
    before = kdc.issued("mover")
    pulk = ready(principal="mover@LAB.TEST", keytab=kdc.keytab("mover.keytab", "mover"))
    pulk.migrate().expect(0)
    assert len(pulk.rows("t")) == 2000
    assert kdc.issued("mover") == before + 1  # one question to the KDC for all sessions
    assert server.logins("mover@LAB.TEST") > 1


@pytest.mark.parametrize("way", [{"gssencmode": "require"}, {"gssencmode": "disable", "sslmode": "require"}])
def test_a_keytab_in_the_environment(ready, kdc, server, way):
    encrypted = "encrypted=yes" if way["gssencmode"] == "require" else "SSL enabled"
    before = server.log().count(encrypted)
    pulk = ready(principal="mover@LAB.TEST", keytab_base64="env:THE_KEYTAB", **way)
    keytab = in_base64(kdc.keytab("mover.keytab", "mover"))
    pulk.migrate(env={"THE_KEYTAB": keytab[:40] + "\n" + keytab[40:]}).expect(0)
    assert len(pulk.rows("t")) == 2000
    assert server.log().count(encrypted) > before


def test_a_keytab_in_a_vault(ready, kdc):
    vault = Vault()
    try:
        path = "data-pipelines/mssql-to-snowflake"
        vault.control("put", path=path, values={"mssql_spn": "mover@LAB.TEST",
                                                "mssql_keytab_base64": in_base64(kdc.keytab("mover.keytab", "mover"))})
        pulk = ready(principal=f"vault:{path}#mssql_spn", keytab_base64=f"vault:{path}#mssql_keytab_base64")
        pulk.plan(env=vault.environment()).expect(0)
    finally:
        vault.remove()


def test_tickets_of_someone_else(ready, kdc):
    cache, keytab = kdc.folder / "cache", kdc.keytab("mover.keytab", "mover")
    kdc.kinit(keytab, "mover", cache)
    asked = kdc.issued("mover")
    ready(ccache=f"FILE:{cache}", username="mover").plan().expect(0)
    ready(username="mover", principal="mover@LAB.TEST").plan(env={"KRB5CCNAME": f"FILE:{cache}"}).expect(0)
    assert kdc.issued("mover") == asked
    pulk = ready(ccache=cache, username="mover", principal="other@LAB.TEST")
    failed(pulk, "kerberos ticket", 1, "are those of mover@LAB.TEST", "leave principal out")
    failed(ready(username="mover"), "kerberos ticket", 1, "there is no ticket in FILE:/nowhere", "kinit",
           env={"KRB5CCNAME": "FILE:/nowhere"})


# ------------------------------------------------------------------ renewal


def hold(db):
    """A view that is read half and then waits; what is returned lets it go on."""
    db.execute("CREATE FUNCTION hold() RETURNS boolean LANGUAGE plpgsql AS"
               " 'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN true; END';"
               "CREATE VIEW slow AS SELECT a, b FROM t WHERE a < 1000 OR hold()")
    gate = db.connect(user="postgres")
    gate.cursor().execute("SELECT pg_advisory_lock(1)")
    return gate


def wait_until_held(db, running):
    running.wait_for(lambda: db.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")[0][0],
                     what="the read that waits")


@pytest.mark.parametrize("way", ["require", "disable"])
def test_a_run_that_outlives_its_ticket_and_its_keytab(ready, pulk, kdc, realm_db, server, way):
    """A session goes on past the end of the ticket that it began with, and a later one begins with a newer ticket. The account's
    key is changed meanwhile; the new keytab is in the place of the old one."""
    gate = hold(realm_db)
    keytab, coded = kdc.keytab("brief.keytab", "brief"), pulk.folder / "keytab.b64"
    coded.write_text(in_base64(keytab))
    ready(principal="brief@LAB.TEST", username="mover", gssencmode=way,
          **({"keytab": keytab} if way == "require" else {"keytab_base64": f"file:{coded}"}))
    pulk.write_workflow("slow")
    running = pulk.start_migrate("--no-verify-count")
    wait_until_held(realm_db, running)
    running.process.send_signal(signal.SIGSTOP)
    kdc.admin("cpw -randkey brief")
    coded.write_text(in_base64(kdc.keytab("brief.keytab", "brief")))
    running.wake()
    kdc.wait_for_issue("brief", kdc.issued("brief") + 1)  # two more, each after half a life
    if way == "disable":
        logins = server.logins("brief@LAB.TEST")
        realm_db.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted", user="postgres")
        running.wait_for(lambda: server.logins("brief@LAB.TEST") > logins, what="a new session")
    gate.close()
    running.wait().expect(0)
    assert len(pulk.rows("slow")) == 2000


def test_a_kdc_that_is_away_for_a_while(ready, kdc, realm_db):
    """Only the log tells."""
    gate = hold(realm_db)
    pulk = ready(principal="brief@LAB.TEST", username="mover", keytab=kdc.keytab("brief.keytab", "brief"))
    pulk.write_workflow("slow")
    running = pulk.start_migrate("--no-verify-count")
    wait_until_held(realm_db, running)
    issued = kdc.issued("brief")
    with kdc.away():
        running.wait_for(lambda: "the present ticket holds for another" in running.stderr(), what="the warning")
    kdc.wait_for_issue("brief", issued)
    gate.close()
    done = running.wait().expect(0, "no KDC of the realm LAB.TEST answers", "Kerberos: a ticket for brief@LAB.TEST")
    assert done.stderr.count("no KDC") == 1
    assert len(pulk.rows("slow")) == 2000


def test_a_kdc_that_is_gone(ready, kdc, realm_db):
    """Whoever needs a ticket behind the end of the last one fails, as something that may be tried again."""
    gate = hold(realm_db)
    pulk = ready(principal="brief@LAB.TEST", username="mover", keytab=kdc.keytab("brief.keytab", "brief"))
    pulk.write_workflow("slow")
    running = pulk.start_migrate("--retries", "0")
    wait_until_held(realm_db, running)
    with kdc.away():
        running.wait_for(lambda: "the ticket has ended" in running.stderr(), what="the end of the ticket")
        realm_db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND"
                         " application_name = 'pulk'", user="postgres")
        running.wait().expect(2, "no KDC of the realm LAB.TEST answers")
        pulk.migrate().expect(2, "no KDC of the realm LAB.TEST answers", "port 88")
        failed(pulk, "kerberos kdc", 2, "realm LAB.TEST", "Connection refused")
    gate.close()
    pulk.migrate().expect(0)
    assert len(pulk.rows("slow")) == 2000


# ----------------------------------------------------------- what is wrong


def test_a_ticket_that_has_ended(ready, kdc):
    kdc.wait_for_end(kdc.ended)
    failed(ready(ccache=kdc.ended, username="mover"), "kerberos ticket", 1, f"the ticket in FILE:{kdc.ended} has ended", "kinit")
    ready(ccache=kdc.ended, username="mover").plan().expect(1, "has ended")


def test_a_sound_set_up(ready, kdc):
    keytab = kdc.keytab("mover.keytab", "mover")
    report = check(ready(principal="mover", keytab=keytab), "kerberos keytab")
    names = ["krb5.conf", *(f"kerberos {name}" for name in ("keytab", "kdc", "ticket", "clock", "service"))]
    assert [report["all"][name]["status"] for name in names] == ["pass"] * 6, report["all"]
    # As MIT's own klist has it: number, time, principal, type.
    listed = re.findall(r"^ +(\d+) \S+ \S+ (\S+) \((\S+)\)", kdc.klist_keytab(keytab), re.MULTILINE)
    assert len(listed) == 2
    assert report["detail"] == ", ".join(f"{name} (kvno {kvno}, {kind})" for kvno, name, kind in listed)
    assert "mover@LAB.TEST has krbtgt/LAB.TEST@LAB.TEST" in report["all"]["kerberos ticket"]["detail"]
    assert "postgres/localhost@LAB.TEST" in report["all"]["kerberos service"]["detail"]
    assert f"127.0.0.1:{kdc.port}" in report["all"]["kerberos kdc"]["detail"]


def test_keytabs_that_do_not_fit(ready, kdc):
    mover = kdc.keytab("mover.keytab", "mover")
    failed(ready(principal="other@LAB.TEST", keytab=mover), "kerberos ticket", 1,
           "the keytab has no key of this principal; it has those of mover@LAB.TEST (kvno 1, aes256-cts-hmac-sha1-96)")
    stale = kdc.keytab("changed.keytab", "changed")
    kdc.admin("cpw -randkey changed")
    before = kdc.refused("changed")
    failed(ready(principal="changed@LAB.TEST", keytab=stale), "kerberos ticket", 5, "the key in the keytab is not the account's",
           "kvno 1", "make a new one")
    assert kdc.refused("changed") == before + 1  # one attempt: domains lock accounts
    weak = kdc.folder / "weak.conf"
    kdc.write_config(weak, more="permitted_enctypes = aes256-cts-hmac-sha384-192")
    failed(ready(principal="mover@LAB.TEST", keytab=mover, krb5_conf=weak), "kerberos ticket", 5, "type", "AES256")


def test_accounts_that_are_refused(ready, kdc):
    mover = kdc.keytab("gone.keytab", "old")
    kdc.admin("delprinc -force old")
    failed(ready(principal="old@LAB.TEST", keytab=mover), "kerberos ticket", 5, "does not know this principal", "sAMAccountName")
    locked = kdc.keytab("locked.keytab", "locked")
    kdc.admin("modprinc -allow_tix locked")
    failed(ready(principal="locked@LAB.TEST", keytab=locked), "kerberos ticket", 5, "disabled, locked or has expired")


def test_realms_and_configurations(ready, kdc, tmp_path):
    mover = kdc.keytab("mover.keytab", "mover")
    pulk = ready(principal="mover@lab.test", keytab=mover)
    failed(pulk, "krb5.conf", 1, "no KDC is known for the realm lab.test", "upper case", "LAB.TEST")
    other = kdc.write_config(tmp_path / "other.conf", realm="OTHER.TEST")
    failed(ready(principal="mover@LAB.TEST", keytab=mover, krb5_conf=other), "krb5.conf", 1,
           "no KDC is known for the realm LAB.TEST", "_kerberos._tcp.lab.test")
    broken = tmp_path / "broken.conf"
    broken.write_text("[libdefaults\n default_realm\n")
    failed(ready(principal="mover@LAB.TEST", keytab=mover, krb5_conf=broken), "krb5.conf", 1, str(broken), "not well-formed")
    failed(ready(principal="mover@LAB.TEST", keytab=mover, krbsrvname="mysql"), "kerberos service", 5,
           "knows no service mysql/localhost@LAB.TEST", "setspn")
    ready(principal="mover@LAB.TEST", keytab=mover, krbsrvname="mysql").plan().expect(5, "not found in Kerberos database", "krbsrvname")


def test_a_server_that_does_not_take_the_principal(ready, kdc, realm_db, server):
    mover = kdc.keytab("mover.keytab", "mover")
    ready(principal="mover@LAB.TEST", keytab=mover, username="postgres").plan().expect(5, "GSSAPI authentication failed",
                                                                                      "does the server take mover@LAB.TEST")
    ready(principal="mover@LAB.TEST", keytab=mover, username="password").plan().expect(5, "asks for a password")


def test_clocks_apart(ready, kdc):
    """The KDC is an hour ahead. libkrb5 makes up for it unless it is told not to; the doctor says it."""
    mover = kdc.keytab("mover.keytab", "mover")
    kdc.stop()
    kdc.start(ahead=3600)
    try:
        one = check(ready(principal="mover@LAB.TEST", keytab=mover), "kerberos clock")
        assert one["status"] == "warn" and re.search(r"(3599|3600|3601) s ahead", one["detail"]), one
        strict = kdc.write_config(kdc.folder / "strict.conf", more="kdc_timesync = 0")
        one = failed(ready(principal="mover@LAB.TEST", keytab=mover, krb5_conf=strict), "kerberos ticket", 1, "Kerberos allows 300 s",
                     "NTP")
        assert re.search(r"(3599|3600|3601) s ahead of this machine's", one["detail"]), one
    finally:
        kdc.stop()
        kdc.start()


# ------------------------------------------------------------------ secrets


def test_no_secret_is_shown_or_kept(ready, kdc, realm_db):
    keytab = kdc.keytab("mover.keytab", "mover")
    secrets = secrets_of(kdc, keytab)
    gate = hold(realm_db)
    pulk = ready(principal="mover@LAB.TEST", keytab_base64="file:keytab.b64")
    pulk.config.write_text(pulk.config.read_text().replace("auth =", "renew_every = 1\nauth ="))
    (pulk.folder / "keytab.b64").write_text(in_base64(keytab))
    assert any(secret in (pulk.folder / "keytab.b64").read_bytes() for secret in secrets)
    pulk.write_workflow("slow")
    temporary = pulk.folder / "tmp"
    temporary.mkdir()
    usual = Path(f"/tmp/krb5cc_{os.getuid()}")
    before = usual.stat() if usual.exists() else None
    running = pulk.start_migrate("-v", "--log-format", "json", "--no-verify-count", env={"TMPDIR": str(temporary)})
    wait_until_held(realm_db, running)
    kdc.wait_for_issue("mover", kdc.issued("mover"))  # a renewal
    proc = Path(f"/proc/{running.pid}")
    shown = [(proc / name).read_bytes() for name in ("cmdline", "comm")]
    try:
        shown.append((proc / "environ").read_bytes())
        opened = [str(link.readlink()) for link in (proc / "fd").iterdir()]
    except PermissionError:  # better still: no other process may look
        opened = []
    assert not any("keytab" in name or "krb5cc" in name for name in opened), opened
    assert list(proc.glob("task/*/children")) and not any(path.read_text().strip() for path in proc.glob("task/*/children"))
    core = next(line for line in (proc / "limits").read_text().splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"], core
    gate.close()
    done = running.wait().expect(0)
    shown += [done.text.encode(), json.dumps(done.summary).encode()]
    shown += [path.read_bytes() for path in pulk.folder.rglob("*") if path.is_file() and path.name != "keytab.b64"]
    for secret in secrets:
        assert not any(secret in text for text in shown)
    assert list(temporary.iterdir()) == []
    assert (usual.stat() if usual.exists() else None) == before


def test_a_signal_while_reading(ready, kdc, realm_db):
    gate = hold(realm_db)
    pulk = ready(principal="mover@LAB.TEST", keytab=kdc.keytab("mover.keytab", "mover"))
    pulk.write_workflow("slow")
    running = pulk.start_migrate("--no-verify-count")
    wait_until_held(realm_db, running)
    # Not dumpable: to other processes of the same user it is root's.
    assert Path(f"/proc/{running.pid}/mem").stat().st_uid == 0
    running.terminate()
    running.wait(timeout=10).expect(2, "interrupted")
    gate.close()


def test_a_signal_while_the_kdc_is_silent(ready, kdc):
    """A KDC that takes connections and says nothing: the question cannot be interrupted, the program can."""
    pulk = ready(principal="mover@LAB.TEST", keytab=kdc.keytab("mover.keytab", "mover"))
    kdc.freeze()
    try:
        running = pulk.start_migrate()
        running.wait_for(lambda: kdc.connected(), what="the question to the KDC")
        running.terminate()
        assert running.wait(timeout=5).expect(2, "interrupted")
    finally:
        kdc.thaw()
