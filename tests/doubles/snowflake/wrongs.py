"""Settings by which the stand-in behaves as no service should: tests see with them that a broken promise is noticed."""

import contextlib

SETTINGS = {name: False for name in (
    "copy_survives_rollback",     # ROLLBACK keeps the rows of a COPY
    "update_counts_wrong",        # UPDATE says one row, however many it changed
    "lock_ignored",               # a second UPDATE of a table does not wait
    "abort_commits",              # SYSTEM$ABORT_TRANSACTION keeps the rows
    "insert_overwrite_commits",   # INSERT OVERWRITE commits by itself
    "overwrite_loses_comment",    # and takes the table's comment with it
    "force_ignored",              # COPY skips files that it has loaded, with FORCE = TRUE too
    "missing_file_ignored",       # COPY loads the files of FILES that are there
    "copy_skips_bad_rows",        # ABORT_STATEMENT loads the good rows, as CONTINUE does
    "text_cut",                   # a text that is too long for its column, or for a cast, is cut
    "casts_cut",                  # only a cast to VARCHAR(n) or BINARY(n) cuts
    "put_keeps_old_file",         # PUT does not overwrite
    "remove_ignored",             # REMOVE leaves the files
    "tag_lost",                   # the history has no tags
)}


@contextlib.contextmanager
def committed_at_once(service, session, setting):
    """What a statement does inside is committed beside the session's transaction, when the setting says so."""
    if setting is None or not service.settings[setting]:
        yield
        return
    kept = session.transaction
    session.transaction = alone = service.transactions.begin(session, explicit=True)
    try:
        yield
        with service.engine:
            service.transactions.commit(alone)
    finally:
        session.transaction = kept


def apply(service):
    """After the settings have changed: what lies in the engine."""
    if service.settings["text_cut"]:
        service.engine.execute("CREATE OR REPLACE MACRO sf_limit_text(t, n) AS left(t, CAST(n AS BIGINT))")
