#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::daemon::http {

/// Which socket a request came in by, and so what it may do.
enum class Access {
    infer, ///< inference and listing only: infer.sock
    full,  ///< everything: api.sock
};

/// Which program asks, as far as its connection tells: for lists and for rules by app. A label, never a proof of
/// rights.
struct App {
    enum class Source {
        unknown, ///< TCP without a token, or a program that cannot be seen
        program, ///< over the socket: `name` is the path of its file
        token,   ///< over TCP: `name` is what the user called the token
    } source = Source::unknown;
    std::string name;

    friend bool operator==(const App&, const App&) = default;
};

/// A whole request as a handler sees it: a value.
struct Request {
    std::string method;                            ///< "GET" also for HEAD: the writer drops the body
    std::string path;                              ///< percent-decoded
    std::map<std::string, std::string> parameters; ///< of the path: {id}
    std::map<std::string, std::string> query;      ///< decoded; the last of a repeated key
    std::vector<std::pair<std::string, std::string>> fields; ///< names in lower case
    std::string body;
    Access access = Access::full;
    App app;

    std::string_view field(std::string_view lower_case_name) const noexcept;
    /// Value of a path parameter that the route declares.
    const std::string& parameter(const std::string& name) const { return parameters.at(name); }
};

/// Splits "/path?query" and decodes both.
/// @throws Error invalid_argument: a broken percent escape, an encoded NUL, or a path that is not UTF-8 text
void parse_target(std::string_view target, Request& request);

} // namespace hearth::daemon::http
