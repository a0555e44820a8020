#include "tests/base/temporary_dir.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <sys/wait.h>

namespace hearth::sdk {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::HasSubstr;

struct Result {
    int exit_code = -1;
    std::string output;
};

Result run(const std::string& command) {
    Result result;
    std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    std::array<char, 4096> buffer{};
    while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
        result.output.append(buffer.data(), count);
    }
    const int status = ::pclose(pipe);
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
}

std::string read(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return std::move(text).str();
}

/// Builds the third party's backend as they would: in a folder elsewhere, with the installed header alone.
class PluginCheck : public ::testing::Test {
  protected:
    /// @param wrong  a piece of the source and what it is replaced by; empty: as it is
    fs::path build(const std::pair<std::string, std::string>& wrong = {}, const std::string& flags = {}) {
        fs::create_directories(dir_.path() / "include/hearth");
        fs::create_directories(dir_.path() / "source");
        const auto over = fs::copy_options::overwrite_existing;
        fs::copy_file(ABI_HEADER, dir_.path() / "include/hearth/hearth_backend.h", over);
        fs::copy_file(THIRD_DIR "/build.sh", dir_.path() / "source/build.sh", over);
        std::string source = read(THIRD_DIR "/shout.c");
        if (!wrong.first.empty()) {
            const std::size_t at = source.find(wrong.first);
            EXPECT_NE(at, std::string::npos) << wrong.first;
            source.replace(at, wrong.first.size(), wrong.second);
        }
        std::ofstream(dir_.path() / "source/shout.c") << source;
        const std::string here = dir_.path().string();
        const Result built = run("CFLAGS='-Wno-unused-function -Wno-unused-parameter " + flags + "' " + here +
                                 "/source/build.sh " + here + "/out " + here + "/include");
        EXPECT_EQ(built.exit_code, 0) << built.output;
        return dir_.path() / "out/hearth-shout.so";
    }
    static Result check(const fs::path& library, const std::string& arguments = {}) {
        return run(std::string(PLUGIN_CHECK) + " " + library.string() + " " + arguments);
    }
    /// The kit says so in that check, and no other word but its.
    void expect_found(const std::pair<std::string, std::string>& wrong, const std::string& check_name,
                      const std::string& why) {
        const Result result = check(build(wrong));
        EXPECT_EQ(result.exit_code, 1) << wrong.second;
        EXPECT_THAT(result.output, HasSubstr("fail " + check_name)) << wrong.second;
        EXPECT_THAT(result.output, HasSubstr(why)) << wrong.second;
    }

    testing::TemporaryDir dir_;
};

TEST_F(PluginCheck, PassesEcho) {
    const Result result = check(ECHO_PLUGIN);
    EXPECT_EQ(result.exit_code, 0) << result.output;
    EXPECT_THAT(result.output, HasSubstr("ok   chat: eight at once"));
    EXPECT_THAT(result.output, HasSubstr(" passed, 0 failed, 0 skipped"));
}

TEST_F(PluginCheck, PassesABackendBuiltAgainstTheInstalledHeaderAlone) {
    const Result result = check(build());
    EXPECT_EQ(result.exit_code, 0) << result.output;
}

TEST_F(PluginCheck, TellsTheSameAsJsonLines) {
    const Result result = check(build(), "--json");
    EXPECT_EQ(result.exit_code, 0);
    std::istringstream lines(result.output);
    Json last;
    int checks = 0;
    for (std::string line; std::getline(lines, line); ++checks) {
        last = Json::parse(line);
        EXPECT_EQ(last["version"], 1);
    }
    EXPECT_EQ(last["passed"], checks - 1);
    EXPECT_EQ(last["failed"], 0);
}

TEST_F(PluginCheck, FindsWhatIsWrongWithTheTable) {
    expect_found({"estimate, load, unload", "NULL, load, unload"}, "it has a table of ABI 1",
                 "slot estimate is NULL");
    expect_found({"sizeof(hearth_backend), \"shout\"", "16, \"shout\""}, "it has a table of ABI 1",
                 "struct_size");
    expect_found({"\"shout\", \"1.0\"", "\"cry\", \"1.0\""}, "its name is the manifest's",
                 "the table says cry");
    expect_found({"host_abi_version >= HEARTH_ABI_VERSION ? &table : NULL", "&table"},
                 "a host that is too old gets none", "not NULL");
}

TEST_F(PluginCheck, FindsWhatIsWrongWithAnswers) {
    expect_found({"\\\"stop\\\":false}", "\\\"stop\\\":true}"}, "complete answers, streamed",
                 "in the last event alone");
    expect_found({"\\\"finish_reason\\\":null}]}", "\\\"finish_reason\\\":null}]"}, "chat answers, streamed",
                 "not one JSON object");
    expect_found({"\\\"completion_tokens\\\":%ld", "\\\"completion_tokens\\\":-%ld"}, "chat answers",
                 "completion_tokens");
    expect_found({"\\\"kind\\\":\\\"cpu\\\",\\\"description", "\\\"kind\\\":\\\"fpu\\\",\\\"description"},
                 "devices", "not cpu, gpu or npu");
}

TEST_F(PluginCheck, FindsARequestThatCannotBeCancelled) {
    expect_found({"atomic_store(&request->cancelled, true);", "(void)request;"},
                 "chat: cancelled before it runs", "expected E_CANCELLED");
    expect_found(
        {"stop = sink->write(sink->context, data) != 0;", "sink->write(sink->context, data); stop = false;"},
        "chat: the sink says stop", "expected E_CANCELLED");
}

TEST_F(PluginCheck, FindsWrongStatuses) {
    expect_found({"HEARTH_E_UNSUPPORTED, \"shout knows", "HEARTH_E_INVALID, \"shout knows"},
                 "an unknown operation is E_UNSUPPORTED", "got E_INVALID");
    expect_found({"HEARTH_E_INVALID, \"the body is not", "HEARTH_E_INTERNAL, \"the body is not"},
                 "chat: a body that is no JSON is E_INVALID", "got E_INTERNAL");
    expect_found({"        error->status = status;\n", ""}, "a spec that is no JSON is E_INVALID", "status");
}

TEST_F(PluginCheck, FindsAProgressThatCannotBe) {
    expect_found({"\"weights\", 1.0f", "\"weights\", 1.5f"}, "a model loads", "progress of stage");
}

TEST_F(PluginCheck, FindsAnExtensionThatTheManifestDoesNotName) {
    expect_found({"    (void)id;\n    return NULL;", "    return strstr(id, \"quantize\");"},
                 "its quantize extension is complete", "the manifest does not name");
}

TEST_F(PluginCheck, FindsAPluginThatTouchesTheProcess) {
    const std::string slot = "    (void)config;\n";
    expect_found({slot, slot + "    extern int chdir(const char*);\n    if (chdir(\"/\") != 0) abort();\n"},
                 "the process is left alone", "the working directory was changed");
}

TEST_F(PluginCheck, NamesTheCheckInWhichAPluginCrashes) {
    const Result result = check(build({"    hearth_model* made = calloc(1, sizeof(*made));",
                                       "    abort();\n    hearth_model* made = calloc(1, sizeof(*made));"}));
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.output, HasSubstr("fail a model loads — the plugin crashed: ABRT"));
}

TEST_F(PluginCheck, FindsOtherExportedSymbols) {
    const fs::path library = build();
    const std::string here = dir_.path().string();
    const Result built = run("${CC:-$(command -v clang-19 || echo cc)} -std=c11 -fPIC -shared -I " + here +
                             "/include -Dshout=loud -Dfail=shout_fail -Dstatic= -Wno-all -w -o " +
                             library.string() + " " + here + "/source/shout.c");
    ASSERT_EQ(built.exit_code, 0) << built.output;
    const Result result = check(library);
    EXPECT_THAT(result.output, HasSubstr("fail it exports hearth_backend_get alone"));
    EXPECT_THAT(result.output, HasSubstr("fail the manifest's sha256 is right")) << "it was built again";
}

TEST_F(PluginCheck, RunsNoCodeOfAPluginThatItOnlyLooksAt) {
    const std::string crash = "__attribute__((constructor)) static void boom(void) { abort(); }\n";
    const fs::path library = build({"static bool", crash + "static bool"});
    EXPECT_THAT(check(library).output, HasSubstr("the plugin crashed: ABRT"));
    const Result looked = check(library, "--no-load");
    EXPECT_EQ(looked.exit_code, 0) << looked.output;
    EXPECT_THAT(looked.output, HasSubstr("4 passed, 0 failed"));
    std::ofstream(library, std::ios::app) << "x";
    EXPECT_THAT(check(library, "--no-load").output, HasSubstr("fail the manifest's sha256 is right"));
}

TEST_F(PluginCheck, RefusesWhatIsNoPlugin) {
    std::ofstream(dir_.path() / "text.so") << "text";
    EXPECT_EQ(check(dir_.path() / "text.so").exit_code, 1);
    EXPECT_EQ(check(dir_.path() / "absent.so").exit_code, 1);
    EXPECT_EQ(run(PLUGIN_CHECK).exit_code, 2);
    EXPECT_EQ(check(dir_.path() / "text.so", "--nonsense").exit_code, 2);
}

} // namespace
} // namespace hearth::sdk
