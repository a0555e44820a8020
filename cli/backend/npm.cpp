#include "cli/backend/npm.hpp"

#include "base/json.hpp"
#include "cli/backend/backend_id.hpp"
#include "cli/interrupt.hpp"
#include "process/program.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>

namespace hearth::cli::backend {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds look_limit(120);
constexpr std::chrono::hours fetch_limit(6);
constexpr const char* other_way = "hearth backend install --from FILE takes a tarball that is here";

std::string spec_of(const std::string& name, const std::string& version) {
    return version.empty() ? name : name + "@" + version;
}

Json parse_or_nothing(const std::string& text) {
    return Json::parse(text, nullptr, false);
}

std::string first_line(const std::string& text) {
    constexpr std::size_t longest = 300;
    const std::size_t begin = std::min(text.find_first_not_of(" \n"), text.size());
    return text.substr(begin, std::min(text.find('\n', begin) - begin, longest));
}

struct Failure {
    std::string code; ///< "E404", "ENOTFOUND"; empty: unknown
    std::string text;
};

/// npm prints {"error":{"code":…,"summary":…}} when it was asked for JSON.
Failure read_failure(const std::string& out, const std::string& err) {
    const Json answer = parse_or_nothing(out);
    if (answer.is_object() && answer.contains("error") && answer["error"].is_object()) {
        const Json& error = answer["error"];
        auto text = [&](const char* key) {
            const auto found = error.find(key);
            return found != error.end() && found->is_string() ? found->get<std::string>() : std::string();
        };
        return {text("code"), first_line(text("summary"))};
    }
    Failure failure{"", first_line(err)};
    constexpr std::string_view mark = "npm error code ";
    if (const auto at = err.find(mark); at != std::string::npos) {
        failure.code = first_line(err.substr(at + mark.size()));
    }
    return failure;
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, word) != words.end();
}

/// An object with the fields that were asked for; npm prints a list when several versions match.
std::optional<Json> version_in(const std::string& out) {
    Json answer = parse_or_nothing(out);
    if (answer.is_array() && !answer.empty()) {
        answer = Json(answer.back());
    }
    return answer.is_object() ? std::optional(answer) : std::nullopt;
}

std::string text_in(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

} // namespace

Error npm_failure(const std::string& spec, const std::string& out, const std::string& err) {
    const Failure failure = read_failure(out, err);
    if (is_one_of(failure.code, {"E404", "ETARGET", "ENOVERSIONS"})) {
        return Error(ErrorCode::backend_not_found, fmt::format("the registry that npm uses has no {}", spec),
                     other_way);
    }
    if (is_one_of(failure.code, {"E401", "E403", "ENEEDAUTH"})) {
        return Error(ErrorCode::registry_denied,
                     fmt::format("the registry that npm uses does not give {}: {}", spec, failure.text),
                     "npm login");
    }
    if (failure.code == "EINTEGRITY") {
        return Error(ErrorCode::corrupt_blob,
                     fmt::format("what npm got for {} is damaged: {}", spec, failure.text),
                     "try again; when it stays so, tell who published it");
    }
    const std::string code = failure.code.empty() ? "" : failure.code + ": ";
    return Error(failure.code.starts_with("E5") ? ErrorCode::registry_failed
                                                : ErrorCode::registry_unreachable,
                 fmt::format("npm could not fetch {}: {}{}", spec, code, failure.text),
                 "npm ping   (asks its registry)");
}

std::string Npm::run(std::vector<std::string> words, const std::string& spec,
                     std::chrono::seconds limit) const {
    words.insert(words.begin(), "npm");
    // --prefix: the project is our folder, so that no .npmrc of the folder we stand in names a registry.
    for (const char* word : {"--json", "--ignore-scripts", "--no-update-notifier", "--no-audit", "--no-fund",
                             "--loglevel=error", "--prefix"}) {
        words.emplace_back(word);
    }
    words.push_back(work_.string());
    const auto answer = process::ask_program(words, limit, interrupt_.fd());
    interrupt_.check();
    if (!answer) {
        throw Error(
            ErrorCode::unsupported, "npm is not installed, and it is what fetches backends",
            fmt::format(
                "install npm; or, on a machine that has it, npm pack --ignore-scripts {}, and here hearth "
                "backend install --from FILE",
                spec));
    }
    if (answer->exit_code != 0) {
        throw npm_failure(spec, answer->out, answer->err);
    }
    return answer->out;
}

Published Npm::look(const std::string& name, const std::string& version) const {
    const std::string spec = spec_of(name, version);
    const std::string out = run({"view", spec, "name", "version", "dist.integrity"}, spec, look_limit);
    const auto found = version_in(out);
    if (!found) { // a version that is not there is an empty answer
        throw Error(ErrorCode::backend_not_found, fmt::format("the registry that npm uses has no {}", spec),
                    other_way);
    }
    const std::string exact = text_in(*found, "version");
    if (text_in(*found, "name") != name || !is_version(exact) || (!version.empty() && exact != version)) {
        throw Error(ErrorCode::registry_failed,
                    fmt::format("the registry that npm uses answers for {} with {} {}", spec,
                                text_in(*found, "name"), exact));
    }
    try {
        return {name, exact, Integrity::parse(text_in(*found, "dist.integrity"))};
    } catch (const Error&) {
        throw Error(ErrorCode::registry_failed,
                    fmt::format("the registry that npm uses gives no checksum that counts for {}", spec),
                    other_way);
    }
}

fs::path Npm::fetch(const Published& published) const {
    const std::string spec = spec_of(published.name, published.version);
    const fs::path into = work_ / "fetched";
    fs::create_directory(into);
    run({"pack", spec, "--pack-destination", into.string()}, spec, fetch_limit);
    std::vector<fs::path> tarballs;
    for (const fs::directory_entry& entry : fs::directory_iterator(into)) {
        if (entry.path().extension() == ".tgz") {
            tarballs.push_back(entry.path());
        }
    }
    if (tarballs.size() != 1) {
        throw Error(ErrorCode::registry_failed,
                    fmt::format("npm delivered {} files for {}", tarballs.size(), spec));
    }
    return tarballs.front();
}

} // namespace hearth::cli::backend
