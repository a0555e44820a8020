#include "base/digest.hpp"
#include "base/error.hpp"
#include "daemon/handlers/routes.hpp"
#include "daemon/http/body_source.hpp"
#include "registry/create/model_builder.hpp"

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

/// `sha256:…` of the path. @throws Error invalid_argument
Digest digest_of(const http::Request& request) {
    const std::string& text = request.parameter("digest");
    const auto digest = Digest::try_parse(text);
    if (!digest) {
        throw Error(ErrorCode::invalid_argument, "invalid digest: \"" + text + "\"",
                    "it is sha256: and 64 lower-case hex digits");
    }
    return *digest;
}

asio::awaitable<void> look(Services& services, http::Request request, http::ResponseWriter& out) {
    const bool there = co_await services.builder.has_blob(digest_of(request));
    co_await out.send_text(there ? 200 : 404, "");
}

asio::awaitable<void> upload(Services& services, http::Request request, http::BodySource& body,
                             http::ResponseWriter& out) {
    const Digest digest = digest_of(request);
    if (co_await services.builder.has_blob(digest)) {
        co_await out.send_text(200, "");
        co_return;
    }
    const auto upload = co_await services.builder.begin_upload(digest, body.length());
    for (std::string piece = co_await body.next(); !piece.empty(); piece = co_await body.next()) {
        co_await upload->append(std::move(piece));
    }
    co_await upload->publish();
    co_await out.send_text(201, "");
}

} // namespace

void add_blob_routes(http::Router& router, Services& services) {
    auto on_look = [&services](http::Request request, http::ResponseWriter& out) {
        return look(services, std::move(request), out);
    };
    auto on_upload = [&services](http::Request request, http::BodySource& body, http::ResponseWriter& out) {
        return upload(services, std::move(request), body, out);
    };
    router.add({"HEAD", "/api/blobs/{digest}", http::Access::full, http::BodySize::json, on_look});
    router.add({"POST", "/api/blobs/{digest}", http::Access::full, http::BodySize::json, nullptr,
                http::Served::everywhere, on_upload});
}

} // namespace hearth::daemon
