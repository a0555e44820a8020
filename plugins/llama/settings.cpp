#include "plugins/llama/settings.hpp"

#include "plugins/llama/template_guard.hpp"

#include <array>
#include <string_view>

namespace hearth::llama {

namespace {

/// Options with a name of their own, and the argument of llama-server that each one sets.
struct Option {
    const char* name;
    const char* type;
    const char* argument;
    const char* negative; ///< for booleans: the argument that says false
    const char* description;
};
constexpr std::array<Option, 10> known_options = {{
    {"gpu_layers", "integer", "--gpu-layers", nullptr, "layers on the GPU; default: all that fit"},
    {"batch", "integer", "--batch-size", nullptr, "tokens per step of a prompt; a cancel waits for one step"},
    {"ubatch", "integer", "--ubatch-size", nullptr,
     "tokens per computation; bounds the length of what can be embedded"},
    {"cache_type_k", "string", "--cache-type-k", nullptr,
     "f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0 or iq4_nl"},
    {"cache_type_v", "string", "--cache-type-v", nullptr, "as cache_type_k"},
    {"flash_attention", "string", "--flash-attn", nullptr, "on, off or auto"},
    {"load_mode", "string", "--load-mode", nullptr, "auto, mmap or none (read into memory)"},
    {"repack", "boolean", "--repack", "--no-repack", "copy weights into a faster layout: more memory"},
    {"warmup", "boolean", "--warmup", "--no-warmup", "run once before the first request"},
    {"cache_ram_mib", "integer", "--cache-ram", nullptr,
     "memory for prompts that have left their slot; default 0"},
}};

template <class T> T member(const Json& object, const char* name, T fallback) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) {
        return fallback;
    }
    try {
        return found->get<T>();
    } catch (const Json::exception&) {
        throw Failure(HEARTH_E_INVALID, std::string("\"") + name + "\" has the wrong type");
    }
}

int bounded(const Json& object, const char* name, int fallback, int least, int most) {
    const auto value = member<std::int64_t>(object, name, fallback);
    if (value < least || value > most) {
        throw Failure(HEARTH_E_INVALID, std::string("\"") + name + "\" must be " + std::to_string(least) +
                                            " … " + std::to_string(most));
    }
    return static_cast<int>(value);
}

void add_option(std::vector<std::string>& arguments, const Option& option, const Json& options) {
    const auto found = options.find(option.name);
    if (found == options.end() || found->is_null()) {
        return;
    }
    if (option.negative) {
        arguments.emplace_back(member(options, option.name, true) ? option.argument : option.negative);
        return;
    }
    const bool integer = std::string_view(option.type) == "integer";
    arguments.emplace_back(option.argument);
    arguments.push_back(integer ? std::to_string(member<std::int64_t>(options, option.name, 0))
                                : member<std::string>(options, option.name, {}));
}

} // namespace

Settings::Settings(hearth_str spec) {
    const Json json = parse_object(spec, "the load spec");
    constexpr int most_tokens = 1 << 27;
    alias = member<std::string>(json, "alias", alias);
    context = bounded(json, "context", 0, 0, most_tokens);
    parallel = bounded(json, "parallel", 1, 1, 256);
    threads = bounded(json, "threads", 0, 0, 512);
    embeddings = member(json, "embeddings", false);
    const Json options = member(json, "options", Json::object());
    if (!options.is_object()) {
        throw Failure(HEARTH_E_INVALID, "\"options\" is not an object");
    }
    for (const Option& option : known_options) {
        add_option(arguments, option, options);
    }
    const auto more = member<std::vector<std::string>>(options, "arguments", {});
    arguments.insert(arguments.end(), more.begin(), more.end());
    chat_template = member<std::string>(options, "chat_template", {});
    check_chat_template(chat_template, HEARTH_E_INVALID);
    if (alias.empty()) {
        alias = "model";
    }
}

Json options_schema() {
    Json properties = Json::object();
    for (const Option& option : known_options) {
        properties[option.name] = {{"type", option.type}, {"description", option.description}};
    }
    properties["chat_template"] = {{"type", "string"},
                                   {"description", "Jinja source instead of the model's own"}};
    properties["arguments"] = {
        {"type", "array"},
        {"items", {{"type", "string"}}},
        {"description", "arguments of llama-server, those that name no file, host or program"}};
    return {{"type", "object"}, {"properties", properties}};
}

} // namespace hearth::llama
