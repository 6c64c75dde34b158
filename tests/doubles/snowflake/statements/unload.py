"""COPY INTO @stage: rows into files."""

from .. import errors


def unload(service, session, query, scanner):
    raise errors.NotImplementedHere("COPY INTO a stage")
