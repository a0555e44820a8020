#pragma once

#include "registry/pull/fetch_request.hpp"

#include <map>
#include <string>
#include <string_view>

/// What the core and `hearth-fetch` say to each other, as the JSON heads of wire frames. One stream per GET:
/// the core opens it with a request; fetch answers with one `data` frame whose head is a FetchHead, `data`
/// frames that are the body, and `end`.
namespace hearth::registry {

/// The status line and headers of an answer.
struct FetchHead {
    int status = 0;
    std::string final_url; ///< after redirects
    std::map<std::string, std::string>
        headers; ///< names in lower case; a repeated header is joined with ", "
};

std::string to_message(const FetchRequest& request);
/// @throws Error  invalid_argument
FetchRequest parse_fetch_request(std::string_view text);

std::string to_message(const FetchHead& head);
/// @throws Error  invalid_argument
FetchHead parse_fetch_head(std::string_view text);

} // namespace hearth::registry
