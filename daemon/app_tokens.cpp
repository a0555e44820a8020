#include "daemon/app_tokens.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/sha256.hpp"
#include "daemon/app_token_file.hpp"
#include "daemon/secrets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

constexpr std::size_t name_limit = 64;
constexpr std::size_t token_limit = 1000;
constexpr std::size_t text_limit_bytes = 256;
constexpr auto use_precision = std::chrono::minutes(1); // a busy app must not cost a write per request

void check_name(const std::string& name) {
    auto legal = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
               c == '-' || c == '_';
    };
    if (name.empty() || name.size() > name_limit || !std::ranges::all_of(name, legal)) {
        throw Error(ErrorCode::invalid_argument,
                    "the name of a token is made of letters, digits, '.', '-' and '_'",
                    fmt::format("at most {} of them, such as open-webui", name_limit));
    }
}

WallTime whole_seconds(WallTime time) {
    return std::chrono::floor<std::chrono::seconds>(time);
}

} // namespace

AppTokens::AppTokens(asio::any_io_executor executor, std::filesystem::path file, BlockingPool& disk,
                     std::function<void(const std::string& id)> on_revoked, const Clock& clock)
    : file_(std::move(file)), disk_(disk), on_revoked_(std::move(on_revoked)), clock_(clock),
      tokens_(read_app_tokens(file_)), saved_(executor), tasks_(executor) {}

std::optional<http::TokenHolder> AppTokens::check(std::string_view token) {
    if (token.size() > text_limit_bytes) {
        return std::nullopt;
    }
    const std::string hash = sha256_of(token).hex();
    AppToken* found = nullptr;
    for (AppToken& candidate : tokens_) { // all of them: nothing shows how far it came
        if (equal_in_constant_time(candidate.hash.hex(), hash)) {
            found = &candidate;
        }
    }
    const WallTime now = clock_.now();
    if (found == nullptr || (found->expires_at && *found->expires_at <= now)) {
        return std::nullopt;
    }
    if (!found->last_used_at || now - *found->last_used_at >= use_precision) {
        found->last_used_at = whole_seconds(now);
        if (!use_unsaved_) {
            use_unsaved_ = true;
            tasks_.spawn("token-use", save());
        }
    }
    return http::TokenHolder{found->id, found->name, found->access};
}

asio::awaitable<CreatedToken> AppTokens::create(std::string name, http::Access access,
                                                std::optional<std::chrono::seconds> lifetime) {
    check_name(name);
    if (std::ranges::any_of(tokens_, [&](const AppToken& token) { return token.name == name; })) {
        throw Error(ErrorCode::invalid_argument, "there is a token named " + name,
                    "revoke it first, or choose another name");
    }
    if (tokens_.size() >= token_limit) {
        throw Error(ErrorCode::invalid_argument, fmt::format("there are {} tokens already", token_limit),
                    "revoke those that no app uses");
    }
    const std::string id = random_id();
    const std::string text = fmt::format("{}{}_{}", http::token_prefix, id, random_secret());
    const WallTime now = whole_seconds(clock_.now());
    AppToken token{.id = id,
                   .name = std::move(name),
                   .access = access,
                   .hash = sha256_of(text),
                   .created_at = now,
                   .expires_at = lifetime ? std::make_optional(now + *lifetime) : std::nullopt,
                   .last_used_at = {}};
    CreatedToken created{std::move(token), text};
    tokens_.push_back(created.token);
    std::exception_ptr failure;
    try {
        co_await save();
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) { // nobody was told its text
        std::erase_if(tokens_, [&](const AppToken& other) { return other.id == created.token.id; });
        std::rethrow_exception(failure);
    }
    co_return created;
}

asio::awaitable<AppToken> AppTokens::revoke(std::string name) {
    const auto found = std::ranges::find_if(
        tokens_, [&](const AppToken& token) { return token.name == name || token.id == name; });
    if (found == tokens_.end()) {
        throw Error(ErrorCode::token_not_found, "there is no token named " + name.substr(0, name_limit),
                    "hearth token list shows what there is");
    }
    const AppToken revoked = std::move(*found);
    tokens_.erase(found); // it opens nothing from here on, whatever the disk says
    on_revoked_(revoked.id);
    co_await save();
    co_return revoked;
}

asio::awaitable<void> AppTokens::stop() {
    tasks_.cancel();
    co_await tasks_.join();
    if (use_unsaved_) {
        co_await save();
    }
}

asio::awaitable<void> AppTokens::save() {
    while (saving_) {
        co_await saved_.wait();
    }
    saving_ = true;
    use_unsaved_ = false;
    auto write = [file = file_, text = app_tokens_to_text(tokens_)] { write_file_atomically(file, text); };
    std::exception_ptr failure;
    try {
        co_await run_blocking(disk_, std::move(write));
    } catch (...) {
        failure = std::current_exception();
    }
    saving_ = false;
    saved_.notify_all();
    if (failure) {
        std::rethrow_exception(failure);
    }
}

std::chrono::seconds parse_lifetime(std::string_view text) {
    constexpr std::int64_t days_limit = 36'500;
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    std::chrono::seconds lifetime{};
    if (error == std::errc() && count <= days_limit && (unit == "d" || unit == "w")) {
        lifetime = std::chrono::days(unit == "w" ? count * 7 : count);
    } else {
        lifetime = std::chrono::duration_cast<std::chrono::seconds>(parse_go_duration(text));
    }
    if (lifetime <= std::chrono::seconds(0)) {
        throw Error(ErrorCode::invalid_argument, "a token cannot expire before it is made",
                    "write 30d, 12h, or nothing for a token that does not expire");
    }
    return lifetime;
}

} // namespace hearth::daemon
