#include "base/error.hpp"
#include "base/paths.hpp"
#include "daemon/config_keeper.hpp"
#include "daemon/handlers/body.hpp"
#include "daemon/handlers/fields.hpp"
#include "daemon/handlers/routes.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

Json word_json(const ConfigWord& word) {
    Json row = {{"layer", layer_name(word.layer)}, {"value", word.value}};
    if (!word.place.empty()) {
        row["place"] = word.place;
    }
    return row;
}

/// The words with the one that counts first.
Json row_json(const ConfigKeeper& keeper, const ConfigRow& row) {
    Json words = Json::array();
    for (auto word = row.words.rbegin(); word != row.words.rend(); ++word) {
        words.push_back(word_json(*word));
    }
    return {{"name", row.name},
            {"value", value_of(row)},
            {"layer", layer_name(row.words.back().layer)},
            {"set_by", std::move(words)},
            {"live", row.live},
            {"waits_for_restart", keeper.waits_for_restart(row)}};
}

asio::awaitable<void> show(Services& services, http::Request, http::ResponseWriter& out) {
    const ConfigKeeper& keeper = services.configuration;
    Json rows = Json::array();
    for (const ConfigRow& row : keeper.rows()) {
        rows.push_back(row_json(keeper, row));
    }
    Json files = Json::array();
    for (const std::filesystem::path& file : paths::config_files()) {
        files.push_back(file.string());
    }
    Json answer = {{"settings", std::move(rows)}, {"files", std::move(files)}};
    if (!keeper.problem().empty()) {
        answer["problem"] = keeper.problem();
    }
    co_await out.send_json(200, std::move(answer));
}

/// The row as it is now; a key that was removed may have none.
asio::awaitable<void> answer_row(const ConfigKeeper& keeper, const std::string& key,
                                 http::ResponseWriter& out) {
    const auto row = std::ranges::find(keeper.rows(), key, &ConfigRow::name);
    Json answer = row == keeper.rows().end() ? Json{{"name", key}, {"value", ""}} : row_json(keeper, *row);
    answer["file"] = paths::config_files().back().string();
    co_await out.send_json(200, std::move(answer));
}

asio::awaitable<void> set(Services& services, http::Request request, http::ResponseWriter& out) {
    const Json body = parse_object(request.body);
    const std::string key = require_string(body, "key");
    std::optional<std::string> value = require_string(body, "value");
    co_await services.configuration.set(key, std::move(value));
    co_await answer_row(services.configuration, key, out);
}

asio::awaitable<void> unset(Services& services, http::Request request, http::ResponseWriter& out) {
    const Json body = parse_object(request.body);
    const std::string key = require_string(body, "key");
    co_await services.configuration.set(key, std::nullopt);
    co_await answer_row(services.configuration, key, out);
}

} // namespace

void add_config_routes(http::Router& router, Services& services) {
    using Function = asio::awaitable<void> (*)(Services&, http::Request, http::ResponseWriter&);
    auto add = [&](const char* method, Function function) {
        auto handler = [&services, function](http::Request request, http::ResponseWriter& out) {
            return function(services, std::move(request), out);
        };
        http::Route route{method, "/hearth/v1/config", http::Access::full, http::BodySize::json, handler};
        route.served = http::Served::socket_only; // it decides who comes in
        router.add(std::move(route));
    };
    add("GET", show);
    add("PUT", set);
    add("DELETE", unset);
}

} // namespace hearth::daemon
