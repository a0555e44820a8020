#pragma once

#include "daemon/http/limits.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The strict reading of a request's head, before Beast sees it: what Beast 1.81 lets through and a server
/// must not (security reference 5.5) is refused here. Pure functions.
namespace hearth::daemon::http {

/// The lines before the body.
struct Head {
    std::string method;
    std::string target; ///< origin form: "/path?query"
    int minor_version = 1;
    std::vector<std::pair<std::string, std::string>> fields; ///< names in lower case, values trimmed
    std::optional<std::uint64_t> content_length;
    bool chunked = false;
    bool keep_alive = true;
    bool expects_continue = false;

    /// First value of a field, empty when absent.
    std::string_view field(std::string_view lower_case_name) const noexcept;
    bool has_body() const noexcept { return chunked || content_length.value_or(0) > 0; }
};

/// Why a head is refused; the connection is closed after it.
struct HeadFault {
    int status; ///< 400, 414, 417 or 431
    std::string reason;
};

/// A fault that shows in the first bytes already, so that nobody has to wait for the end of the head.
std::optional<HeadFault> find_prefix_fault(std::string_view partial, const Limits& limits);

/// Parses a whole head, with the empty line that ends it.
/// @return nothing and `fault` set when it is refused
std::optional<Head> parse_head(std::string_view text, const Limits& limits, HeadFault& fault);

} // namespace hearth::daemon::http
