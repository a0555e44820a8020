#include "daemon/http/tcp_owner.hpp"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string>

namespace hearth::daemon::http {
namespace {

/// "0100007F:1F90": the four bytes as they lie in memory, read as one number of this machine.
std::string table_text(const Endpoint& endpoint) {
    const auto bytes = endpoint.address().to_v4().to_bytes();
    return fmt::format("{:08X}:{:04X}", std::bit_cast<std::uint32_t>(bytes), endpoint.port());
}

std::optional<uid_t> parse_uid(std::string_view text) {
    uid_t uid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uid);
    return error == std::errc() && end == text.data() + text.size() ? std::make_optional(uid) : std::nullopt;
}

} // namespace

std::optional<uid_t> find_tcp_owner(std::string_view table, const Endpoint& remote, const Endpoint& local) {
    if (!remote.address().is_v4() || !local.address().is_v4()) {
        return std::nullopt;
    }
    // Established alone: a connection that has ended is everybody's (uid 0).
    const std::string wanted = fmt::format(": {} {} 01 ", table_text(remote), table_text(local));
    const auto row = table.find(wanted);
    if (row == std::string_view::npos) {
        return std::nullopt;
    }
    std::istringstream rest(
        std::string(table.substr(row + wanted.size(), table.find('\n', row) - row - wanted.size())));
    std::string queues;
    std::string timer;
    std::string retransmits;
    std::string uid;
    rest >> queues >> timer >> retransmits >> uid;
    return parse_uid(uid);
}

std::optional<uid_t> tcp_owner(const Endpoint& remote, const Endpoint& local) {
    std::ifstream file("/proc/self/net/tcp");
    std::stringstream table;
    table << file.rdbuf();
    return find_tcp_owner(table.view(), remote, local);
}

} // namespace hearth::daemon::http
