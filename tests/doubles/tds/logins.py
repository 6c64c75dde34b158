"""Who may come in: passwords, Kerberos tickets, access tokens. Everything that is wrong is a SqlError as the server words it."""

import sys

import jwt

from .login7 import Login7
from .model import Login, SqlError
from .service import Service


def failed(user: str, number: int = 18456, words: str = "", severity: int = 14) -> SqlError:
    return SqlError(number, words or f"Login failed for user '{user}'.", severity=severity, fatal=True)


def _check_state(service: Service, name: str):
    """Raises for a login that exists but is not to be used."""
    state = service.state_of(name)
    if state == "locked":
        raise failed(name, 18486, f"Login failed for user '{name}' because the account is currently locked out. The system administrator can unlock it. ")
    if state == "disabled":
        raise failed(name, 18470, f"Login failed for user '{name}'. Reason: The account is disabled.")
    if state == "expired":
        raise failed(name, 18487, f"Login failed for user '{name}'.  Reason: The password of the account has expired.")
    if state == "must_change":
        raise failed(name, 18488, f"Login failed for user '{name}'.  Reason: The password of the account must be changed.")


def _accepted(service: Service, asked: Login7, name: str, method: str) -> Login:
    if service.engine.find_login(name) is None:
        raise failed(name)
    _check_state(service, name)
    return Login(user=name, method=method, database=asked.database, application=asked.application, host=asked.host,
                 read_only_intent=asked.read_only_intent)


def by_password(service: Service, asked: Login7) -> Login:
    password = service.engine.password_of(asked.user)
    if password is None or password != asked.password:
        raise failed(asked.user)
    return _accepted(service, asked, asked.user, "sql")


def by_token(service: Service, asked: Login7, token: str) -> Login:
    settings = service.settings
    unknown = "<token-identified principal>"
    if not settings.token_public_key:
        raise failed(unknown)
    try:
        claims = jwt.decode(token, settings.token_public_key, algorithms=["RS256"], audience=[settings.token_audience, settings.token_audience + "/"],
                            options={"require": ["exp", "aud"]}, **({"issuer": settings.token_issuer} if settings.token_issuer else {}))
    except jwt.ExpiredSignatureError:
        raise failed(unknown, words=f"Login failed for user '{unknown}'. Token is expired.") from None
    except jwt.PyJWTError:
        raise failed(unknown) from None
    for claim in ("appid", "azp", "oid", "sub"):
        if claims.get(claim) and service.engine.find_login(claims[claim]) is not None:
            return _accepted(service, asked, claims[claim], "token")
    raise failed(unknown)


class Negotiation:
    """A Kerberos login, by itself or inside SPNEGO: step() until it returns a Login."""

    def __init__(self, service: Service, asked: Login7):
        import gssapi  # only where a keytab is given: it is not in every venv
        self._gssapi, self._service, self._asked = gssapi, service, asked
        self._wrong = (gssapi.exceptions.GSSError,)
        try:
            credentials = gssapi.Credentials(usage="accept", store={"keytab": service.keytab})
        except gssapi.exceptions.GSSError as error:
            raise cannot_negotiate(error) from None
        self._context = gssapi.SecurityContext(creds=credentials, usage="accept")
        self._context.__DEFER_STEP_ERRORS__ = False

    def step(self, token: bytes):
        """(bytes for the client, Login or None)"""
        try:
            answer = self._context.step(token) or b""
        except self._wrong as error:
            raise cannot_negotiate(error) from None
        if not self._context.complete:
            return answer, None
        return answer, _accepted(self._service, self._asked, str(self._context.initiator_name), "kerberos")


def cannot_negotiate(reason) -> SqlError:
    """The reason is in the server's log only."""
    print(f"Error: 17806, Severity: 20. SSPI handshake failed: {' '.join(str(reason).split())}", file=sys.stderr, flush=True)
    return failed("", 18452, "Login failed. The login is from an untrusted domain and cannot be used with Integrated authentication.")
