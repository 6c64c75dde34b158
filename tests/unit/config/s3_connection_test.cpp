// The table `s3` of a Snowflake target.
#include "config/s3_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/error.h"
#include "config/connections.h"
#include "unit/config/temp_folder.h"

namespace pulk {
namespace {

using testing::HasSubstr;
using testing::Not;

class S3Table : public testing::Test {
 protected:
  S3Connection load(const std::string& keys, const std::string& kind = "snowflake") {
    const std::string path =
        folder_.write("c.toml", "[connections.target." + kind + "]\nstage = \"@DB.S.EXT\"\n[connections.target." +
                                    kind + ".s3]\n" + keys);
    ::chmod(path.c_str(), 0600);
    const ConnectionsFile file = load_connections(path, [](std::string_view text) {
      return text == "env:KEY" ? std::string("from the environment") : std::string(text);
    });
    return std::get<SnowflakeTarget>(file.targets.at(kind)).s3;
  }
  std::string problems(const std::string& keys, ErrorKind kind = ErrorKind::usage) {
    try {
      load(keys);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "no error";
    return "";
  }

  test::TempFolder folder_;
};

TEST_F(S3Table, Everything) {
  const std::string pem = folder_.write("ca.pem", "x");
  const S3Connection s3 = load(
      "endpoint_url = \"http://minio:9000\"\nregion = \"eu-west-3\"\naddressing_style = \"virtual\"\n"
      "aws_access_key_id = \"AKIA\"\naws_secret_access_key = \"a/b+c\"\naws_session_token = \"t\"\n"
      "sse = \"aws:kms\"\nsse_kms_key_id = \"arn:aws:kms:x\"\nca_bundle = \"" +
      pem + "\"\n");
  EXPECT_EQ(s3.endpoint_url, "http://minio:9000");
  EXPECT_EQ(s3.region, "eu-west-3");
  EXPECT_EQ(s3.addressing_style, "virtual");
  EXPECT_EQ(s3.access_key_id.reveal(), "AKIA");
  EXPECT_EQ(s3.secret_access_key.reveal(), "a/b+c");
  EXPECT_EQ(s3.session_token.reveal(), "t");
  EXPECT_EQ(s3.sse, "aws:kms");
  EXPECT_EQ(s3.sse_kms_key_id, "arn:aws:kms:x");
  EXPECT_EQ(s3.ca_bundle, pem);
  EXPECT_THAT(s3.where, HasSubstr("c.toml:connections.target.snowflake.s3"));
  EXPECT_EQ(load("profile = \"etl\"", "snowflake_connection_name").profile, "etl");
  EXPECT_EQ(load("").sse, "");
}

TEST_F(S3Table, EveryProblemAtOnce) {
  const std::string text = problems(
      "endpoint_url = \"https://user:geheim@host/bucket\"\nregoin = \"x\"\nregion = \"Frankfurt\"\n"
      "addressing_style = \"vitrual\"\naws_access_key_id = \"AKIA\"\nprofile = \"etl\"\nsse = \"AES265\"\n"
      "sse_kms_key_id = \"k\"\nca_bundle = \"/no/such.pem\"\n");
  for (const char* expected :
       {"s3.endpoint_url: is not the address of a service",
        "s3.regoin: the key is not known\n    hint: did you mean \"region\"",
        "s3.region: \"Frankfurt\" is not a region", "did you mean \"virtual\"", "s3.aws_secret_access_key: is missing",
        "s3.profile: says what aws_access_key_id says too", "did you mean \"AES256\"",
        "s3.sse_kms_key_id: is given, but the encryption is not by KMS", "s3.ca_bundle: /no/such.pem is no file"})
    EXPECT_THAT(text, HasSubstr(expected));
  EXPECT_THAT(text, Not(HasSubstr("geheim")));
  EXPECT_THAT(problems("aws_session_token = \"x\""), HasSubstr("belongs to aws_access_key_id"));
  EXPECT_THAT(problems("aws_access_key_id = \"a\"\naws_secret_access_key = \"env:KEY\""),
              HasSubstr("s3.aws_secret_access_key: has a space"));
}

TEST_F(S3Table, AKeyThatSnowflakeHasNoPlaceForIsRefused) {
  EXPECT_THAT(problems("sse_customer_key = \"0123456789abcdef0123456789abcdef\"", ErrorKind::refused),
              HasSubstr("COPY could not read the files"));
}

TEST_F(S3Table, ItIsOfNoUseWithoutAStage) {
  const std::string path = folder_.write("c.toml", "[connections.target.snowflake.s3]\nregion = \"eu-west-3\"\n");
  try {
    load_connections(path, [](std::string_view text) { return std::string(text); });
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no stage is named"));
  }
}

TEST(S3Forms, AddressesOfServices) {
  for (const char* good : {"http://127.0.0.1:9000", "https://s3.example.com", "https://s3.example.com/"})
    EXPECT_TRUE(is_endpoint_url(good)) << good;
  for (const char* bad : {"", "s3.example.com", "ftp://x", "https://", "https://h/path", "https://u@h", "https://h?x"})
    EXPECT_FALSE(is_endpoint_url(bad)) << bad;
}

}  // namespace
}  // namespace pulk
