#include "daemon/app_token_file.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hearth::daemon {
namespace {

constexpr std::uint64_t file_limit_bytes = 4u << 20;
constexpr std::int64_t format_version = 1;

std::int64_t to_seconds(WallTime time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::optional<WallTime> time_member(const Json& row, const char* key) {
    const auto seconds = get_integer(row, key);
    return seconds ? std::make_optional(WallTime(std::chrono::seconds(*seconds))) : std::nullopt;
}

Json to_row(const AppToken& token) {
    Json row = {{"id", token.id},
                {"name", token.name},
                {"scope", scope_name(token.access)},
                {"sha256", token.hash.hex()},
                {"created_at", to_seconds(token.created_at)}};
    if (token.expires_at) {
        row["expires_at"] = to_seconds(*token.expires_at);
    }
    if (token.last_used_at) {
        row["last_used_at"] = to_seconds(*token.last_used_at);
    }
    return row;
}

AppToken from_row(const Json& row) {
    return {.id = require_string(row, "id"),
            .name = require_string(row, "name"),
            .access = parse_scope(require_string(row, "scope")),
            .hash = Digest::parse("sha256:" + require_string(row, "sha256")),
            .created_at = time_member(row, "created_at").value_or(WallTime()),
            .expires_at = time_member(row, "expires_at"),
            .last_used_at = time_member(row, "last_used_at")};
}

std::vector<AppToken> from_text(const std::string& text) {
    const Json file = parse_json(text, "the file");
    if (get_integer(file, "version") != format_version) {
        throw Error(ErrorCode::store_failed, "it was made by another version of Hearth");
    }
    std::vector<AppToken> tokens;
    for (const Json& row : file.value("tokens", Json::array())) {
        tokens.push_back(from_row(row));
    }
    return tokens;
}

} // namespace

std::string_view scope_name(http::Access access) noexcept {
    return access == http::Access::full ? "full" : "infer";
}

http::Access parse_scope(std::string_view text) {
    if (text == "infer" || text == "full") {
        return text == "full" ? http::Access::full : http::Access::infer;
    }
    throw Error(ErrorCode::invalid_argument, fmt::format("\"{}\" is not a scope", text.substr(0, 60)),
                "infer: inference and listing; full: also pulling, deleting and loading");
}

std::string app_tokens_to_text(const std::vector<AppToken>& tokens) {
    Json file = {{"version", format_version}, {"tokens", Json::array()}};
    for (const AppToken& token : tokens) {
        file["tokens"].push_back(to_row(token));
    }
    return file.dump(1) + "\n";
}

std::vector<AppToken> read_app_tokens(const std::filesystem::path& file) {
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) {
        return {};
    }
    try {
        return from_text(read_file(file, file_limit_bytes));
    } catch (const Error& error) {
        throw Error(ErrorCode::store_failed,
                    fmt::format("reading the tokens of apps in {}: {}", file.string(), error.what()),
                    "move the file away and give the apps new tokens");
    }
}

} // namespace hearth::daemon
