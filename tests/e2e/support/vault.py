"""A stand-in for HashiCorp Vault (see tests/doubles/vault)."""

from support.small_server import SmallServer


class Vault(SmallServer):
    def __init__(self):
        super().__init__("tests.doubles.vault")

    def environment(self) -> dict:
        return {"VAULT_ADDR": self.address, "VAULT_ROLE_ID": self.role_id, "VAULT_SECRET_ID": self.secret_id}

    def logins(self) -> int:
        return self.control("requests").count("POST auth/approle/login")
