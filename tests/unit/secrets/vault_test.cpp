// Run by tests/e2e/test_vault.py, which starts a Vault whose tokens live for a second and sets what vault_settings()
// reads. PULK_TEST_VAULT_CONTROL is a command that changes it: its arguments are a path and a JSON body.
#include "secrets/vault.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

namespace pulk {
namespace {

void control(const std::string& what, const std::string& body) {
  const std::string command = std::string(std::getenv("PULK_TEST_VAULT_CONTROL")) + " " + what + " '" + body + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
}

const VaultReference kPassword = parse_vault_reference("vault:etl/shop#password");

TEST(DISABLED_VaultServer, ATokenIsRenewedBeforeItEnds) {
  Vault vault(vault_settings());
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(vault.read(kPassword), "first");
    vault.forget();
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
  }
}

TEST(DISABLED_VaultServer, ARevokedTokenIsReplaced) {
  Vault vault(vault_settings());
  EXPECT_EQ(vault.read(kPassword), "first");
  control("revoke", "{}");
  vault.forget();
  EXPECT_EQ(vault.read(kPassword), "first");
}

TEST(DISABLED_VaultServer, ARotatedSecretIsReadAfterForgetting) {
  Vault vault(vault_settings());
  EXPECT_EQ(vault.read(kPassword), "first");
  control("put", R"({"path": "etl/shop", "values": {"password": "second"}})");
  EXPECT_EQ(vault.read(kPassword), "first");
  vault.forget();
  EXPECT_EQ(vault.read(kPassword), "second");
}

}  // namespace
}  // namespace pulk
