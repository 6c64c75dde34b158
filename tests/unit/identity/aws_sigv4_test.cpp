// The example of "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference: GET Object.
#include "identity/aws_sigv4.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "identity/aws_profile.h"

namespace pulk {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

TEST(AwsSigV4Test, TheExampleOfTheReference) {
  const AwsCredentials credentials{.access_key_id = Secret("AKIAIOSFODNN7EXAMPLE"),
                                   .secret_access_key = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                                   .session_token = Secret(),
                                   .expires = std::nullopt,
                                   .origin = ""};
  const AwsRequest request{.method = "GET",
                           .host = "examplebucket.s3.amazonaws.com",
                           .path = "/test.txt",
                           .query = {},
                           .headers = {{"range", "bytes=0-9"}},
                           .payload_sha256 = sha256_hex("")};
  EXPECT_EQ(request.payload_sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const auto may_24th_2013 = *utc_of("2013-05-24T00:00:00Z");
  EXPECT_THAT(signed_headers(request, credentials, "us-east-1", "s3", may_24th_2013),
              Contains(HasSubstr("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")));
}

TEST(AwsSigV4Test, QueriesAreSortedAndHaveEqualsSigns) {
  EXPECT_EQ(canonical_query({{"uploads", ""}, {"prefix", "a/b c"}, {"Z", "~"}}), "Z=~&prefix=a%2Fb%20c&uploads=");
}

TEST(AwsProfileTest, SectionsOfIniFiles) {
  const std::string text =
      "; comment\n[default]\nregion=eu-west-1\r\n[ profile etl ]\nAws_Access_Key_Id =  a = b \ns3 =\n  max = 4\n# x = "
      "y\n[x]\nz=1";
  const auto keys = ini_section(text, "profile etl");
  EXPECT_THAT(keys, Contains(Pair("aws_access_key_id", "a = b")));
  EXPECT_EQ(keys.size(), 2u);
  EXPECT_EQ(ini_section(text, "default").at("region"), "eu-west-1");
  EXPECT_TRUE(ini_section(text, "none").empty());
}

}  // namespace
}  // namespace pulk
