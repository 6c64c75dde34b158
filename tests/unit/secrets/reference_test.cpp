#include "secrets/reference.h"
#include "secrets/vault.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "unit/config/temp_folder.h"

namespace pulk {
namespace {

Error error_of(const std::string& reference) {
  try {
    resolve_reference(reference);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error for " << reference;
  return Error(ErrorKind::internal, "");
}

TEST(Reference, other_text_is_returned_as_it_is) {
  EXPECT_EQ(resolve_reference(""), "");
  EXPECT_EQ(resolve_reference("secret"), "secret");
  EXPECT_EQ(resolve_reference("ENV:HOME"), "ENV:HOME");
  EXPECT_EQ(resolve_reference("an env:HOME inside"), "an env:HOME inside");
}

TEST(Reference, takes_a_variable) {
  ::setenv("PULK_TEST_REFERENCE", "p;w{d}", 1);
  EXPECT_EQ(resolve_reference("env:PULK_TEST_REFERENCE"), "p;w{d}");
  ::setenv("PULK_TEST_REFERENCE", "", 1);
  EXPECT_EQ(resolve_reference("env:PULK_TEST_REFERENCE"), "");
  ::unsetenv("PULK_TEST_REFERENCE");
  const Error error = error_of("env:PULK_TEST_REFERENCE");
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_NE(error.message().find("PULK_TEST_REFERENCE"), std::string::npos);
  EXPECT_EQ(error_of("env:").kind(), ErrorKind::usage);
}

TEST(Reference, takes_a_file_without_one_newline) {
  const test::TempFolder folder;
  EXPECT_EQ(resolve_reference("file:" + folder.write("a", "one\n")), "one");
  EXPECT_EQ(resolve_reference("file:" + folder.write("b", "two\n\n")), "two\n");
  EXPECT_EQ(resolve_reference("file:" + folder.write("c", "three\r\n")), "three");
  EXPECT_EQ(resolve_reference("file:" + folder.write("d", "")), "");
  EXPECT_EQ(resolve_reference("file:" + folder.write("e", "no newline ")), "no newline ");
}

TEST(Reference, names_a_file_that_cannot_be_read) {
  const test::TempFolder folder;
  const Error missing = error_of("file:" + folder.file("missing"));
  EXPECT_EQ(missing.kind(), ErrorKind::usage);
  EXPECT_NE(missing.message().find(folder.file("missing")), std::string::npos);
  EXPECT_EQ(error_of("file:" + folder.path()).kind(), ErrorKind::usage);
  EXPECT_EQ(error_of("file:/dev/zero").kind(), ErrorKind::usage);
  EXPECT_EQ(error_of("file:").kind(), ErrorKind::usage);
}

TEST(Reference, TakesVaultReferencesApart) {
  const VaultReference plain = parse_vault_reference("vault:kv/db#password");
  EXPECT_EQ(plain.path, "kv/db");
  EXPECT_EQ(plain.key, "password");
  EXPECT_EQ(plain.version, 0);
  const VaultReference third = parse_vault_reference("vault:/secret/data/a b/#k#@3");
  EXPECT_EQ(third.path, "secret/data/a b");
  EXPECT_EQ(third.key, "k#");
  EXPECT_EQ(third.version, 3);
  for (const char* wrong : {"vault:", "vault:a", "vault:#k", "vault:a#", "vault:a#k@", "vault:a#k@0", "vault:a#k@x"})
    EXPECT_EQ(error_of(wrong).kind(), ErrorKind::usage) << wrong;
}

}  // namespace
}  // namespace pulk
