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
constexpr std::array<Option, 9> known_options = {{
    {"device", "string", "--device", nullptr, "ids of GPUs to use, separated by commas, or none"},
    {"batch", "integer", "--batch-size", nullptr, "tokens per step of a prompt; a cancel waits for one step"},
    {"ubatch", "integer", "--ubatch-size", nullptr,
     "tokens per computation; bounds the length of what can be embedded"},
    {"cache_type_k", "string", "--cache-type-k", nullptr,
     "f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0 or iq4_nl"},
    {"cache_type_v", "string", "--cache-type-v", nullptr, "as cache_type_k"},
    {"flash_attention", "string", "--flash-attn", nullptr, "on, off or auto"},
    {"repack", "boolean", "--repack", "--no-repack", "other than load_mode says"},
    {"warmup", "boolean", "--warmup", "--no-warmup", "run once before the first request"},
    {"cache_ram_mib", "integer", "--cache-ram", nullptr,
     "memory for prompts that have left their slot; default 0"},
}};

/// How weights come into memory, and what that is in llama-server's arguments.
struct LoadMode {
    const char* name;
    const char* mode;
    const char* repack;
};
constexpr std::array<LoadMode, 3> load_modes = {
    {{"mmap", "mmap", "--no-repack"}, {"repack", "mmap", "--repack"}, {"read", "none", "--no-repack"}}};

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

void add_load_mode(std::vector<std::string>& arguments, const Json& options) {
    const auto name = member<std::string>(options, "load_mode", {});
    if (name.empty()) {
        return;
    }
    for (const LoadMode& mode : load_modes) {
        if (name == mode.name) {
            arguments.insert(arguments.end(), {"--load-mode", mode.mode, mode.repack});
            return;
        }
    }
    throw Failure(HEARTH_E_INVALID, "\"load_mode\" must be mmap, repack or read");
}

std::vector<PretendedDevice> read_pretended(const Json& spec) {
    std::vector<PretendedDevice> devices;
    for (const Json& device : member(spec, "pretend", Json::array())) {
        devices.push_back({member<std::string>(device, "id", {}),
                           member<std::uint64_t>(device, "bytes", std::uint64_t{0})});
        if (devices.back().id.empty() || devices.back().bytes == 0) {
            throw Failure(HEARTH_E_INVALID, "a pretended device needs \"id\" and \"bytes\"");
        }
    }
    return devices;
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
    unified = member(options, "unified", member(json, "unified", true));
    pretend = read_pretended(json);
    if (options.contains("gpu_layers")) {
        gpu_layers = bounded(options, "gpu_layers", 0, -2, 1 << 16);
    }
    expert_layers_on_host = bounded(options, "expert_layers_on_host", 0, 0, 1 << 16);
    add_load_mode(arguments, options);
    tensor_split = member<std::vector<double>>(options, "tensor_split", {});
    for (const Option& option : known_options) {
        const bool stands_for_others = !pretend.empty() && std::string_view(option.name) == "device";
        if (!stands_for_others) {
            add_option(arguments, option, options);
        }
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
    properties["load_mode"] = {
        {"type", "string"},
        {"enum", {"mmap", "repack", "read"}},
        {"description",
         "the file's pages; copied into a faster layout where the CPU has one, the rest mapped; "
         "copied as they are"}};
    properties["gpu_layers"] = {
        {"type", "integer"},
        {"description", "layers on the GPU, counted from the end, the output layer is one; default: all"}};
    properties["tensor_split"] = {{"type", "array"},
                                  {"items", {{"type", "number"}}},
                                  {"description", "share of the layers of each GPU"}};
    properties["expert_layers_on_host"] = {
        {"type", "integer"},
        {"description", "of the layers on the GPU, so many of the first keep their experts in RAM"}};
    properties["chat_template"] = {{"type", "string"},
                                   {"description", "Jinja source instead of the model's own"}};
    properties["arguments"] = {
        {"type", "array"},
        {"items", {{"type", "string"}}},
        {"description", "arguments of llama-server, those that name no file, host or program"}};
    return {{"type", "object"}, {"properties", properties}};
}

} // namespace hearth::llama
