#pragma once

#include "daemon/http/request.hpp"
#include "daemon/http/response_writer.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::daemon::http {

class Activity;
class BodySource;

/// Answers one request. The writer outlives the coroutine: the session awaits it. An exception becomes the
/// error answer.
using Handler = std::function<boost::asio::awaitable<void>(Request, ResponseWriter&)>;

/// Answers an upload: takes the body itself, as it arrives. The connection is closed afterwards.
using UploadHandler = std::function<boost::asio::awaitable<void>(Request, BodySource&, ResponseWriter&)>;

enum class BodySize { json, large };

/// Where a route is served.
enum class Served {
    everywhere,  ///< where the client's rights reach
    socket_only, ///< never over TCP, not even with a token of full rights
};

struct Route {
    std::string method;           ///< GET answers HEAD too
    std::string pattern;          ///< "/v1/models/{id*}": {x} is one segment, {x*} the rest of the path
    Access access = Access::full; ///< infer: open on infer.sock as well
    BodySize body = BodySize::json;
    Handler handler;
    Served served = Served::everywhere;
    UploadHandler upload = nullptr; ///< instead of handler
    bool watches = false;           ///< asks how the service is, and does not use it: no Activity
};

/// The table of routes: filled at start, then only read.
class Router {
  public:
    Router() = default;
    /// Counts what the routes answer. The activity outlives every request.
    explicit Router(Activity& activity) : activity_(&activity) {}

    void add(Route route);
    const std::vector<Route>& routes() const noexcept { return routes_; }

    struct Match {
        const Route* route = nullptr;
        std::map<std::string, std::string> parameters;
        std::string allow; ///< when the path exists and the method does not: value of the Allow header
    };
    /// @param method  as sent, HEAD included
    /// @param path    decoded
    Match find(std::string_view method, std::string_view path) const;

    /// Paths under /v1/messages speak Anthropic's errors, others under /v1 OpenAI's.
    /// @param target  a path, with or without a query
    static ErrorStyle error_style(std::string_view target) noexcept;

  private:
    Activity* activity_ = nullptr;
    std::vector<Route> routes_;
};

} // namespace hearth::daemon::http
