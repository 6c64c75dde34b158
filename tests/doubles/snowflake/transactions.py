"""Transactions as the service has them: READ COMMITTED, rows kept in versions, one writer that changes rows per table.

Each row has the number of the transaction that made it (`born`) and of the one that took it away (`dead`, 0 = none). A
statement sees what every finished transaction and its own has left. The engine's own transactions cover one statement
only: they make it all or nothing. Everything runs under the service's lock, which is let go while a statement waits.
"""

import time
from dataclasses import dataclass, field

from . import errors
from .catalog import dotted

# A transaction whose session went away is ended by the service after this time, as soon as somebody waits for it.
IDLE_SECONDS = 300.0


@dataclass
class Transaction:
    id: int
    number: int                 # what rows carry
    session: object
    started: float
    explicit: bool
    touched: set = field(default_factory=set)    # ids of tables with rows of this transaction
    locks: dict = field(default_factory=dict)    # table id → (time, query id)
    history: list = field(default_factory=list)  # files loaded, told to the load history at the commit
    aborted: bool = False                        # by TRANSACTION_ABORT_ON_ERROR
    name: str = ""


class Transactions:
    def __init__(self, service):
        self.service = service
        self.open = {}          # number → Transaction
        self.waiting = {}       # query id → (transaction or None, table, since)
        self._next = 0

    def begin(self, session, explicit: bool, name="") -> Transaction:
        self._next += 1
        # Ids look like the service's: nanoseconds since 1970.
        transaction = Transaction(time.time_ns(), self._next, session, time.time(), explicit, name=name)
        self.open[transaction.number] = transaction
        return transaction

    def visible(self, table, transaction, prefix="") -> str:
        """The predicate over rows of `table` for a statement in `transaction` (None: outside of any)."""
        mine = transaction.number if transaction else 0
        others = [str(t.number) for t in self.open.values() if t.number != mine and table.id in t.touched]
        if not others:
            return f"{prefix}dead = 0" if transaction and table.id in transaction.touched else ""
        listed = ", ".join(others)
        return f"{prefix}born NOT IN ({listed}) AND ({prefix}dead = 0 OR {prefix}dead IN ({listed}))"

    def lock(self, table, transaction, query):
        """Waits until no other transaction has changed rows of `table`, then takes its lock."""
        if not self.service.settings["lock_ignored"]:
            self._wait(table, transaction, query, lambda other: table.id in other.locks)
        if table.id not in transaction.locks:
            transaction.locks[table.id] = (time.time(), query.id)

    def wait_for_all(self, table, session, query):
        """For DDL: until no other transaction has touched the table."""
        mine = session.transaction
        self._wait(table, mine, query, lambda other: table.id in other.locks or table.id in other.touched)

    def _wait(self, table, transaction, query, blocks):
        session = query.session
        timeout = float(session.parameter("LOCK_TIMEOUT"))
        since = time.monotonic()
        number = transaction.number if transaction else None
        try:
            while True:
                holder = next((t for t in self.open.values() if t.number != number and blocks(t)), None)
                if holder is None:
                    return
                self.waiting[query.id] = (transaction, table, time.time())
                query.check()
                if self._is_abandoned(holder):
                    self.end_from_outside(holder)
                    continue
                if transaction and self._would_deadlock(transaction, holder):
                    victim = transaction.id
                    if transaction.explicit:
                        self.rollback(transaction)
                    raise errors.deadlock(victim)
                left = timeout - (time.monotonic() - since)
                if left <= 0:
                    path = self.service.catalog.path_of(table)
                    held = holder.locks.get(table.id, (0, holder.session.last_query_id))
                    raise errors.lock_timeout(held[1], dotted(*path), holder.id, query.id)
                self.service.lock.wait(min(left, 0.2))
        finally:
            self.waiting.pop(query.id, None)

    def _is_abandoned(self, holder) -> bool:
        idle = self.service.settings["transaction_idle_seconds"]
        return not holder.session.busy and time.time() - holder.session.last_seen > idle

    def _would_deadlock(self, transaction, holder) -> bool:
        seen = {transaction.number}
        while holder:
            if holder.number in seen:
                return True
            seen.add(holder.number)
            waits = next((table for waiter, table, _ in self.waiting.values() if waiter is holder), None)
            if waits is None:
                return False
            holder = next((t for t in self.open.values() if waits.id in t.locks and t is not holder), None)
        return False

    def commit(self, transaction):
        run = self.service.engine.execute
        for table_id in transaction.touched:
            if self.service.engine.has_table(table_id):
                run(f"DELETE FROM data.t{table_id} WHERE dead = {transaction.number}")
        for entry in transaction.history:
            self.service.load_history.add(entry)
        self._close(transaction)

    def end_from_outside(self, transaction):
        """By SYSTEM$ABORT_TRANSACTION, or because it is idle and somebody waits."""
        with self.service.engine:
            if self.service.settings["abort_commits"]:
                self.commit(transaction)
            else:
                self.rollback(transaction)
        transaction.session.lost_transaction = transaction.id

    def rollback(self, transaction):
        run = self.service.engine.execute
        for table_id in transaction.touched:
            if self.service.engine.has_table(table_id):
                run(f"DELETE FROM data.t{table_id} WHERE born = {transaction.number}")
                run(f"UPDATE data.t{table_id} SET dead = 0 WHERE dead = {transaction.number}")
        self._close(transaction)

    def _close(self, transaction):
        self.open.pop(transaction.number, None)
        session = transaction.session
        if transaction.explicit:
            session.last_transaction = transaction.id
        if session.transaction is transaction:
            session.transaction = None
        self.service.lock.notify_all()

    def by_id(self, transaction_id: int):
        return next((t for t in self.open.values() if t.id == transaction_id), None)
