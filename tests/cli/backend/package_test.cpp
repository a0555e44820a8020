#include "cli/backend/package.hpp"

#include "cli/backend/npm.hpp"
#include "cli/backend/plugin_check.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/temporary_dir.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace hearth::cli::backend {
namespace {

using hearth::testing::expect_error;
using ::testing::HasSubstr;

class BackendPackage : public ::testing::Test {
  protected:
    Package read(const std::string& text) const {
        std::ofstream(dir_.path() / "package.json") << text;
        return read_package(dir_.path());
    }
    std::string refusal(const std::string& text) const {
        return expect_error(ErrorCode::backend_failed, [&] { read(text); });
    }
    static std::string with(const std::string& hearth, const std::string& version = "1.2.3") {
        return R"({"name":"@s/x","version":")" + version + R"(","hearth":)" + hearth + "}";
    }

    hearth::testing::TemporaryDir dir_;
};

TEST_F(BackendPackage, SaysWhatItBrings) {
    const Package package =
        read(with(R"({"backend":"cuda","plugin":"lib/plugin","abi":1,"platform":"linux-x64"})"));
    EXPECT_EQ(package.npm_name, "@s/x");
    EXPECT_EQ(package.id.text(), "cuda@1.2.3");
    EXPECT_EQ(package.plugin, "lib/plugin");
}

TEST_F(BackendPackage, HasToFitTheMachineAndThisHearth) {
    Package package{"@s/x", {"cuda", "1.0.0"}, "plugin", own_platform(), 1};
    EXPECT_NO_THROW(require_fit(package));
    package.platform = "plan9-mips";
    EXPECT_THAT(expect_error(ErrorCode::backend_failed, [&] { require_fit(package); }),
                HasSubstr("is for plan9-mips"));
    package = {"@s/x", {"cuda", "1.0.0"}, "plugin", own_platform(), 2};
    EXPECT_THAT(expect_error(ErrorCode::backend_failed, [&] { require_fit(package); }),
                HasSubstr("plugin ABI 2"));
}

TEST_F(BackendPackage, IsRefusedWhenItIsNone) {
    expect_error(ErrorCode::backend_failed, [&] { read_package(dir_.path()); });
    EXPECT_THAT(refusal(R"({"name":"left-pad","version":"1.3.0"})"), HasSubstr("no package of a backend"));
    EXPECT_THAT(refusal("{"), HasSubstr("package.json"));
    EXPECT_THAT(refusal("[]"), HasSubstr("no object"));
}

TEST_F(BackendPackage, IsRefusedForValuesThatCouldLeadOut) {
    for (const char* plugin : {"../..", "/usr/lib", "", "."}) {
        refusal(with(std::string(R"({"backend":"x","abi":1,"platform":"linux-x64","plugin":")") + plugin +
                     R"("})"));
    }
    const std::string good = R"({"backend":"x","plugin":"p","abi":1,"platform":"linux-x64"})";
    EXPECT_THAT(refusal(with(good, "../1")), HasSubstr("version"));
    EXPECT_THAT(refusal(with(R"({"backend":"../x","plugin":"p","abi":1,"platform":"linux-x64"})")),
                HasSubstr("backend"));
}

TEST(NpmNames, AreThoseThatNpmTakes) {
    EXPECT_EQ(npm_name_of("@example", "cuda"), "@example/hearth-backend-cuda-" + own_platform());
    EXPECT_TRUE(is_npm_name("@example/hearth-backend-cuda-linux-x64"));
    for (const char* bad : {"", "cuda", "@example", "@example/", "@/x", "@Example/x", "@e/x y", "@e/../x",
                            "@e/-x", "--registry=x"}) {
        EXPECT_FALSE(is_npm_name(bad)) << bad;
    }
    EXPECT_TRUE(is_npm_scope("@example"));
    EXPECT_FALSE(is_npm_scope("example"));
}

TEST(NpmFailures, SayWhatHappened) {
    const Error absent = npm_failure("@s/x", R"({"error":{"code":"E404","summary":"Not Found"}})", "");
    EXPECT_EQ(absent.code(), ErrorCode::backend_not_found);
    EXPECT_THAT(absent.what(), HasSubstr("has no @s/x"));
    EXPECT_EQ(npm_failure("@s/x", R"({"error":{"code":"E403","summary":"no"}})", "").code(),
              ErrorCode::registry_denied);
    EXPECT_EQ(npm_failure("@s/x", R"({"error":{"code":"EINTEGRITY","summary":"x"}})", "").code(),
              ErrorCode::corrupt_blob);
    EXPECT_EQ(npm_failure("@s/x", R"({"error":{"code":"E503","summary":"x"}})", "").code(),
              ErrorCode::registry_failed);
    const Error offline = npm_failure("@s/x", "", "npm error code ECONNREFUSED\nnpm error errno 1\n");
    EXPECT_EQ(offline.code(), ErrorCode::registry_unreachable);
    EXPECT_THAT(offline.what(), HasSubstr("ECONNREFUSED"));
}

TEST(PluginCheckLines, NameTheFirstThatFailed) {
    EXPECT_EQ(first_failure(R"({"check":"a","result":"ok","why":""})"
                            "\n"
                            R"({"check":"b","result":"fail","why":"because"})"
                            "\n"),
              "b: because");
    EXPECT_EQ(first_failure("{\"passed\":3}\nno json\n"), "");
}

} // namespace
} // namespace hearth::cli::backend
