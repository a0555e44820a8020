#include "base/plugin_folder.hpp"

#include "tests/base/temporary_dir.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace hearth {
namespace {

namespace fs = std::filesystem;

class PluginFolder : public ::testing::Test {
  protected:
    void put(const std::string& name) {
        const fs::path file = dir_.path() / name;
        fs::create_directories(file.parent_path());
        std::ofstream(file) << "{}";
    }
    std::vector<std::string> names(const std::vector<fs::path>& files) const {
        std::vector<std::string> found;
        for (const fs::path& file : files) {
            found.push_back(fs::relative(file, dir_.path()).string());
        }
        return found;
    }

    testing::TemporaryDir dir_;
};

TEST_F(PluginFolder, IsSearchedOneFolderDeepInSortedOrder) {
    for (const char* name : {"mine/backend-c.json", "backend-b.json", "backend-b.txt", "other.json",
                             "mine/backend-a.json", "mine/deeper/backend-d.json"}) {
        put(name);
    }
    EXPECT_EQ(names(plugin_manifests_below(dir_.path())),
              (std::vector<std::string>{"backend-b.json", "mine/backend-a.json", "mine/backend-c.json"}));
    EXPECT_EQ(names(plugin_manifests_in(dir_.path())), std::vector<std::string>{"backend-b.json"});
}

TEST_F(PluginFolder, HasNoManifestsWhenItIsNotThere) {
    EXPECT_TRUE(plugin_manifests_in(dir_.path() / "absent").empty());
    EXPECT_TRUE(plugin_manifests_below(dir_.path() / "absent").empty());
}

} // namespace
} // namespace hearth
