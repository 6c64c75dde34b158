"""Ways in which the stand-in behaves as no server should: tests see with them that a broken promise is noticed. Of the whole process; set
by /wrongs of the control interface."""

KNOWN = {
    "says_ntlm": "sys.dm_exec_connections names another scheme than the login's",
    "says_plain": "and says that nothing is encrypted",
    "rowcount_wrong": "ROWCOUNT_BIG() is one short",
    "attention_late": "what is to be cancelled goes on for two seconds",
    "locks_ignored": "nobody waits for a lock",
    "snapshot_not_kept": "each statement of a SNAPSHOT transaction sees a moment of its own",
    "ddl_unseen": "and none ends with 3961",
    "offset_lost": "datetimeoffset arrives as +00:00",
    "described_short": "sp_describe_first_result_set leaves lengths out",
}
NOW: set[str] = set()


def change(names: list[str]) -> None:
    if unknown := set(names) - set(KNOWN):
        raise ValueError(f"there is no wrong {unknown}")
    NOW.clear()
    NOW.update(names)
