"""Workload identities: what each cloud attests, checked as the service documents it.

AWS: a signed request for GetCallerIdentity, which the service sends to STS. Here nothing is sent: the signature is checked
with the key that the test has given the user. AZURE, GCP, OIDC: a token (JWT) of the cloud's issuer.
"""

import base64
import hashlib
import hmac
import json
import re
import time
from datetime import datetime, timezone
from urllib.parse import parse_qsl, quote, urlsplit

import jwt

AUDIENCES = {"AZURE": "api://fd3f753b-eed3-462c-b6a7-a4b5bb650aad", "GCP": "snowflakecomputing.com",
             "OIDC": "snowflakecomputing.com"}


class Invalid(Exception):
    pass


def user_of(users, provider: str, credential: str):
    """The user that the credential stands for, None for nobody; Invalid for what is no attestation."""
    return _of_aws(users, credential) if provider == "AWS" else _of_token(users, provider, credential)


def _of_token(users, provider, token):
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise Invalid from None
    for user in users:
        known = user.workload
        if known.get("provider", "OIDC") != provider or (claims.get("iss"), claims.get("sub")) != (
                known.get("issuer"), known.get("subject")):
            continue
        try:
            jwt.decode(token, known["public_key"], algorithms=["RS256", "ES256"], issuer=known["issuer"],
                       audience=known.get("audience", AUDIENCES[provider]), options={"require": ["exp", "iss", "sub", "aud"]})
        except jwt.PyJWTError:
            raise Invalid from None
        return user
    return None


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _of_aws(users, credential):
    try:
        request = json.loads(base64.b64decode(credential, validate=True))
        headers = {name.lower(): value.strip() for name, value in request["headers"].items()}
        url = urlsplit(request["url"])
        given = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/sts/aws4_request, SignedHeaders=([a-z0-9;-]+), "
                             r"Signature=([0-9a-f]{64})", headers["authorization"])
        key_id, day, region, signed, signature = given.groups()
        at = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Invalid from None
    names = signed.split(";")
    asked = dict(parse_qsl(url.query)) == {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
    if not (request["method"] == "POST" and url.scheme == "https" and url.netloc == f"sts.{region}.amazonaws.com" and asked
            and {"host", "x-amz-date", "x-snowflake-audience"} <= set(names)
            and headers["x-snowflake-audience"] == "snowflakecomputing.com" and abs(time.time() - at.timestamp()) < 900):
        raise Invalid
    user = next((u for u in users if u.workload.get("provider") == "AWS" and u.workload["access_key"] == key_id), None)
    if user is None:
        return None
    # A session's token is signed with the request; without it the keys are worth nothing.
    if user.workload.get("session_token") != headers.get("x-amz-security-token"):
        raise Invalid
    query = "&".join(sorted(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in parse_qsl(url.query)))
    canonical = "\n".join(["POST", url.path or "/", query, *(f"{n}:{headers[n]}" for n in names), "", signed,
                           hashlib.sha256(b"").hexdigest()])
    scope = f"{day}/{region}/sts/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{user.workload['secret_key']}".encode()
    for part in (day, region, "sts", "aws4_request"):
        key = _hmac(key, part)
    if not hmac.compare_digest(_hmac(key, text).hex(), signature):
        raise Invalid
    return user
