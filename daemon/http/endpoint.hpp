#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <string>
#include <string_view>

/// TCP addresses as text. Numbers only: nothing here asks a name server.
namespace hearth::daemon::http {

using Endpoint = boost::asio::ip::tcp::endpoint;

/// Where clients of Ollama's API look.
constexpr std::uint16_t default_port = 11434;

/// "127.0.0.1:11434", "[::1]:11434", "localhost" (127.0.0.1) and each of them without a port. Port 0 takes a
/// free one.
/// @throws Error invalid_argument
Endpoint parse_endpoint(std::string_view text);

/// "127.0.0.1:11434", "[::1]:11434".
std::string endpoint_text(const Endpoint& endpoint);

/// Also an IPv4 address that is written as IPv6 (::ffff:127.0.0.1).
bool is_loopback(const boost::asio::ip::address& address);

} // namespace hearth::daemon::http
