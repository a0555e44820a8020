#pragma once

#include "base/async/blocking.hpp"
#include "base/async/event.hpp"
#include "base/async/task_group.hpp"
#include "base/digest.hpp"
#include "base/time.hpp"
#include "daemon/http/door.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::daemon {

/// What is known of a token: never the token itself, which only its SHA-256 stands for.
struct AppToken {
    std::string id; ///< 8 hex digits, part of the token
    std::string name;
    http::Access access = http::Access::infer;
    Digest hash;
    WallTime created_at;
    std::optional<WallTime> expires_at;
    std::optional<WallTime> last_used_at; ///< kept to the minute
};

/// A token with its text, which is shown once and kept nowhere.
struct CreatedToken {
    AppToken token;
    std::string text; ///< hearth_<id>_<43 characters>, 256 random bits
};

/// The tokens by which apps come in over TCP, in `data/tokens.json` (0600), of which this process is the only
/// writer. On the io executor; `stop` is awaited before destruction.
class AppTokens {
  public:
    /// Reads the file; blocking, once.
    /// @param on_revoked  told the id of a token that is valid no more
    /// @throws Error  store_failed: unreadable, damaged, made by a newer Hearth
    AppTokens(boost::asio::any_io_executor executor, std::filesystem::path file, BlockingPool& disk,
              std::function<void(const std::string& id)> on_revoked, const Clock& clock = system_clock());
    AppTokens(const AppTokens&) = delete;

    /// In a time that does not depend on how much of it is right. Remembers that it was used.
    std::optional<http::TokenHolder> check(std::string_view token);

    const std::vector<AppToken>& all() const noexcept { return tokens_; }
    /// Returns when it is durable.
    /// @param lifetime  until it expires; absent: never
    /// @throws Error  invalid_argument: a name that is taken or no name; disk_full, store_failed
    boost::asio::awaitable<CreatedToken> create(std::string name, http::Access access,
                                                std::optional<std::chrono::seconds> lifetime);
    /// By name or id. @throws Error token_not_found, disk_full, store_failed
    boost::asio::awaitable<AppToken> revoke(std::string name);

    boost::asio::awaitable<void> stop();

  private:
    boost::asio::awaitable<void> save();

    std::filesystem::path file_;
    BlockingPool& disk_;
    std::function<void(const std::string& id)> on_revoked_;
    const Clock& clock_;
    std::vector<AppToken> tokens_;
    bool saving_ = false;
    bool use_unsaved_ = false;
    AsyncEvent saved_;
    TaskGroup tasks_;
};

/// "30d", "2w", or a Go duration such as "12h". @throws Error invalid_argument
std::chrono::seconds parse_lifetime(std::string_view text);

} // namespace hearth::daemon
