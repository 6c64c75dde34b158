"""The control interface: POST /what with a JSON body, on a port of its own, without a password: it listens on 127.0.0.1 only.

  /users       {name, password, database, state, sysadmin}: made or replaced; a Kerberos principal or an application id has no
               password. state: fine, expired, must_change, locked, disabled. It may do everything unless sysadmin is false
  /settings    changes settings of service.Settings; answers with all of them
  /faults      a fault, see faults.Fault
  /wrongs      {names}: see wrongs.py; [] for none
  /clear       no more faults; those that stall go on
  /repeat      {table, times}: see repeated.py; {} forgets all
  /statements  what clients asked for, oldest first: kind, sql, parameters, user, database, process; {forget: true} forgets it
  /logins      the logins so far, refused ones with their error
  /connections those that are open: process, user, database
  /kill        {process} or {database}: closes it, or all that are in it, and waits until they have ended
"""

import json

from ..small_server import Control
from . import wrongs


class TdsControl(Control):
    def do_POST(self):
        """Without the service's lock, or what waits for a connection to end would keep it from ending."""
        try:
            status, said = 200, getattr(self, "on_" + self.path.strip("/"))(self.store, json.loads(self.body() or b"{}"))
        except Exception as error:  # told to the test
            status, said = 400, {"error": f"{type(error).__name__}: {error}"}
        self.say(status, said)

    def on_users(self, service, body):
        service.add_user(**body)

    def on_settings(self, service, body):
        return service.change_settings(**body)

    def on_faults(self, service, body):
        return service.faults.add(**body)

    def on_wrongs(self, service, body):
        wrongs.change(body["names"])

    def on_clear(self, service, body):
        service.faults.clear()

    def on_repeat(self, service, body):
        if body:
            service.repetitions.add(**body)
        else:
            service.repetitions.clear()

    def on_statements(self, service, body):
        said = list(service.statements)
        if body.get("forget"):
            service.statements.clear()
        return said

    def on_logins(self, service, body):
        return service.logins

    def on_connections(self, service, body):
        return [{"process": one.session.id, "user": one.login.user, "database": one.session.database} for one in service.connections.values()]

    def on_kill(self, service, body):
        chosen = [one for one in service.connections.values()
                  if one.session.id == body.get("process") or one.session.database.lower() == body.get("database", "").lower()]
        for one in chosen:
            one.hang_up()
        for one in chosen:
            one.ended.wait(10)
