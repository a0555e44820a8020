#include "daemon/page_site.hpp"

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

/// "trusted-types 'none'": a browser that knows it refuses every way from text to HTML, whatever the scripts do.
constexpr const char* policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'";

asio::awaitable<void> send(const PageFile& file, http::ResponseWriter& out) {
    std::string type(file.type);
    std::string text(file.text);
    co_await out.send(200, std::move(type), std::move(text));
}

} // namespace

http::Site page_site() {
    http::Site site;
    site.headers = {{"Content-Security-Policy", policy},
                    {"Referrer-Policy", "no-referrer"},
                    {"Cross-Origin-Opener-Policy", "same-origin"},
                    {"Cross-Origin-Resource-Policy", "same-origin"},
                    {"Cache-Control", "no-store"}};
    for (const PageFile& file : page_files()) {
        auto handler = [&file](http::Request, http::ResponseWriter& out) { return send(file, out); };
        site.routes.add({"GET", std::string(file.path), http::Access::infer, http::BodySize::json, handler});
    }
    return site;
}

} // namespace hearth::daemon
