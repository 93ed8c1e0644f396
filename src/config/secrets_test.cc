#include "config/secrets.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "config/testing.h"

namespace skep::config {
namespace {

class SecretsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_.write("wrangler.toml",
                  "name = \"w\"\nmain = \"w.js\"\ncompatibility_date = \"2026-01-01\"\n"
                  "[vars]\nA = \"of the file\"\n[secrets]\nrequired = [\"TOKEN\"]\n"
                  "[[kv_namespaces]]\nbinding = \"KV\"\n");
  }

  LoadedWorker load(std::string_view secrets, mode_t mode = 0600) {
    const std::string path = folder_.write("secrets", secrets);
    chmod(path.c_str(), mode);
    LoadOptions options;
    options.secrets_path = path;
    options.require_secrets = true;
    return load_worker(folder_.path(), options);
  }
  static std::string text_of(const LoadedWorker& loaded) {
    return format_diagnostics(loaded.diagnostics);
  }

  TestFolder folder_;
};

TEST_F(SecretsTest, become_variables_and_override_those_of_the_file) {
  const auto loaded = load("TOKEN=\"s3 cret\"\nA=other\n");
  ASSERT_TRUE(loaded.config) << text_of(loaded);
  ASSERT_EQ(loaded.config->vars.size(), 2u);
  EXPECT_EQ(loaded.config->vars[0].value, "other");
  EXPECT_EQ(loaded.config->vars[1].name, "TOKEN");
  EXPECT_EQ(loaded.config->vars[1].value, "s3 cret");
}

TEST_F(SecretsTest, a_file_that_others_may_read_is_refused) {
  for (const mode_t mode : {0640, 0604, 0644}) {
    const auto loaded = load("TOKEN=hush\n", mode);
    EXPECT_FALSE(loaded.config);
    EXPECT_NE(text_of(loaded).find("chmod 600"), std::string::npos);
    EXPECT_EQ(text_of(loaded).find("hush"), std::string::npos);
  }
}

TEST_F(SecretsTest, no_message_shows_what_the_file_holds) {
  for (const char* text : {"TOKEN=hush\nhush-without-a-name\n", "TOKEN=\"hush\nhush\n",
                           "TOKEN='hush' hush\n", "KV=hush\nTOKEN=hush\n"}) {
    const auto loaded = load(text);
    EXPECT_FALSE(loaded.config) << text;
    EXPECT_NE(text_of(loaded).find("secrets:"), std::string::npos) << text_of(loaded);
    EXPECT_EQ(text_of(loaded).find("hush"), std::string::npos) << text_of(loaded);
  }
}

TEST_F(SecretsTest, what_is_required_must_be_there) {
  const auto loaded = load("OTHER=1\n");
  EXPECT_FALSE(loaded.config);
  EXPECT_NE(text_of(loaded).find("the secret \"TOKEN\" is required and missing"),
            std::string::npos);
  EXPECT_TRUE(load_worker(folder_.path(), {}).config);
}

TEST_F(SecretsTest, credentials_of_systemd) {
  const std::string path = folder_.write("credentials/of-w", "TOKEN=1\n");
  chmod(path.c_str(), 0440);
  setenv("CREDENTIALS_DIRECTORY", folder_.path("credentials").c_str(), 1);
  LoadOptions options;
  options.require_secrets = true;
  options.secrets_path = "credential:of-w";
  const auto loaded = load_worker(folder_.path(), options);
  EXPECT_TRUE(loaded.config) << text_of(loaded);
  options.secrets_path = "credential:../secrets";
  EXPECT_FALSE(load_worker(folder_.path(), options).config);
  unsetenv("CREDENTIALS_DIRECTORY");
  options.secrets_path = "credential:of-w";
  EXPECT_NE(text_of(load_worker(folder_.path(), options)).find("CREDENTIALS_DIRECTORY"),
            std::string::npos);
}

}  // namespace
}  // namespace skep::config
