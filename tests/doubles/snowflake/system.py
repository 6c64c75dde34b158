"""SYSTEM$ functions, each answered with text."""

from . import errors


class SystemFunctions:
    def __init__(self, service):
        self.service = service

    def call(self, translator, name: str, arguments: list) -> str:
        function = getattr(self, "_" + name.lower(), None)
        if function is None:
            raise errors.compilation("002140", f"Unknown function SYSTEM${name}")
        return function(translator, *arguments)

    def _abort_transaction(self, t, transaction_id):
        found = self.service.transactions.by_id(int(transaction_id))
        if found is None:
            return f"Transaction {transaction_id} does not exist or has already ended."
        if found.session.user is not t.session.user and t.session.role != "ACCOUNTADMIN":
            raise errors.no_privilege("transaction", transaction_id)
        # A statement of it that is under way goes with it; later, it would begin a transaction of its own.
        self._cancel_all_queries(t, found.session.id)
        self.service.transactions.end_from_outside(found)
        return "Transaction aborted."

    def _abort_session(self, t, session_id):
        session = self.service.sessions.by_id.get(int(session_id))
        if session is None or session.closed:
            return f"Session {session_id} does not exist."
        self.service.end_session(session)
        return "Session aborted."

    def _cancel_query(self, t, query_id):
        query = self.service.queries.get(query_id)
        if query is None or query.done.is_set():
            return "Identified SQL statement is not currently executing."
        self.service.cancel(query)
        return "query [" + query_id + "] terminated."

    def _cancel_all_queries(self, t, session_id):
        count = 0
        for query in list(self.service.queries.values()):
            if query.session.id == int(session_id) and not query.done.is_set() and query is not t.query:
                self.service.cancel(query)
                count += 1
        return f"{count} queries cancelled."

    def _wait(self, t, amount, unit="SECONDS"):
        factor = {"SECONDS": 1, "MINUTES": 60, "MILLISECONDS": 0.001}.get(str(unit).upper(), 1)
        self.service.pause(t.query, float(amount) * factor)
        return f"waited {amount} {str(unit).lower()}"
