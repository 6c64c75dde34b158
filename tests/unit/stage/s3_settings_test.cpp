// Where the settings of a bucket come from, and the addresses that they make.
#include "stage/s3/s3_settings.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "unit/config/temp_folder.h"

namespace pulk {
namespace {

class S3SettingsTest : public testing::Test {
 protected:
  S3SettingsTest() {
    std::vector<std::string> names;
    for (char** entry = environ; *entry != nullptr; ++entry)
      if (const std::string text = *entry; text.starts_with("AWS_")) names.push_back(text.substr(0, text.find('=')));
    for (const std::string& name : names) ::unsetenv(name.c_str());
    set("AWS_CONFIG_FILE", folder_.write("config",
                                         "[default]\nregion = eu-west-1\n[profile etl]\nregion = eu-west-2\n"
                                         "endpoint_url = https://of.profile\nca_bundle = /of/profile.pem\n"));
    set("AWS_SHARED_CREDENTIALS_FILE", folder_.file("none"));
  }
  ~S3SettingsTest() override {
    for (const std::string& name : set_) ::unsetenv(name.c_str());
  }
  void set(const std::string& name, const std::string& value) {
    ::setenv(name.c_str(), value.c_str(), 1);
    set_.push_back(name);
  }

  test::TempFolder folder_;
  std::vector<std::string> set_;
};

TEST_F(S3SettingsTest, TheFileThenWhatIsToldThenTheEnvironmentThenTheProfile) {
  EXPECT_EQ(s3_settings({}).region, "eu-west-1");
  S3Connection said;
  said.profile = "etl";
  S3Settings settings = s3_settings(said);
  EXPECT_EQ(settings.region, "eu-west-2");
  EXPECT_EQ(settings.endpoint, "https://of.profile");
  EXPECT_EQ(settings.ca_file, "/of/profile.pem");
  EXPECT_EQ(settings.profile, "etl");
  set("AWS_DEFAULT_REGION", "us-west-1");
  set("AWS_ENDPOINT_URL", "https://of.all");
  set("AWS_CA_BUNDLE", "/of/environment.pem");
  settings = s3_settings(said);
  EXPECT_EQ(settings.region, "us-west-1");
  EXPECT_EQ(settings.endpoint, "https://of.all");
  EXPECT_EQ(settings.ca_file, "/of/environment.pem");
  set("AWS_REGION", "us-west-2");
  set("AWS_ENDPOINT_URL_S3", "https://of.s3");
  EXPECT_EQ(s3_settings(said).region, "us-west-2");
  EXPECT_EQ(s3_settings(said).endpoint, "https://of.s3");
  const S3Told told{"https://told", "ap-south-1"};
  EXPECT_EQ(s3_settings(said, told).region, "ap-south-1");
  EXPECT_EQ(s3_settings(said, told).endpoint, "https://told");
  said.region = "sa-east-1";
  said.endpoint_url = "https://said";
  said.ca_bundle = "/said.pem";
  settings = s3_settings(said, told);
  EXPECT_EQ(settings.region, "sa-east-1");
  EXPECT_EQ(settings.endpoint, "https://said");
  EXPECT_EQ(settings.ca_file, "/said.pem");
  EXPECT_FALSE(settings.credentials);
}

TEST_F(S3SettingsTest, NothingSaysAnything) {
  set("AWS_CONFIG_FILE", folder_.file("none"));
  EXPECT_EQ(s3_settings({}).region, "us-east-1");
  EXPECT_EQ(s3_settings({}).endpoint, "");
}

// As "Virtual hosting of buckets" in the Amazon S3 User Guide has them.
TEST(S3Addresses, ByHostAndByPath) {
  const auto url = [](S3Addressing addressing, const std::string& endpoint, const std::string& region,
                      const std::string& bucket) {
    S3Settings settings;
    settings.addressing = addressing;
    settings.endpoint = endpoint;
    settings.region = region;
    const S3Address address = s3_address(settings, bucket);
    EXPECT_TRUE(address.scheme_and_host.ends_with("://" + address.host)) << address.host;
    return address.scheme_and_host + address.path;
  };
  using enum S3Addressing;
  EXPECT_EQ(url(automatic, "", "eu-central-1", "lake"), "https://lake.s3.eu-central-1.amazonaws.com/");
  EXPECT_EQ(url(automatic, "", "cn-north-1", "lake"), "https://lake.s3.cn-north-1.amazonaws.com.cn/");
  EXPECT_EQ(url(automatic, "", "eu-central-1", "la.ke"), "https://s3.eu-central-1.amazonaws.com/la.ke/");
  EXPECT_EQ(url(path, "", "eu-central-1", "lake"), "https://s3.eu-central-1.amazonaws.com/lake/");
  EXPECT_EQ(url(automatic, "http://minio:9000/", "x", "lake"), "http://minio:9000/lake/");
  EXPECT_EQ(url(host, "https://storage.example", "x", "lake"), "https://lake.storage.example/");
}

}  // namespace
}  // namespace pulk
