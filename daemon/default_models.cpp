#include "daemon/default_models.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

constexpr std::uint64_t file_limit_bytes = 4u << 20;
constexpr std::int64_t format_version = 1;
constexpr std::size_t choices_limit = 1000;

constexpr std::array<std::pair<http::App::Source, std::string_view>, 3> kinds{{
    {http::App::Source::unknown, "all"},
    {http::App::Source::token, "token"},
    {http::App::Source::program, "program"},
}};

http::App::Source source_named(std::string_view name) {
    for (const auto& [source, kind] : kinds) {
        if (kind == name) {
            return source;
        }
    }
    throw Error(ErrorCode::store_failed, fmt::format("\"{}\" is not a kind of app", name.substr(0, 60)));
}

std::string to_file_text(const std::vector<DefaultModel>& choices) {
    Json file = {{"version", format_version}, {"defaults", Json::array()}};
    for (const DefaultModel& choice : choices) {
        file["defaults"].push_back(
            {{"kind", kind_name(choice.app.source)}, {"app", choice.app.name}, {"model", choice.model}});
    }
    return file.dump(1) + "\n";
}

std::vector<DefaultModel> from_file_text(const std::string& text) {
    const Json file = parse_json(text, "the file");
    if (!file.is_object() || get_integer(file, "version") != format_version) {
        throw Error(ErrorCode::store_failed, "it was made by another version of Hearth");
    }
    std::vector<DefaultModel> choices;
    for (const Json& row : file.value("defaults", Json::array())) {
        http::App app{source_named(require_string(row, "kind")), get_string(row, "app").value_or("")};
        choices.push_back({std::move(app), require_string(row, "model")});
    }
    return choices;
}

std::vector<DefaultModel> read_choices(const std::filesystem::path& file) {
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) {
        return {};
    }
    try {
        return from_file_text(read_file(file, file_limit_bytes));
    } catch (const Error& error) {
        throw Error(
            ErrorCode::store_failed,
            fmt::format("reading what \"{}\" means in {}: {}", default_name, file.string(), error.what()),
            "move the file away and choose again: hearth use MODEL");
    }
}

bool stands_before(const DefaultModel& one, const DefaultModel& other) {
    const auto key = [](const DefaultModel& choice) {
        return std::pair(choice.app.source != http::App::Source::unknown, std::string_view(choice.app.name));
    };
    return key(one) < key(other);
}

} // namespace

DefaultModels::DefaultModels(asio::any_io_executor executor, std::filesystem::path file, BlockingPool& disk)
    : file_(std::move(file)), disk_(disk), choices_(read_choices(file_)), saved_(std::move(executor)) {}

const DefaultModel* DefaultModels::find(const http::App& app) const {
    const auto found = std::ranges::find(choices_, app, &DefaultModel::app);
    return found == choices_.end() ? nullptr : &*found;
}

std::optional<std::string> DefaultModels::meant_by(const http::App& app) const {
    const DefaultModel* choice = find(app);
    if (choice == nullptr) {
        choice = find({});
    }
    return choice == nullptr ? std::nullopt : std::make_optional(choice->model);
}

asio::awaitable<void> DefaultModels::set(DefaultModel choice) {
    while (saving_) {
        co_await saved_.wait();
    }
    std::vector<DefaultModel> choices = choices_;
    std::erase_if(choices, [&](const DefaultModel& other) { return other.app == choice.app; });
    if (choices.size() >= choices_limit) {
        throw Error(ErrorCode::invalid_argument, fmt::format("{} apps have a model already", choices_limit),
                    "hearth use --clear --app NAME makes room");
    }
    choices.push_back(std::move(choice));
    std::ranges::sort(choices, stands_before);
    co_await replace(std::move(choices));
}

asio::awaitable<std::optional<std::string>> DefaultModels::clear(http::App app) {
    while (saving_) {
        co_await saved_.wait();
    }
    const DefaultModel* choice = find(app);
    if (choice == nullptr) {
        co_return std::nullopt;
    }
    std::string model = choice->model;
    std::vector<DefaultModel> choices = choices_;
    std::erase_if(choices, [&](const DefaultModel& other) { return other.app == app; });
    co_await replace(std::move(choices));
    co_return model;
}

/// The file first: what is answered was written.
asio::awaitable<void> DefaultModels::replace(std::vector<DefaultModel> choices) {
    saving_ = true;
    std::exception_ptr failure;
    auto write = [file = file_, text = to_file_text(choices)] { write_file_atomically(file, text); };
    try {
        co_await run_blocking(disk_, std::move(write));
        choices_ = std::move(choices);
    } catch (...) {
        failure = std::current_exception();
    }
    saving_ = false;
    saved_.notify_all();
    if (failure) {
        std::rethrow_exception(failure);
    }
}

http::App app_named(const std::string& text) {
    if (text.empty()) {
        return {};
    }
    if (text.find('/') == std::string::npos) {
        return {http::App::Source::token, text};
    }
    std::error_code error;
    const std::filesystem::path program = std::filesystem::canonical(text, error);
    if (error || !text.starts_with('/')) {
        throw Error(ErrorCode::invalid_argument, "there is no program " + text.substr(0, 200),
                    "name an app by its token's name, or by the whole path of its program");
    }
    return {http::App::Source::program, program.string()};
}

std::string_view kind_name(http::App::Source source) noexcept {
    for (const auto& [value, kind] : kinds) {
        if (value == source) {
            return kind;
        }
    }
    return "all";
}

} // namespace hearth::daemon
