#include "daemon/http/router.hpp"

#include "daemon/http/activity.hpp"
#include "daemon/http/body_source.hpp"

#include <optional>
#include <set>

namespace hearth::daemon::http {
namespace {

std::string_view take_segment(std::string_view& path) {
    const auto end = path.find('/', 1);
    const std::string_view segment = path.substr(0, end);
    path = end == std::string_view::npos ? std::string_view() : path.substr(end);
    return segment;
}

/// Both begin with '/'. @return the parameters when the whole path fits
std::optional<std::map<std::string, std::string>> match(std::string_view pattern, std::string_view path) {
    std::map<std::string, std::string> parameters;
    while (!pattern.empty()) {
        const std::string_view wanted = take_segment(pattern);
        if (path.empty()) {
            return std::nullopt;
        }
        if (wanted.starts_with("/{") && wanted.ends_with("*}")) {
            if (path.size() < 2) {
                return std::nullopt;
            }
            parameters.emplace(wanted.substr(2, wanted.size() - 4), path.substr(1));
            return parameters;
        }
        const std::string_view got = take_segment(path);
        if (wanted.starts_with("/{") && wanted.ends_with("}") && got.size() > 1) {
            parameters.emplace(wanted.substr(2, wanted.size() - 3), got.substr(1));
        } else if (wanted != got) {
            return std::nullopt;
        }
    }
    return path.empty() ? std::make_optional(parameters) : std::nullopt;
}

/// The activity outlives every request.
boost::asio::awaitable<void> count_handling(Handler inner, Activity& activity, Request request,
                                            ResponseWriter& out) {
    const Activity::Use use(activity);
    co_await inner(std::move(request), out);
}

boost::asio::awaitable<void> count_upload(UploadHandler inner, Activity& activity, Request request,
                                          BodySource& body, ResponseWriter& out) {
    const Activity::Use use(activity);
    co_await inner(std::move(request), body, out);
}

void count_uses(Route& route, Activity& activity) {
    if (route.handler) {
        route.handler = [inner = std::move(route.handler), &activity](Request request, ResponseWriter& out) {
            return count_handling(inner, activity, std::move(request), out);
        };
    }
    if (route.upload) {
        route.upload = [inner = std::move(route.upload), &activity](Request request, BodySource& body,
                                                                    ResponseWriter& out) {
            return count_upload(inner, activity, std::move(request), body, out);
        };
    }
}

} // namespace

void Router::add(Route route) {
    if (activity_ != nullptr && !route.watches) {
        count_uses(route, *activity_);
    }
    routes_.push_back(std::move(route));
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
    Match result;
    std::set<std::string> allowed;
    for (const Route& route : routes_) {
        auto parameters = match(route.pattern, path);
        if (!parameters) {
            continue;
        }
        if (route.method == method || (method == "HEAD" && route.method == "GET")) {
            result.route = &route;
            result.parameters = std::move(*parameters);
            return result;
        }
        allowed.insert(route.method);
        if (route.method == "GET") {
            allowed.insert("HEAD");
        }
    }
    for (const std::string& name : allowed) {
        result.allow += result.allow.empty() ? name : ", " + name;
    }
    return result;
}

ErrorStyle Router::error_style(std::string_view target) noexcept {
    constexpr std::string_view messages = "/v1/messages";
    const std::string_view path = target.substr(0, target.find('?'));
    if (path == messages || (path.starts_with(messages) && path[messages.size()] == '/')) {
        return ErrorStyle::anthropic;
    }
    return path.starts_with("/v1/") ? ErrorStyle::openai : ErrorStyle::hearth;
}

} // namespace hearth::daemon::http
