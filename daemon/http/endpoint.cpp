#include "daemon/http/endpoint.hpp"

#include "base/error.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include <charconv>

namespace hearth::daemon::http {

namespace ip = boost::asio::ip;

namespace {

[[noreturn]] void refuse(std::string_view text) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("\"{}\" is not an address to listen on", text.substr(0, 100)),
                "write it as 127.0.0.1:11434 or [::1]:11434");
}

std::uint16_t parse_port(std::string_view port, std::string_view whole) {
    std::uint16_t value = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
    if (port.empty() || error != std::errc() || end != port.data() + port.size()) {
        refuse(whole);
    }
    return value;
}

} // namespace

Endpoint parse_endpoint(std::string_view text) {
    const bool bracketed = text.starts_with('[');
    const auto host_end = bracketed ? text.find(']') : text.find(':');
    if (bracketed && host_end == std::string_view::npos) {
        refuse(text);
    }
    const std::string_view host = bracketed ? text.substr(1, host_end - 1) : text.substr(0, host_end);
    std::string_view rest = text.substr(std::min(host_end, text.size()));
    if (bracketed) {
        rest.remove_prefix(1);
    }
    if (!rest.empty() && rest.front() != ':') {
        refuse(text);
    }
    const std::uint16_t port = rest.empty() ? default_port : parse_port(rest.substr(1), text);
    boost::system::error_code error;
    const ip::address address =
        ip::make_address(host == "localhost" ? "127.0.0.1" : std::string(host), error);
    if (error || address.is_v6() != bracketed) {
        refuse(text);
    }
    return {address, port};
}

std::string endpoint_text(const Endpoint& endpoint) {
    const std::string host = endpoint.address().to_string();
    return endpoint.address().is_v6() ? fmt::format("[{}]:{}", host, endpoint.port())
                                      : fmt::format("{}:{}", host, endpoint.port());
}

bool is_loopback(const ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        return ip::make_address_v4(ip::v4_mapped, address.to_v6()).is_loopback();
    }
    return address.is_loopback();
}

} // namespace hearth::daemon::http
