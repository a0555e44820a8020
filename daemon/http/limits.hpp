#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace hearth::daemon::http {

/// What one client may cost us. Source: security reference 5.5. Tests use shorter times.
struct Limits {
    std::size_t request_line_bytes = 8u << 10;
    std::size_t header_bytes = 16u << 10; ///< all header lines together
    std::size_t header_fields = 100;
    std::uint64_t json_body_bytes = 8u << 20;
    std::uint64_t large_body_bytes = 64u << 20;          ///< routes that take images
    std::uint64_t upload_bytes = std::uint64_t{1} << 40; ///< routes that take whole model files
    std::size_t chunk_extension_bytes = 256;
    std::chrono::steady_clock::duration header_deadline = std::chrono::seconds(10); ///< from its first byte
    std::chrono::steady_clock::duration body_grace =
        std::chrono::seconds(5); ///< then it must be body_bytes_per_second
    std::uint64_t body_bytes_per_second = 16u << 10;
    std::chrono::steady_clock::duration idle = std::chrono::seconds(60);
    std::chrono::steady_clock::duration write_stall = std::chrono::seconds(30);
    std::size_t pipelined_requests = 8;        ///< sent ahead of their turn
    std::size_t connections = 512;             ///< at once, all sockets together
    std::size_t tcp_connections = 256;         ///< of them by TCP: the sockets stay reachable
    std::size_t connections_per_address = 64;  ///< of them by TCP from one address
    std::size_t failed_tokens_per_minute = 10; ///< from one address; then each failure waits
    std::chrono::steady_clock::duration failed_token_delay = std::chrono::seconds(1);
};

} // namespace hearth::daemon::http
