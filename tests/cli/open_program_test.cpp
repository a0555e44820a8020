#include "tests/cli/hearth_process.hpp"

#include "base/atomic_file.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <filesystem>

namespace hearth::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* url = "http://127.0.0.1:4711/#t=secret";

class OpenProgram : public HearthProgramTest {
  protected:
    OpenProgram() {
        service_->on("POST /hearth/v1/open", 200,
                     R"({"address":"http://127.0.0.1:4711/","url":"http://127.0.0.1:4711/#t=secret",)"
                     R"("expires_in_seconds":60,"idle_seconds":900})");
        environment_.erase("DISPLAY");
        environment_.erase("WAYLAND_DISPLAY");
        environment_.erase("BROWSER");
    }
    /// A desktop whose xdg-open is this shell script.
    void add_desktop(const std::string& script) {
        const std::filesystem::path program = dir_.path() / "bin/xdg-open";
        std::filesystem::create_directory(program.parent_path());
        write_file_atomically(program, "#!/bin/sh\n" + script);
        std::filesystem::permissions(program, std::filesystem::perms::owner_all);
        environment_["PATH"] = program.parent_path().string() + ":/usr/bin:/bin";
        environment_["DISPLAY"] = ":99";
    }
    std::string opened() { return read_file(dir_.path() / "opened", 1000); }
};

TEST_F(OpenProgram, PrintsTheLink) {
    const ProgramResult result = hearth({"open", "--print"});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.out, std::string(url) + "\n");
    EXPECT_EQ(result.err, "This link opens the page once, within 60 seconds.\n");
    EXPECT_EQ(hearth({"open", "--print", "-q"}).err, "");
    EXPECT_EQ(hearth_json({"open"}).at(0)["url"], url);
}

TEST_F(OpenProgram, GivesTheLinkToTheDesktopAndToNobodyElse) {
    add_desktop("printf %s \"$1\" > '" + (dir_.path() / "opened").string() + "'\n");
    const ProgramResult result = hearth({"open"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(opened(), url);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err, "opened http://127.0.0.1:4711/ in the browser\n");
}

TEST_F(OpenProgram, PrintsTheLinkWhereNoBrowserOpens) {
    const ProgramResult without = hearth({"open"});
    EXPECT_EQ(without.exit_code, 0);
    EXPECT_EQ(without.out, std::string(url) + "\n");
    EXPECT_THAT(without.err, HasSubstr("No browser can be opened here."));
    add_desktop("exit 3\n");
    const ProgramResult refused = hearth({"open"});
    EXPECT_EQ(refused.exit_code, 0);
    EXPECT_EQ(refused.out, std::string(url) + "\n");
}

TEST_F(OpenProgram, OpensNothingWhenItOnlyPrints) {
    add_desktop("printf %s \"$1\" > '" + (dir_.path() / "opened").string() + "'\n");
    hearth({"open", "--print"});
    EXPECT_FALSE(std::filesystem::exists(dir_.path() / "opened"));
}

TEST_F(OpenProgram, SaysWhatTheServiceSays) {
    service_->on("POST /hearth/v1/open", 500,
                 R"({"error":"no port is free","code":"service.address_taken","hint":"close some"})");
    const ProgramResult result = hearth({"open"});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr("no port is free"));
    EXPECT_THAT(result.err, Not(HasSubstr("secret")));
}

} // namespace
} // namespace hearth::testing
