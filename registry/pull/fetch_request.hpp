#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace hearth::registry {

/// Which addresses the url's own host may have. Hosts that a server named (redirects, token realms) never get
/// more than this.
enum class Reach {
    named_host, ///< a person typed this host: it may be loopback, or a private address
    public_only ///< a server told us this url: only addresses of the public internet
};

/// One GET. Has no field that could hold a prompt.
struct FetchRequest {
    std::string url;           ///< https, or http to a loopback host
    std::string accept;        ///< Accept header, may be empty
    std::string authorization; ///< sent to the url's own scheme, host and port only, never after a redirect
                               ///< to another
    std::uint64_t range_from = 0; ///< > 0: `Range: bytes=N-`
    std::uint64_t range_bytes =
        0;                       ///< > 0: `Range: bytes=N-M` of so many; a longer answer, also a 200 to this
                                 ///< range, is cut off behind the last of them, as if it ended there
    std::string if_range;        ///< validator for the range, may be empty
    std::uint64_t max_bytes = 0; ///< the body is cut and an error raised past this; 0: none
    bool head_only = false;
    Reach reach = Reach::named_host;
    bool insecure = false; ///< the user's own choice: plain http, and names that resolve to private
                           ///< addresses, for this host
    std::chrono::milliseconds stall_timeout =
        std::chrono::seconds(30); ///< less than 1 KiB/s for this long is a failure
};

} // namespace hearth::registry
