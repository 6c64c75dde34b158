"""A stand-in for Microsoft Entra ID (see tests/doubles/entra)."""

from support.small_server import SmallServer
from support.snowflake import stand_in_python


class Entra(SmallServer):
    def __init__(self, certificate=None, key=None):
        super().__init__("tests.doubles.entra", stand_in_python(), certificate, key)

    def keys(self) -> dict:
        """Of a Snowflake target that gets its tokens here."""
        return {"authenticator": "oauth", "azure_tenant_id": self.tenant, "azure_client_id": self.client_id,
                "azure_client_secret": self.client_secret, "azure_scope": self.scope, "azure_authority_host": self.address}

    def integration(self) -> dict:
        """What Snowflake knows of its tokens (see `users` of its control interface)."""
        return {"public_key": self.public_key, "issuer": self.issuer, "audience": self.scope.removesuffix("/.default"), "subject": self.subject}
