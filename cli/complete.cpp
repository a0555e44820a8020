#include "cli/complete.hpp"

#include "base/atomic_file.hpp"
#include "base/config.hpp"
#include "base/error.hpp"
#include "base/paths.hpp"
#include "cli/output.hpp"
#include "cli/terminal.hpp"
#include "protocol/client.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>

namespace hearth::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds patience(1000); // a person waits for the TAB

/// $XDG_CACHE_HOME/hearth/models, else ~/.cache/hearth/models.
fs::path cache_file() {
    const char* cache =
        std::getenv("XDG_CACHE_HOME"); // NOLINT(concurrency-mt-unsafe): this program has one thread
    if (cache != nullptr && *cache == '/') {
        return fs::path(cache) / "hearth/models";
    }
    const char* home = std::getenv("HOME"); // NOLINT(concurrency-mt-unsafe): as above
    return fs::path(home != nullptr ? home : "/") / ".cache/hearth/models";
}

std::string names_in(const Json& models) {
    std::string names;
    for (const Json& model : models) {
        if (const auto name = get_string(model, "name"); name && !name->empty()) {
            names += printable_line(*name) + "\n";
        }
    }
    return names;
}

Json rows_at(const char* target) {
    protocol::ClientRequest request;
    request.target = target;
    request.limit = patience;
    const Json answer = protocol::Client(paths::api_socket()).ask(request);
    return answer.value("models", Json::array());
}

std::string model_names() {
    try {
        const Json models = rows_at("/api/tags");
        remember_names(models);
        return names_in(models);
    } catch (const Error&) {
        return read_file(cache_file());
    }
}

std::string setting_names() {
    std::string names;
    for (const ConfigRow& row : Config::load_with_words().rows) {
        names += row.name + "\n";
    }
    return names;
}

std::string candidates(const std::string& kind) {
    if (kind == "models") {
        return model_names();
    }
    if (kind == "loaded") {
        return names_in(rows_at("/api/ps"));
    }
    return kind == "settings" ? setting_names() : "";
}

} // namespace

int complete(const std::string& kind) {
    try {
        print(candidates(kind));
    } catch (const std::exception&) { // nothing to offer
    }
    return 0;
}

void remember_names(const Json& models) {
    try {
        const fs::path file = cache_file();
        const std::string names = names_in(models);
        std::error_code absent;
        if (fs::exists(file, absent) && read_file(file) == names) {
            return;
        }
        fs::create_directories(file.parent_path());
        write_file_atomically(file, names);
    } catch (const std::exception&) { // a cache that cannot be written is no failure of what was asked
    }
}

} // namespace hearth::cli
