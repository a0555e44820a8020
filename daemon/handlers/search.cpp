#include "daemon/handlers/routes.hpp"
#include "registry/catalog.hpp"
#include "registry/catalogue/known_models.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

/// The words of `q`; none: everything.
std::vector<std::string> words_of(const http::Request& request) {
    const auto query = request.query.find("q");
    std::istringstream text(query == request.query.end() ? "" : query->second);
    std::vector<std::string> words;
    for (std::string word; text >> word;) {
        words.push_back(std::move(word));
    }
    return words;
}

asio::awaitable<void> search(Services& services, http::Request request, http::ResponseWriter& out) {
    std::vector<std::string> installed;
    for (const registry::Model& model : co_await services.catalog.list()) {
        installed.push_back(model.ref.full_name());
    }
    Json rows = Json::array();
    for (const registry::KnownModel& model : registry::search_known_models(words_of(request))) {
        const bool is_here = std::ranges::find(installed, model.full_name) != installed.end();
        rows.push_back({{"name", model.name},
                        {"full_name", model.full_name},
                        {"aliases", model.aliases},
                        {"title", model.title},
                        {"publisher", model.publisher},
                        {"parameters", model.parameters},
                        {"license", model.license},
                        {"capabilities", model.capabilities},
                        {"installed", is_here}});
    }
    Json answer = {{"models", std::move(rows)}};
    co_await out.send_json(200, std::move(answer));
}

} // namespace

void add_search_routes(http::Router& router, Services& services) {
    auto handler = [&services](http::Request request, http::ResponseWriter& out) {
        return search(services, std::move(request), out);
    };
    router.add({"GET", "/hearth/v1/search", http::Access::infer, http::BodySize::json, handler});
}

} // namespace hearth::daemon
