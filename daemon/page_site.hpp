#pragma once

#include "daemon/http/site.hpp"

#include <span>
#include <string_view>

namespace hearth::daemon {

/// A file of `daemon/page/`, as it is in this program.
struct PageFile {
    std::string_view path; ///< "/app.js"; "/" is index.html
    std::string_view type; ///< its Content-Type
    std::string_view text;
};
/// Written by the build from the folder.
std::span<const PageFile> page_files();

/// The files as routes, with the headers that keep a page from loading or sending anything elsewhere, from being
/// framed, and from turning text into HTML.
http::Site page_site();

} // namespace hearth::daemon
