#include "daemon/handlers/body.hpp"

#include "base/error.hpp"
#include "base/json_order.hpp"

#include <nlohmann/json.hpp>

#include <array>

namespace hearth::daemon {
namespace {

/// What a model writes in the order of its schema, and what it wrote: Ollama's fields, OpenAI's, Anthropic's.
constexpr std::array<std::string_view, 9> ordered_paths{"format",
                                                        "response_format/schema",
                                                        "response_format/json_schema/schema",
                                                        "output_format/schema",
                                                        "output_config/format/schema",
                                                        "tools/*/function/parameters",
                                                        "tools/*/input_schema",
                                                        "messages/*/tool_calls/*/function/arguments",
                                                        "messages/*/content/*/input"};

} // namespace

Json parse_object(const std::string& body) {
    if (body.empty()) {
        throw Error(ErrorCode::invalid_argument, "missing request body");
    }
    Json value = parse_json(body, "request body");
    if (!value.is_object()) {
        throw Error(ErrorCode::invalid_argument, "request body must be a JSON object");
    }
    return value;
}

Json parse_ordered_object(const std::string& body) {
    Json value = parse_object(body);
    for (const std::string_view path : ordered_paths) {
        keep_order(value, body, path);
    }
    return value;
}

} // namespace hearth::daemon
