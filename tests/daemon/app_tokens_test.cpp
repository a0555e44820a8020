#include "daemon/app_tokens.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/temporary_dir.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <sys/stat.h>

namespace hearth::daemon {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using hearth::testing::expect_error;

class SetClock final : public Clock {
  public:
    WallTime now() const override { return time; }
    std::chrono::steady_clock::time_point steady_now() const override { return {}; }
    WallTime time{std::chrono::seconds(1'790'000'000)};
};

class AppTokensFile : public ::testing::Test {
  protected:
    AppTokensFile() { open(); }
    ~AppTokensFile() override { close(); }

    void open() {
        auto remember = [this](const std::string& id) { revoked_.push_back(id); };
        tokens_ = std::make_unique<AppTokens>(io_.get_executor(), file_, disk_, remember, clock_);
    }
    void close() {
        wait(tokens_->stop());
        tokens_.reset();
    }
    template <class T> static asio::awaitable<void> keep(asio::awaitable<T> work, std::optional<T>& result) {
        result.emplace(co_await std::move(work));
    }
    template <class T> T wait(asio::awaitable<T> work) {
        std::optional<T> result;
        wait(keep(std::move(work), result));
        return std::move(*result);
    }
    void wait(asio::awaitable<void> work) {
        auto done = asio::co_spawn(io_, std::move(work), asio::use_future);
        io_.restart();
        io_.run();
        done.get();
    }
    CreatedToken create(const std::string& name, http::Access access = http::Access::infer,
                        std::optional<std::chrono::seconds> lifetime = {}) {
        return wait(tokens_->create(name, access, lifetime));
    }

    hearth::testing::TemporaryDir dir_;
    std::filesystem::path file_ = dir_.path() / "tokens.json";
    asio::io_context io_{1};
    BlockingPool disk_{1};
    SetClock clock_;
    std::vector<std::string> revoked_;
    std::unique_ptr<AppTokens> tokens_;
};

TEST_F(AppTokensFile, KnowsATokenAgainAfterARestart) {
    const CreatedToken created = create("open-webui", http::Access::full);
    close();
    open();
    const auto holder = tokens_->check(created.text);
    ASSERT_TRUE(holder);
    EXPECT_EQ(holder->name, "open-webui");
    EXPECT_EQ(holder->id, created.token.id);
    EXPECT_EQ(holder->access, http::Access::full);
}

TEST_F(AppTokensFile, HoldsNoTokenAndIsPrivate) {
    const CreatedToken created = create("app");
    EXPECT_TRUE(created.text.starts_with("hearth_" + created.token.id + "_"));
    EXPECT_EQ(created.text.size(), 7u + 8 + 1 + 43);
    const std::string text = read_file(file_);
    EXPECT_EQ(text.find(created.text.substr(16)), std::string::npos);
    struct stat status{};
    ASSERT_EQ(::stat(file_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0600u);
    EXPECT_NE(create("other").text, created.text);
}

TEST_F(AppTokensFile, KnowsNothingElse) {
    const CreatedToken created = create("app");
    std::string changed = created.text;
    changed.back() = changed.back() == 'A' ? 'B' : 'A';
    for (const std::string& text : {std::string(), changed, created.text + "A", created.token.id,
                                    created.token.hash.hex(), std::string(100000, 'a')}) {
        EXPECT_FALSE(tokens_->check(text)) << text.substr(0, 80);
    }
}

TEST_F(AppTokensFile, LetsATokenExpire) {
    const CreatedToken created = create("app", http::Access::infer, 30s);
    clock_.time += 29s;
    EXPECT_TRUE(tokens_->check(created.text));
    clock_.time += 1s;
    EXPECT_FALSE(tokens_->check(created.text));
}

TEST_F(AppTokensFile, ForgetsARevokedToken) {
    const CreatedToken by_name = create("one");
    const CreatedToken by_id = create("two");
    wait(tokens_->revoke("one"));
    wait(tokens_->revoke(by_id.token.id));
    EXPECT_EQ(revoked_, (std::vector<std::string>{by_name.token.id, by_id.token.id}));
    close();
    open();
    EXPECT_FALSE(tokens_->check(by_name.text));
    EXPECT_FALSE(tokens_->check(by_id.text));
    expect_error(ErrorCode::token_not_found, [&] { wait(tokens_->revoke("one")); });
}

TEST_F(AppTokensFile, RemembersToTheMinuteWhenATokenWasUsed) {
    const CreatedToken created = create("app");
    EXPECT_EQ(tokens_->all().front().last_used_at, std::nullopt);
    const WallTime first = clock_.time;
    tokens_->check(created.text);
    clock_.time += 30s;
    tokens_->check(created.text);
    close();
    open();
    EXPECT_EQ(tokens_->all().front().last_used_at, first);
}

TEST_F(AppTokensFile, TakesNamesThatCanBeTyped) {
    create("app");
    for (const char* name : {"app", "", "a b", "a/b", "\n", "ä"}) {
        expect_error(ErrorCode::invalid_argument, [&] { create(name); });
    }
    expect_error(ErrorCode::invalid_argument, [&] { create(std::string(65, 'a')); });
    EXPECT_EQ(tokens_->all().size(), 1u);
}

TEST_F(AppTokensFile, IsNotTrustedWhenItIsDamaged) {
    close();
    for (const char* text :
         {"", "{}", "[]", "{\"version\":2,\"tokens\":[]}", "{\"version\":1,\"tokens\":[{}]}"}) {
        write_file_atomically(file_, text);
        expect_error(ErrorCode::store_failed, [&] { open(); });
    }
    std::filesystem::remove(file_);
    open();
}

TEST(TokenLifetime, IsDaysWeeksOrADuration) {
    EXPECT_EQ(parse_lifetime("30d"), std::chrono::days(30));
    EXPECT_EQ(parse_lifetime("2w"), std::chrono::days(14));
    EXPECT_EQ(parse_lifetime("12h"), 12h);
    EXPECT_EQ(parse_lifetime("1h30m"), 90min);
    for (const char* text : {"", "d", "0d", "-1d", "-1h", "0", "30", "30x", "9999999d", "30d1", "tomorrow"}) {
        expect_error(ErrorCode::invalid_argument, [&] { parse_lifetime(text); });
    }
}

} // namespace
} // namespace hearth::daemon
