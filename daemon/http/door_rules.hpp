#pragma once

#include "daemon/http/endpoint.hpp"
#include "daemon/http/head.hpp"

#include <string>
#include <string_view>
#include <vector>

/// What a request that came over TCP must look like before anybody reads its body (security reference 4.2).
/// Pure functions; each throws what is answered.
namespace hearth::daemon::http {

/// From where a TCP socket can be reached.
enum class Reach {
    loopback, ///< programs of this machine
    network,  ///< everybody: with TLS, or because the user accepted plain text
};

/// What a client without a token may do.
enum class Anonymous {
    nothing,
    infer, ///< inference and listing: clients of Ollama's API send no token. Loopback only.
};

/// Which web pages may ask.
enum class Pages {
    listed, ///< those of `DoorRules::origins`
    own,    ///< the one that this door serves: Host is our address and port exactly, Origin is it or absent
};

struct DoorRules {
    std::vector<std::string> hosts;   ///< that a Host header may name beside localhost and our own addresses;
                                      ///< lower case, without port
    std::vector<std::string> origins; ///< of web pages that may ask: "https://app.example", lower case
    Reach reach = Reach::loopback;
    Anonymous anonymous = Anonymous::nothing;
    Pages pages = Pages::listed;
};

/// Checks names that a user wrote, and writes them as the rules compare them.
/// @throws Error invalid_argument: "*", "null", a path, a port in a host
DoorRules checked(DoorRules rules);

/// One Host header; its value is localhost, 127.0.0.1, [::1], the address that the client reached us by, or one
/// of `rules.hosts`, with our own port or none. Other names are DNS rebinding. With `Pages::own` it is the address
/// and the port that the client reached, and nothing else.
/// @throws Error  forbidden; invalid_argument when fields that decide are missing or there twice
void check_host(const Head& head, const DoorRules& rules, const Endpoint& local);

/// A web page asks only when its origin is listed; what a page can send without an Origin is told by
/// Sec-Fetch-Site. With `Pages::own` the origin is our own, and the site is the same as well.
/// @return the listed origin, empty when no other site's page asks
/// @throws Error forbidden
std::string_view check_origin(const Head& head, const DoorRules& rules, const Endpoint& local);

/// Types that a page can send without asking first are not taken: text/plain and multipart never, a form or no
/// type at all only from what is no browser (`curl -d`).
/// @throws Error media_type
void check_content_type(const Head& head);

/// Whether a browser asks on behalf of a page if it may ask.
bool is_preflight(const Head& head);

} // namespace hearth::daemon::http
