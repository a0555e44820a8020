#include "cli/backend/installed.hpp"

#include "base/atomic_file.hpp"
#include "cli/backend/package.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/temporary_dir.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

namespace hearth::cli::backend {
namespace {

namespace fs = std::filesystem;
using hearth::testing::expect_error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class InstalledBackends : public ::testing::Test {
  protected:
    static void write(const fs::path& file, const std::string& text) {
        fs::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }
    /// A plugin's folder: a library and a manifest.
    static void add_plugin(const fs::path& folder, const std::string& name, const std::string& version,
                           int abi = abi_version) {
        write(folder / "lib.so", "code");
        write(
            folder / ("backend-" + name + ".json"),
            fmt::format(
                R"({{"manifest":1,"name":"{}","abi":{},"version":"{}","library":"lib.so","sha256":"{:0>64}",)"
                R"("operations":["chat"],"formats":["gguf"],"devices":["cpu"]}})",
                name, abi, version, 0));
    }
    /// As `hearth backend install` leaves a package. @param plugin  the manifest's name
    void add_version(const std::string& name, const std::string& version, const std::string& plugin) const {
        const fs::path root = places_.versions() / (name + "@" + version);
        add_plugin(root / "plugin", plugin, version);
        write(
            root / "package.json",
            fmt::format(
                R"({{"name":"@s/{0}","version":"{1}","hearth":{{"backend":"{0}","plugin":"plugin","abi":1,"platform":"{2}"}}}})",
                name, version, own_platform()));
    }
    void use(const std::string& id) const {
        backend::use(places_, require_installed(installed_backends(places_), BackendId::parse(id)));
    }
    void remove(const std::string& id) const {
        backend::remove(places_, require_installed(installed_backends(places_), BackendId::parse(id)));
    }
    /// "llama@0.5.0 by package" of those that are used.
    std::vector<std::string> used() const {
        std::vector<std::string> found;
        for (const Installed& one : installed_backends(places_)) {
            if (one.used) {
                found.push_back(fmt::format("{} by {}", one.id.text(), origin_name(one.origin)));
            }
        }
        return found;
    }
    std::vector<std::string> all() const {
        std::vector<std::string> found;
        for (const Installed& one : installed_backends(places_)) {
            found.push_back(one.id.text());
        }
        return found;
    }

    hearth::testing::TemporaryDir dir_;
    Places places_{dir_.path() / "shipped", dir_.path() / "user"};
};

TEST_F(InstalledBackends, AreNoneWhereNothingIs) {
    EXPECT_THAT(all(), IsEmpty());
    EXPECT_THAT(expect_error(ErrorCode::backend_not_found, [&] { use("cuda"); }),
                HasSubstr("cuda is not installed"));
}

TEST_F(InstalledBackends, AreListedByNameTheNewestVersionFirst) {
    add_plugin(places_.shipped / "llama", "llama", "0.5.0");
    add_plugin(places_.user / "mine", "mine", "3");
    add_version("cuda", "0.9.0", "llama");
    add_version("cuda", "0.10.0", "llama");
    add_version("cuda", "0.10.0-rc.1", "llama");
    EXPECT_THAT(all(), ElementsAre("cuda@0.10.0", "cuda@0.10.0-rc.1", "cuda@0.9.0", "llama@0.5.0", "mine@3"));
    EXPECT_THAT(used(), ElementsAre("llama@0.5.0 by package", "mine@3 by folder"))
        << "what nobody chose is not used";
    EXPECT_THAT(installed_backends(places_).front().manifest.devices, ElementsAre("cpu"));
}

TEST_F(InstalledBackends, AreUsedWhenChosenAndInTheVersionThatIsPinned) {
    add_plugin(places_.shipped / "llama", "llama", "0.5.0");
    add_version("cuda", "0.9.0", "llama");
    add_version("cuda", "0.10.0", "llama");
    use("cuda");
    EXPECT_THAT(used(), ElementsAre("cuda@0.10.0 by user")) << "the newest";
    use("cuda@0.9.0");
    EXPECT_THAT(used(), ElementsAre("cuda@0.9.0 by user")) << "back";
    EXPECT_EQ(fs::read_symlink(places_.used() / "llama"), "../.versions/cuda@0.9.0/plugin")
        << "the folder may be moved";
    use("llama");
    EXPECT_THAT(used(), ElementsAre("llama@0.5.0 by package"));
}

TEST_F(InstalledBackends, MayBeNewerThanThePackagesOfTheSameName) {
    add_plugin(places_.shipped / "llama", "llama", "0.5.0");
    add_version("llama", "0.6.0", "llama");
    use("llama");
    EXPECT_THAT(used(), ElementsAre("llama@0.6.0 by user"));
    use("llama@0.5.0");
    EXPECT_THAT(used(), ElementsAre("llama@0.5.0 by package"));
}

TEST_F(InstalledBackends, OfAFolderGoBehindThePackagesUnlessChosen) {
    add_plugin(places_.shipped / "llama", "llama", "0.5.0");
    add_plugin(places_.user / "mine", "llama", "0.7.0");
    EXPECT_THAT(used(), ElementsAre("llama@0.5.0 by package"));
    use("llama@0.7.0");
    EXPECT_THAT(used(), ElementsAre("llama@0.7.0 by folder"));
}

TEST_F(InstalledBackends, FallBackToThePackagesWhenTheChosenOneIsRemoved) {
    add_plugin(places_.shipped / "llama", "llama", "0.5.0");
    add_version("cuda", "0.9.0", "llama");
    add_version("cuda", "0.10.0", "llama");
    use("cuda@0.9.0");
    remove("cuda@0.10.0");
    EXPECT_THAT(used(), ElementsAre("cuda@0.9.0 by user"));
    remove("cuda");
    EXPECT_THAT(all(), ElementsAre("llama@0.5.0"));
    EXPECT_THAT(used(), ElementsAre("llama@0.5.0 by package"));
    EXPECT_TRUE(fs::is_empty(places_.versions()));
    EXPECT_TRUE(fs::is_empty(places_.used()));
}

TEST_F(InstalledBackends, ThatNobodyInstalledAreNotRemoved) {
    add_plugin(places_.shipped / "llama", "llama", "0.5.0");
    add_plugin(places_.user / "mine", "mine", "3");
    expect_error(ErrorCode::invalid_argument, [&] { remove("llama"); });
    expect_error(ErrorCode::invalid_argument, [&] { remove("mine"); });
    EXPECT_THAT(all(), ElementsAre("llama@0.5.0", "mine@3"));
}

TEST_F(InstalledBackends, ThatAreBrokenAreShownAndNeverUsed) {
    add_plugin(places_.shipped / "llama", "llama", "0.5.0");
    add_version("cuda", "0.9.0", "llama");
    use("cuda");
    fs::remove(places_.versions() / "cuda@0.9.0/plugin/lib.so");
    add_plugin(places_.user / "old", "old", "1", abi_version + 1);
    write(places_.user / "torn/backend-torn.json", "{");
    EXPECT_THAT(all(), ElementsAre("cuda@0.9.0", "llama@0.5.0", "old@1", "torn"));
    EXPECT_THAT(used(), ElementsAre("llama@0.5.0 by package")) << "as the service falls back";
    try {
        use("cuda");
        ADD_FAILURE() << "cuda does not work";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::backend_failed);
        EXPECT_THAT(error.what(), HasSubstr("library is not there"));
        EXPECT_EQ(error.hint(), "hearth backend remove cuda@0.9.0, and install it again");
    }
    EXPECT_THAT(expect_error(ErrorCode::backend_failed, [&] { use("old"); }),
                HasSubstr("plugin ABI 2, this Hearth speaks 1"));
    write(places_.versions() / "cuda@0.9.0/package.json", "{");
    EXPECT_THAT(all(), ElementsAre("cuda@0.9.0", "llama@0.5.0", "old@1", "torn"))
        << "by its folder, so that it can be removed";
    remove("cuda");
    EXPECT_THAT(all(), ElementsAre("llama@0.5.0", "old@1", "torn"));
}

TEST_F(InstalledBackends, ThatTheServiceLeavesOutAreNotUsed) {
    const fs::path folder = places_.user / "mine";
    const fs::path manifest = folder / "backend-mine.json";
    const auto problem = [&] {
        const std::vector<Installed> all = installed_backends(places_);
        EXPECT_FALSE(all.front().used);
        return all.front().manifest.problem;
    };
    add_plugin(folder, "mine", "1");
    EXPECT_THAT(used(), ElementsAre("mine@1 by folder"));
    for (const fs::path& file : {folder / "lib.so", manifest}) {
        fs::permissions(file, fs::perms::group_write, fs::perm_options::add);
        EXPECT_THAT(problem(), HasSubstr("chmod go-w " + file.string()));
        fs::permissions(file, fs::perms::group_write, fs::perm_options::remove);
    }
    const std::string good = read_file(manifest);
    for (const auto& [right, wrong] : {std::pair(R"("manifest":1)", R"("manifest":2)"),
                                       {R"("formats":["gguf"],)", ""},
                                       {R"(["chat"])", R"(["CHAT"])"},
                                       {R"("sha256":"0)", R"("sha256":"x)"}}) {
        std::string text = good;
        write(manifest, text.replace(text.find(right), std::string_view(right).size(), wrong));
        EXPECT_NE(problem(), "") << wrong;
    }
    write(manifest, good);
    fs::rename(folder / "lib.so", folder.parent_path() / "lib.so");
    fs::create_symlink("../lib.so", folder / "lib.so");
    EXPECT_THAT(problem(), HasSubstr("another folder"));
}

TEST_F(InstalledBackends, AreAskedForByTheNearestName) {
    add_version("cuda", "0.9.0", "llama");
    try {
        use("cdua");
        ADD_FAILURE() << "cdua is not there";
    } catch (const Error& error) {
        EXPECT_EQ(error.hint(), "did you mean cuda?");
    }
}

} // namespace
} // namespace hearth::cli::backend
