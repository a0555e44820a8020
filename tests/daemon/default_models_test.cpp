#include "daemon/default_models.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/temporary_dir.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <memory>

namespace hearth::daemon {
namespace {

namespace asio = boost::asio;
using hearth::testing::expect_error;
using Source = http::App::Source;

const http::App everyone;
const http::App webui{Source::token, "open-webui"};
const http::App editor{Source::program, "/usr/bin/editor"};

class DefaultModelsFile : public ::testing::Test {
  protected:
    DefaultModelsFile() { open(); }

    void open() { models_ = std::make_unique<DefaultModels>(io_.get_executor(), file_, disk_); }
    template <class T> static asio::awaitable<void> keep(asio::awaitable<T> work, std::optional<T>& result) {
        result.emplace(co_await std::move(work));
    }
    void wait(asio::awaitable<void> work) {
        auto done = asio::co_spawn(io_, std::move(work), asio::use_future);
        io_.restart();
        io_.run();
        done.get();
    }
    void set(const http::App& app, const std::string& model) { wait(models_->set({app, model})); }
    std::optional<std::string> clear(const http::App& app) {
        std::optional<std::optional<std::string>> before;
        wait(keep(models_->clear(app), before));
        return *before;
    }

    hearth::testing::TemporaryDir dir_;
    std::filesystem::path file_ = dir_.path() / "defaults.json";
    asio::io_context io_{1};
    BlockingPool disk_{1};
    std::unique_ptr<DefaultModels> models_;
};

TEST_F(DefaultModelsFile, MeansNothingUntilSomebodyChose) {
    EXPECT_EQ(models_->meant_by(webui), std::nullopt);
    EXPECT_TRUE(models_->all().empty());
    EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(DefaultModelsFile, PrefersTheChoiceForTheAppToThatForAll) {
    set(webui, "qwen3:4b");
    EXPECT_EQ(models_->meant_by(editor), std::nullopt);
    set(everyone, "llama3.2:latest");
    EXPECT_EQ(models_->meant_by(webui), "qwen3:4b");
    EXPECT_EQ(models_->meant_by(editor), "llama3.2:latest");
    EXPECT_EQ(models_->meant_by(everyone), "llama3.2:latest");
}

TEST_F(DefaultModelsFile, TellsATokenFromAProgramOfTheSameName) {
    set({Source::token, "/usr/bin/editor"}, "a");
    EXPECT_EQ(models_->meant_by(editor), std::nullopt);
}

TEST_F(DefaultModelsFile, RemembersAfterARestartInAPrivateFile) {
    set(editor, "b");
    set(webui, "first");
    set(webui, "second");
    set(everyone, "a");
    open();
    ASSERT_EQ(models_->all().size(), 3u);
    EXPECT_EQ(models_->all()[0].app, everyone);
    EXPECT_EQ(models_->all()[1].app, editor);
    EXPECT_EQ(models_->meant_by(webui), "second");
    struct stat status{};
    ASSERT_EQ(::stat(file_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0600u);
}

TEST_F(DefaultModelsFile, ForgetsOneChoiceAndSaysWhichItWas) {
    set(everyone, "a");
    set(webui, "b");
    EXPECT_EQ(clear(webui), "b");
    EXPECT_EQ(clear(webui), std::nullopt);
    EXPECT_EQ(models_->meant_by(webui), "a");
    EXPECT_EQ(clear(everyone), "a");
    open();
    EXPECT_EQ(models_->meant_by(webui), std::nullopt);
}

TEST_F(DefaultModelsFile, KeepsWhatWasWhenTheDiskRefuses) {
    set(everyone, "a");
    std::filesystem::remove_all(dir_.path());
    expect_error(ErrorCode::store_failed, [&] { set(everyone, "b"); });
    EXPECT_EQ(models_->meant_by(everyone), "a");
}

TEST_F(DefaultModelsFile, IsNotTrustedWhenItIsDamaged) {
    for (const char* text :
         {"", "{}", "[]", "3", R"({"version":2,"defaults":[]})", R"({"version":1,"defaults":[{}]})",
          R"({"version":1,"defaults":[{"kind":"pet","app":"x","model":"y"}]})"}) {
        write_file_atomically(file_, text);
        expect_error(ErrorCode::store_failed, [&] { open(); });
    }
}

TEST(AppName, IsATokenUnlessItIsAPath) {
    EXPECT_EQ(app_named(""), everyone);
    EXPECT_EQ(app_named("open-webui"), webui);
    const hearth::testing::TemporaryDir dir;
    write_file_atomically(dir.path() / "real", "");
    std::filesystem::create_symlink(dir.path() / "real", dir.path() / "link");
    const auto real = std::filesystem::canonical(dir.path() / "real").string();
    EXPECT_EQ(app_named((dir.path() / "link").string()), (http::App{Source::program, real}));
    for (const std::string& text :
         {std::string("./link"), std::string("bin/x"), (dir.path() / "none").string()}) {
        expect_error(ErrorCode::invalid_argument, [&] { app_named(text); });
    }
}

} // namespace
} // namespace hearth::daemon
