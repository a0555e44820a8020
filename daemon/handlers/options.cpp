#include "daemon/handlers/options.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string_view>

namespace hearth::daemon {

namespace memory = runtime::memory;

namespace {

enum class Kind { integer, number, flag, text, texts };

/// One option. `field` empty: its type and range are checked, and no backend of ours takes it per request.
struct Row {
    std::string_view name;
    Kind kind;
    double least;
    double most;
    std::string_view field;
};

constexpr double any_seed = 9.1e18;
constexpr std::array rows{
    Row{"num_predict", Kind::integer, -2, 10'000'000, ""},
    Row{"num_ctx", Kind::integer, 1, 100'000'000, ""},
    Row{"num_thread", Kind::integer, 0, 4096, ""},
    Row{"temperature", Kind::number, 0, 100, "temperature"},
    Row{"top_k", Kind::integer, -1, 10'000'000, "top_k"},
    Row{"top_p", Kind::number, 0, 1, "top_p"},
    Row{"min_p", Kind::number, 0, 1, "min_p"},
    Row{"typical_p", Kind::number, 0, 1, "typical_p"},
    Row{"repeat_last_n", Kind::integer, -1, 10'000'000, "repeat_last_n"},
    Row{"repeat_penalty", Kind::number, 0, 100, "repeat_penalty"},
    Row{"presence_penalty", Kind::number, -100, 100, "presence_penalty"},
    Row{"frequency_penalty", Kind::number, -100, 100, "frequency_penalty"},
    Row{"num_keep", Kind::integer, -1, 10'000'000, "n_keep"},
    Row{"seed", Kind::integer, -any_seed, any_seed, "seed"},
    Row{"stop", Kind::texts, 0, 64, "stop"},
    Row{"num_batch", Kind::integer, 0, 1'000'000, ""},
    Row{"num_gpu", Kind::integer, -1, 100'000, ""},
    Row{"main_gpu", Kind::integer, -1, 1000, ""},
    Row{"use_mmap", Kind::flag, 0, 0, ""},
    Row{"draft_num_predict", Kind::integer, 0, 1000, ""},
    // Hearth's own: what a load may be told beside Ollama's names.
    Row{"num_parallel", Kind::integer, 1, 256, ""},
    Row{"kv_type", Kind::text, 0, 0, ""},
    Row{"load_mode", Kind::text, 0, 0, ""},
    Row{"force", Kind::flag, 0, 0, ""},
};

/// Options that are gone and that clients still send.
constexpr std::array<std::string_view, 12> retired{
    "numa",     "use_mlock",    "low_vram",     "f16_kv",           "vocab_only", "logits_all",
    "mirostat", "mirostat_eta", "mirostat_tau", "penalize_newline", "tfs_z",      "embedding_only"};

[[noreturn]] void refuse_type(std::string_view name, const char* type) {
    throw Error(ErrorCode::invalid_argument, fmt::format("option \"{}\" must be of type {}", name, type));
}

void check_range(const Row& row, double value) {
    if (!std::isfinite(value) || value < row.least || value > row.most) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("option \"{}\" must be between {} and {}", row.name, row.least, row.most));
    }
}

Json checked_texts(const Row& row, const Json& value) {
    const Json list = value.is_string() ? Json::array({value}) : value;
    if (!list.is_array() || list.size() > static_cast<std::size_t>(row.most) ||
        !std::ranges::all_of(list, [](const Json& text) { return text.is_string(); })) {
        refuse_type(row.name, "list of at most 64 strings");
    }
    return list;
}

/// The value in the type of the row.
Json checked(const Row& row, const Json& value) {
    switch (row.kind) {
    case Kind::text:
        if (!value.is_string()) {
            refuse_type(row.name, "string");
        }
        return value;
    case Kind::texts:
        return checked_texts(row, value);
    case Kind::flag:
        if (!value.is_boolean()) {
            refuse_type(row.name, "boolean");
        }
        return value;
    case Kind::number:
        if (!value.is_number()) {
            refuse_type(row.name, "number");
        }
        check_range(row, value.get<double>());
        return value;
    case Kind::integer:
        break;
    }
    const bool whole = value.is_number() && value.get<double>() == std::trunc(value.get<double>());
    if (!whole) {
        refuse_type(row.name, "integer");
    }
    check_range(row, value.get<double>());
    return value.is_number_float() ? Json(static_cast<std::int64_t>(value.get<double>())) : value;
}

/// One of the names that `try_name` knows.
template <class Try> auto named(const Row& row, const Json& value, Try try_name) {
    const auto known = try_name(value.get<std::string>());
    if (!known) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("option \"{}\" cannot be \"{}\"", row.name, value.get<std::string>()));
    }
    return known;
}

void apply(const Row& row, const Json& value, Options& options) {
    if (row.name == "num_predict") {
        const auto wanted = value.get<std::int64_t>();
        options.num_predict = wanted < 0 ? std::nullopt : std::make_optional(wanted);
    } else if (row.name == "num_ctx") {
        options.load.context_tokens = value.get<std::int64_t>();
    } else if (row.name == "num_thread") {
        options.load.threads = value.get<int>() > 0 ? std::make_optional(value.get<int>()) : std::nullopt;
    } else if (row.name == "num_gpu") {
        options.load.gpu_layers = value.get<int>() >= 0 ? std::make_optional(value.get<int>()) : std::nullopt;
    } else if (row.name == "num_parallel") {
        options.load.parallel = value.get<int>();
    } else if (row.name == "kv_type") {
        options.load.kv_type = named(row, value, memory::try_cache_type);
    } else if (row.name == "load_mode") {
        options.load.load_mode = named(row, value, memory::try_load_mode);
    } else if (row.name == "use_mmap") { // true is the default, which the planner may know better
        options.load.load_mode =
            value.get<bool>() ? options.load.load_mode : std::make_optional(memory::LoadMode::read);
    } else if (row.name == "force") {
        options.load.force = value.get<bool>();
    } else if (row.name == "seed") {
        // The engine's seed has 32 bits, and all ones means "choose one".
        const auto seed = value.get<std::int64_t>();
        if (seed >= 0) {
            options.sampling["seed"] = std::min<std::int64_t>(seed & 0xffffffff, 0xfffffffe);
        }
    } else if (!row.field.empty()) {
        options.sampling[std::string(row.field)] = value;
    }
}

const Row* find_row(std::string_view name) {
    const auto row = std::ranges::find(rows, name, &Row::name);
    return row == rows.end() ? nullptr : &*row;
}

} // namespace

Options parse_options(const Json& object) {
    Options options;
    if (object.is_null()) {
        return options;
    }
    if (!object.is_object()) {
        throw Error(ErrorCode::invalid_argument, "\"options\" must be of type object");
    }
    for (const auto& [name, value] : object.items()) {
        if (value.is_null() || std::ranges::find(retired, name) != retired.end()) {
            continue;
        }
        if (const Row* row = find_row(name)) {
            apply(*row, checked(*row, value), options);
        } else {
            options.others[name] = value;
        }
    }
    return options;
}

void apply_ollama_defaults(Options& options) {
    const Json defaults = {
        {"temperature", 0.8},      {"top_k", 40},         {"top_p", 0.9},          {"min_p", 0.0},
        {"typical_p", 1.0},        {"repeat_last_n", 64}, {"repeat_penalty", 1.0}, {"presence_penalty", 0.0},
        {"frequency_penalty", 0.0}};
    for (const auto& [name, value] : defaults.items()) {
        if (!options.sampling.contains(name)) {
            options.sampling[name] = value;
        }
    }
}

Json layer_options(const std::string& model_json, const Json& request) {
    Json layered = Json::object();
    const Json model = model_json.empty() ? Json::object() : Json::parse(model_json, nullptr, false);
    if (model.is_object()) {
        for (const auto& [name, value] : model.items()) {
            const Row* row = find_row(name);
            try {
                if (row != nullptr && !value.is_null()) {
                    layered[name] = checked(*row, value);
                }
            } catch (const Error& error) {
                log::warning("daemon", std::string("a model's own parameters: ") + error.what());
            }
        }
    }
    if (!request.is_object()) {
        return request.is_null() ? layered : request; // parse_options names the mistake
    }
    for (const auto& [name, value] : request.items()) {
        if (!value.is_null()) {
            layered[name] = value;
        }
    }
    return layered;
}

void add_backend_options(const Options& options, const std::string& backend, Json& body) {
    for (const auto& [name, value] : options.others.items()) {
        if (name.starts_with(backend + "_")) {
            body[name] = value;
        }
    }
}

} // namespace hearth::daemon
