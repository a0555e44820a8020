#include "runtime/runner/plugin_manifest.hpp"

#include "base/error.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/temporary_dir.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>

namespace hearth::runtime {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PluginManifestTest : public ::testing::Test {
  protected:
    static Json good(const std::string& name) {
        return {{"manifest", 1},
                {"name", name},
                {"abi", 1},
                {"version", "1.0"},
                {"library", "lib.so"},
                {"sha256", std::string(64, 'a')},
                {"operations", {"chat"}},
                {"formats", Json::array()},
                {"description", "for a test"}};
    }
    static void write(const fs::path& path, const std::string& text) {
        fs::create_directories(path.parent_path());
        std::ofstream(path) << text;
        fs::permissions(path, fs::perms::group_write | fs::perms::others_write, fs::perm_options::remove);
    }
    fs::path install(const std::string& folder, const std::string& name, const Json& manifest) const {
        const fs::path file = dir_.path() / folder / ("backend-" + name + ".json");
        write(file, manifest.dump());
        write(file.parent_path() / "lib.so", "ELF");
        return file;
    }
    void expect_refused(const Json& manifest, const std::string& why) const {
        const fs::path file = install("x", "x", manifest);
        const std::string text =
            testing::expect_error(ErrorCode::backend_failed, [&] { PluginManifest::read(file); });
        EXPECT_THAT(text, HasSubstr(why));
        EXPECT_THAT(text, HasSubstr("backend-x.json")) << "the message names the file";
    }
    void expect_refused_with(const std::string& member, const Json& value, const std::string& why) const {
        Json manifest = good("x");
        manifest[member] = value;
        expect_refused(manifest, why);
    }

    testing::TemporaryDir dir_;
};

TEST_F(PluginManifestTest, TellsWhatABackendCanDo) {
    Json json = good("x");
    json["formats"] = {"gguf"};
    const PluginManifest manifest = PluginManifest::read(install("x", "x", json));
    EXPECT_EQ(manifest.name, "x");
    EXPECT_EQ(manifest.library, fs::canonical(dir_.path() / "x/lib.so"));
    EXPECT_TRUE(manifest.has_operation("chat"));
    EXPECT_FALSE(manifest.has_operation("embed"));
    EXPECT_TRUE(manifest.needs_model());
}

TEST_F(PluginManifestTest, RefusesAManifestOfAnotherShape) {
    expect_refused(Json::array(), "\"manifest\" must be 1");
    expect_refused_with("manifest", 2, "\"manifest\" must be 1");
    expect_refused_with("abi", 2, "plugin ABI 2");
    expect_refused_with("name", "y", "backend-<name>.json");
    expect_refused_with("name", "../x", "backend-<name>.json");
    expect_refused_with("sha256", "abc", "64 lower-case hex digits");
    expect_refused_with("operations", "chat", "list of words");
    expect_refused_with("operations", Json::array({1}), "list of words");
    expect_refused_with("version", 1, "version");
}

TEST_F(PluginManifestTest, RefusesALibraryElsewhere) {
    expect_refused_with("library", "../lib.so", "beside the manifest");
    expect_refused_with("library", "/lib/lib.so", "beside the manifest");
    expect_refused_with("library", "absent.so", "is not there");
    write(dir_.path() / "elsewhere.so", "ELF");
    fs::create_directories(dir_.path() / "x");
    fs::create_symlink(dir_.path() / "elsewhere.so", dir_.path() / "x/link.so");
    expect_refused_with("library", "link.so", "outside");
}

TEST_F(PluginManifestTest, RefusesFilesThatOthersMayWrite) {
    for (const char* name : {"backend-x.json", "lib.so"}) {
        const fs::path file = install("x", "x", good("x"));
        fs::permissions(file.parent_path() / name, fs::perms::others_write, fs::perm_options::add);
        const std::string text =
            testing::expect_error(ErrorCode::backend_failed, [&] { PluginManifest::read(file); });
        EXPECT_THAT(text, HasSubstr("others may write"));
    }
}

TEST_F(PluginManifestTest, FindsThePluginsOfAllFoldersAndTheFirstOfANameWins) {
    install("one/a", "a", good("a"));
    install("one", "b", good("b"));
    Json second = good("a");
    second["version"] = "2.0";
    install("two/a", "a", second);
    install("two/c", "c", good("c"));
    std::vector<std::string> found;
    for (const PluginManifest& manifest :
         find_plugins({dir_.path() / "one", dir_.path() / "absent", dir_.path() / "two"})) {
        found.push_back(manifest.name + " " + manifest.version);
    }
    EXPECT_THAT(found, ElementsAre("a 1.0", "b 1.0", "c 1.0"));
}

TEST_F(PluginManifestTest, ABrokenManifestHidesOnlyItsOwnBackend) {
    write(dir_.path() / "broken/backend-broken.json", "{");
    install("fine", "fine", good("fine"));
    const auto plugins = find_plugins({dir_.path()});
    ASSERT_EQ(plugins.size(), 1u);
    EXPECT_EQ(plugins[0].name, "fine");
}

TEST_F(PluginManifestTest, OfAnOldAbiIsNamedWithWhatRemovesIt) {
    install("good", "good", good("good"));
    Json old = good("old");
    old["abi"] = 0;
    const fs::path file = install("old", "old", old);
    const PluginScan scan = scan_plugins({dir_.path()});
    EXPECT_EQ(scan.plugins.size(), 1u);
    ASSERT_EQ(scan.problems.size(), 1u);
    EXPECT_EQ(scan.problems[0].file, file);
    EXPECT_THAT(scan.problems[0].why, HasSubstr("it speaks plugin ABI 0, this Hearth speaks 1"));
    EXPECT_THAT(scan.problems[0].hint, HasSubstr("rm -r " + file.parent_path().string()));
}

} // namespace
} // namespace hearth::runtime
