"""Logins: every method is checked against what the account knows of the user. Nothing of it is logged."""

import base64
import hashlib
import hmac
import time

import jwt
from cryptography.hazmat.primitives import serialization

from . import workload
from .errors import SnowflakeError


def _refuse(code, message) -> SnowflakeError:
    return SnowflakeError(code, message, "08001")


WRONG = ("390100", "Incorrect username or password was specified.")
JWT_INVALID = ("390144", "JWT token is invalid.")
OAUTH_INVALID = ("390303", "Invalid OAuth access token. ")
OAUTH_EXPIRED = ("390318", "OAuth access token expired. ")


def _same(a, b) -> bool:
    return a is not None and b is not None and hmac.compare_digest(str(a).encode(), str(b).encode())


def fingerprint(pem: str) -> str:
    """SHA256:… of a public key, as DESC USER shows it."""
    key = serialization.load_pem_public_key(pem.encode())
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()


def log_in(account, data: dict):
    """The user of a login request's `data`, or an error with the service's code."""
    method = (data.get("AUTHENTICATOR") or "SNOWFLAKE").upper()
    name = (data.get("LOGIN_NAME") or "").upper()
    checks = {"SNOWFLAKE": _password, "USERNAME_PASSWORD_MFA": _password, "OAUTH": _oauth, "SNOWFLAKE_JWT": _key_pair,
              "PROGRAMMATIC_ACCESS_TOKEN": _access_token, "WORKLOAD_IDENTITY": _workload}
    if method not in checks:
        raise _refuse("390137", f"Authenticator '{method}' is not accepted by the stand-in.")
    user = checks[method](account, name, data)
    if user.disabled:
        raise _refuse("390101", "User access disabled. Contact your local system administrator.")
    if user.locked:
        raise _refuse("390102", "User temporarily locked. Try again later, or contact your local system administrator.")
    return user


def _password(account, name, data):
    user = account.users.get(name)
    given = data.get("PASSWORD")
    if user is None or given is None:
        raise _refuse(*WRONG)
    if _same(user.password, given):
        return user
    # A programmatic access token also stands in for the password.
    if any(_same(token, given) and _alive(ends) for token, ends in user.access_tokens.items()):
        return user
    raise _refuse(*WRONG)


def _alive(ends) -> bool:
    return ends is None or time.time() < ends


def _oauth(account, name, data):
    token = data.get("TOKEN") or data.get("PASSWORD")
    for user in account.users.values():
        for known, ends in user.oauth_tokens.items():
            if _same(known, token):
                if not _alive(ends):
                    raise _refuse(*OAUTH_EXPIRED)
                return _of_this_name(user, name)
        if user.external_oauth and _is_of_issuer(user.external_oauth, token):
            return _of_this_name(user, name)
    raise _refuse(*OAUTH_INVALID)


def _of_this_name(user, name):
    if name and name != user.name:
        raise _refuse("390309", "The user you were trying to authenticate as differs from the user tied to the access token.")
    return user


def _is_of_issuer(known, token) -> bool:
    """A JWT that a security integration of the type EXTERNAL_OAUTH takes."""
    try:
        claims = jwt.decode(token, known["public_key"], algorithms=["RS256"], audience=known["audience"], issuer=known["issuer"],
                            options={"require": ["exp", "iss", "aud", "sub"]})
    except jwt.ExpiredSignatureError:
        raise _refuse(*OAUTH_EXPIRED) from None
    except jwt.PyJWTError:
        return False
    return claims["sub"] == known["subject"]


def _access_token(account, name, data):
    token = data.get("TOKEN") or data.get("PASSWORD")
    for user in account.users.values():
        for known, ends in user.access_tokens.items():
            if _same(known, token) and (not name or name == user.name):
                if not _alive(ends):
                    raise _refuse("394400", "Programmatic access token is expired.")
                return user
    raise _refuse("394400", "Programmatic access token is invalid.")


def _key_pair(account, name, data):
    token = data.get("TOKEN") or ""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise _refuse(*JWT_INVALID) from None
    account_name, _, rest = str(claims.get("iss", "")).partition(".")
    user_name, _, print_ = rest.rpartition(".")
    user = account.users.get(user_name)
    if account_name != account.name or claims.get("sub") != f"{account.name}.{user_name}":
        raise _refuse("394300", "JWT token is invalid: its issuer or subject names no user of this account.")
    if user is None or (name and name != user.name):
        raise _refuse("394300", "JWT token is invalid: its issuer or subject names no user of this account.")
    key = next((pem for pem in user.public_keys if fingerprint(pem) == print_), None)
    if key is None:
        raise _refuse("394304", "JWT token is invalid: the fingerprint of its public key is not that of the user's.")
    try:
        jwt.decode(token, key, algorithms=["RS256"], options={"require": ["exp", "iat"]}, leeway=0)
    except jwt.ExpiredSignatureError:
        raise _refuse("394301", "JWT token has expired.") from None
    except jwt.ImmatureSignatureError:
        raise _refuse("394302", "JWT token is not yet valid.") from None
    except jwt.PyJWTError:
        raise _refuse(*JWT_INVALID) from None
    # The service allows an hour at most.
    if claims["exp"] - claims["iat"] > 3600:
        raise _refuse("394303", "JWT token has an invalid expiration time.")
    return user


def _workload(account, name, data):
    provider = (data.get("PROVIDER") or "").upper()
    if provider not in ("AWS", *workload.AUDIENCES):
        raise _refuse("390138", f"Workload identity provider '{provider}' is not known to the stand-in.")
    try:
        user = workload.user_of(account.users.values(), provider, data.get("TOKEN") or "")
    except workload.Invalid:
        raise _refuse("394500", "Workload identity token is invalid.") from None
    if user is None:
        raise _refuse("394501", "No user has this workload identity.")
    return user
