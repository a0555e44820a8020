#include "base/paths.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/scoped_variable.hpp"
#include "tests/base/temporary_dir.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace hearth {
namespace {

using testing::expect_error;
using testing::ScopedVariable;

class Paths : public ::testing::Test {
  protected:
    ScopedVariable home_{"HOME", "/home/ada"};
    ScopedVariable data_{"HEARTH_DATA", nullptr};
    ScopedVariable runtime_{"HEARTH_RUNTIME", nullptr};
    ScopedVariable socket_{"HEARTH_SOCKET", nullptr};
    ScopedVariable config_{"HEARTH_CONFIG", nullptr};
    ScopedVariable xdg_data_{"XDG_DATA_HOME", nullptr};
    ScopedVariable xdg_runtime_{"XDG_RUNTIME_DIR", nullptr};
    ScopedVariable xdg_state_{"XDG_STATE_HOME", nullptr};
    ScopedVariable xdg_config_{"XDG_CONFIG_HOME", nullptr};
};

TEST_F(Paths, AreInTheHomeFolderWhenNothingIsSet) {
    EXPECT_EQ(paths::data_dir(), "/home/ada/.local/share/hearth");
    EXPECT_EQ(paths::runtime_dir(), "/home/ada/.local/state/hearth/run");
    EXPECT_EQ(paths::api_socket(), "/home/ada/.local/state/hearth/run/api.sock");
    EXPECT_EQ(paths::infer_socket(), "/home/ada/.local/state/hearth/run/infer.sock");
    EXPECT_EQ(paths::log_file(), "/home/ada/.local/state/hearth/hearthd.log");
    EXPECT_EQ(paths::history_file(), "/home/ada/.local/state/hearth/history");
    EXPECT_EQ(paths::config_files().back(), "/home/ada/.config/hearth/config.toml");
    EXPECT_EQ(paths::config_files().front(), "/etc/hearth/config.toml");
}

TEST_F(Paths, FollowXdgUnlessItIsEmptyOrRelative) {
    const ScopedVariable data("XDG_DATA_HOME", "/x/data");
    const ScopedVariable runtime("XDG_RUNTIME_DIR", "/run/user/7");
    const ScopedVariable config("XDG_CONFIG_HOME", "relative");
    EXPECT_EQ(paths::data_dir(), "/x/data/hearth");
    EXPECT_EQ(paths::runtime_dir(), "/run/user/7/hearth");
    EXPECT_EQ(paths::config_files().back(), "/home/ada/.config/hearth/config.toml");
}

TEST_F(Paths, PreferHearthsOwnVariables) {
    const ScopedVariable xdg("XDG_DATA_HOME", "/x/data");
    const ScopedVariable data("HEARTH_DATA", "/srv/models");
    const ScopedVariable runtime("HEARTH_RUNTIME", "/srv/run");
    EXPECT_EQ(paths::data_dir(), "/srv/models");
    EXPECT_EQ(paths::api_socket(), "/srv/run/api.sock");
    EXPECT_EQ(paths::plugin_dirs().front(), "/srv/models/plugins/.used") << "a choice goes before everything";
    EXPECT_EQ(paths::plugin_dirs().back(), "/srv/models/plugins");
    const ScopedVariable socket("HEARTH_SOCKET", "/srv/infer.sock");
    EXPECT_EQ(paths::api_socket(), "/srv/infer.sock");
    EXPECT_EQ(paths::infer_socket(), "/srv/run/infer.sock");
    const ScopedVariable config("HEARTH_CONFIG", "/srv/c.toml");
    EXPECT_EQ(paths::config_files().back(), "/srv/c.toml");
}

class PrivateDir : public ::testing::Test {
  protected:
    testing::TemporaryDir dir_;
};

TEST_F(PrivateDir, IsCreatedWithItsParentsForTheOwnerAlone) {
    const auto path = dir_.path() / "a" / "b";
    paths::ensure_private_dir(path);
    paths::ensure_private_dir(path);
    for (const auto& each : {path, path.parent_path()}) {
        struct stat status{};
        ASSERT_EQ(::stat(each.c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 07777, 0700u);
    }
}

TEST_F(PrivateDir, MayNotBeOpenToOthers) {
    ::chmod(dir_.path().c_str(), 0750);
    const auto text = expect_error(ErrorCode::store_failed, [&] { paths::ensure_private_dir(dir_.path()); });
    EXPECT_EQ(text, dir_.path().string() + " is open to other users");
}

TEST_F(PrivateDir, MayNotBeALinkOrAFile) {
    const auto link = dir_.path() / "link";
    std::filesystem::create_directory_symlink(dir_.path(), link);
    expect_error(ErrorCode::store_failed, [&] { paths::ensure_private_dir(link); });
    expect_error(ErrorCode::store_failed, [] { paths::ensure_private_dir("/dev/null"); });
    expect_error(ErrorCode::store_failed, [] { paths::ensure_private_dir("/dev/null/x"); });
}

} // namespace
} // namespace hearth
