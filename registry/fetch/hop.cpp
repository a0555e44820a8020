#include "registry/fetch/hop.hpp"

#include "base/error.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

namespace hearth::registry::fetch {

namespace {

constexpr std::size_t max_header_bytes = std::size_t{64} << 10;
constexpr std::size_t max_headers = 256;
/// The small body of a redirect is read, so that its connection can serve again; a larger one is not worth
/// it.
constexpr std::uint64_t max_redirect_body_bytes = std::uint64_t{64} << 10;
constexpr std::uint64_t slowest_bytes_per_second = 1024;

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
    });
    return result;
}

std::string address_text(const sockaddr& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* bytes =
        address.sa_family == AF_INET6
            ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr)
            : static_cast<const void*>(&reinterpret_cast<const sockaddr_in&>(address).sin_addr);
    return inet_ntop(address.sa_family, bytes, text.data(), text.size()) == nullptr ? "an address"
                                                                                    : text.data();
}

} // namespace

Hop::Hop(process::wire::ServerStream& stream, const FetchRequest& request, const AddressPolicy& policy,
         const Url& url, bool through_proxy)
    : stream_(stream), request_(request), policy_(policy), url_(url), through_proxy_(through_proxy) {}

void Hop::attach(CURL* handle) {
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &Hop::on_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &Hop::on_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &Hop::on_progress);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, this);
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, &Hop::on_open_socket);
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, this);
}

bool Hop::is_redirect() const {
    const bool code = head_.status == 301 || head_.status == 302 || head_.status == 303 ||
                      head_.status == 307 || head_.status == 308;
    return code && head_.headers.contains("location");
}

void Hop::expect_whole_head() const {
    if (!head_complete_) {
        throw Error(ErrorCode::registry_unreachable,
                    url_.display() + " broke off in the middle of its headers");
    }
}

void Hop::finish() {
    if (!head_sent_) {
        send_head();
    }
}

std::size_t Hop::on_header(char* data, std::size_t size, std::size_t count, void* hop) {
    auto* self = static_cast<Hop*>(hop);
    try {
        self->take_header(std::string_view(data, size * count));
        return size * count;
    } catch (...) {
        self->failure_ = std::current_exception();
        return 0;
    }
}

std::size_t Hop::on_body(char* data, std::size_t size, std::size_t count, void* hop) {
    auto* self = static_cast<Hop*>(hop);
    try {
        self->take_body(std::string_view(data, size * count));
        return self->has_enough_ ? size * count + 1 : size * count;
    } catch (...) {
        self->failure_ = std::current_exception();
        return size * count + 1; // any other number than what came ends the request
    }
}

int Hop::on_progress(void* hop, curl_off_t /*total*/, curl_off_t /*now*/, curl_off_t /*up*/,
                     curl_off_t /*up_now*/) {
    auto* self = static_cast<Hop*>(hop);
    return self->stream_.cancelled() || self->watch_stall() ? 1 : 0;
}

curl_socket_t Hop::on_open_socket(void* hop, curlsocktype /*purpose*/, curl_sockaddr* address) {
    auto* self = static_cast<Hop*>(hop);
    if (!self->through_proxy_ && !self->policy_.allows(self->url_, classify(address->addr))) {
        self->refused_address_ = address_text(address->addr);
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void Hop::take_header(std::string_view line) {
    header_bytes_ += line.size();
    if (header_bytes_ > max_header_bytes || head_.headers.size() > max_headers) {
        throw Error(ErrorCode::registry_failed, url_.display() + " sent too many headers");
    }
    const std::string_view text = trimmed(line);
    if (text.starts_with("HTTP/")) { // a new status line; what a 100 or 103 said does not count
        head_ = FetchHead{};
        head_complete_ = false;
        const std::string_view after = text.substr(std::min(text.find(' ') + 1, text.size()));
        std::from_chars(after.data(), after.data() + after.size(), head_.status);
        return;
    }
    head_complete_ = head_complete_ || text.empty();
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0) {
        return;
    }
    const std::string_view value = trimmed(text.substr(colon + 1));
    auto [entry, is_new] = head_.headers.emplace(lower(text.substr(0, colon)), value);
    if (!is_new) {
        entry->second.append(", ").append(value);
    }
}

/// Bytes of this answer's body that the request is about; a server that does not know ranges sends those
/// before them too.
std::uint64_t Hop::wanted_bytes() const {
    const std::uint64_t before = head_.status == 206 ? 0 : request_.range_from;
    return before + request_.range_bytes;
}

void Hop::take_body(std::string_view bytes) {
    if (request_.range_bytes > 0 && head_.status < 300 && bytes.size() > wanted_bytes() - body_bytes_) {
        bytes = bytes.substr(0, wanted_bytes() - body_bytes_);
        has_enough_ = true;
        if (bytes.empty()) {
            return;
        }
    }
    body_bytes_ += bytes.size();
    tick_bytes_ += bytes.size();
    if (is_redirect()) {
        if (body_bytes_ > max_redirect_body_bytes) {
            throw Error(ErrorCode::registry_failed, url_.display() + " sent a redirect that does not end");
        }
        return;
    }
    if (!head_sent_) {
        send_head();
    }
    if (request_.max_bytes > 0 && body_bytes_ > request_.max_bytes) {
        throw Error(ErrorCode::too_large,
                    url_.display() + " sent more than " + std::to_string(request_.max_bytes) + " bytes");
    }
    const auto before = std::chrono::steady_clock::now();
    if (!stream_.send({}, bytes)) {
        throw Error(ErrorCode::cancelled, "the transfer was cancelled");
    }
    const auto after = std::chrono::steady_clock::now();
    if (after - before >
        std::chrono::milliseconds(100)) { // we were the slow side: the server's time starts again
        tick_start_ = last_good_ = after;
        tick_bytes_ = 0;
    }
}

void Hop::send_head() {
    head_sent_ = true;
    head_.final_url = url_.text;
    const auto length = head_.headers.find("content-length");
    if (request_.max_bytes > 0 && !request_.head_only && length != head_.headers.end() &&
        head_.status < 300 && std::strtoull(length->second.c_str(), nullptr, 10) > request_.max_bytes) {
        throw Error(ErrorCode::too_large, url_.display() + " announces " + length->second +
                                              " bytes, at most " + std::to_string(request_.max_bytes) +
                                              " are taken");
    }
    if (!stream_.send(to_message(head_), {})) {
        throw Error(ErrorCode::cancelled, "the transfer was cancelled");
    }
}

/// A second counts as good when it brought enough; too long without a good one is a stall. The first byte
/// falls under the same rule.
bool Hop::watch_stall() {
    const auto now = std::chrono::steady_clock::now();
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - tick_start_);
    if (elapsed >= std::min<std::chrono::milliseconds>(std::chrono::seconds(1), request_.stall_timeout / 2)) {
        if (tick_bytes_ * 1000 >= slowest_bytes_per_second * static_cast<std::uint64_t>(elapsed.count())) {
            last_good_ = now;
        }
        tick_start_ = now;
        tick_bytes_ = 0;
    }
    stalled_ = now - last_good_ >= request_.stall_timeout;
    return stalled_;
}

} // namespace hearth::registry::fetch
