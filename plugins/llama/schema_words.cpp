#include "plugins/llama/schema_words.hpp"

#include <algorithm>
#include <array>

namespace hearth::llama::schema {

namespace {

/// Keywords that constrain values, by the type of value that they speak of; "any" speaks of all.
struct Keyword {
    std::string_view name;
    std::string_view type;
};
constexpr std::array keywords{Keyword{"pattern", "string"},
                              Keyword{"minLength", "string"},
                              Keyword{"maxLength", "string"},
                              Keyword{"minimum", "number"},
                              Keyword{"maximum", "number"},
                              Keyword{"exclusiveMinimum", "number"},
                              Keyword{"exclusiveMaximum", "number"},
                              Keyword{"multipleOf", "number"},
                              Keyword{"items", "array"},
                              Keyword{"prefixItems", "array"},
                              Keyword{"additionalItems", "array"},
                              Keyword{"minItems", "array"},
                              Keyword{"maxItems", "array"},
                              Keyword{"uniqueItems", "array"},
                              Keyword{"contains", "array"},
                              Keyword{"minContains", "array"},
                              Keyword{"maxContains", "array"},
                              Keyword{"unevaluatedItems", "array"},
                              Keyword{"properties", "object"},
                              Keyword{"required", "object"},
                              Keyword{"additionalProperties", "object"},
                              Keyword{"patternProperties", "object"},
                              Keyword{"propertyNames", "object"},
                              Keyword{"minProperties", "object"},
                              Keyword{"maxProperties", "object"},
                              Keyword{"dependentRequired", "object"},
                              Keyword{"dependentSchemas", "object"},
                              Keyword{"dependencies", "object"},
                              Keyword{"unevaluatedProperties", "object"},
                              Keyword{"type", "any"},
                              Keyword{"enum", "any"},
                              Keyword{"const", "any"},
                              Keyword{"not", "any"},
                              Keyword{"if", "any"},
                              Keyword{"then", "any"},
                              Keyword{"else", "any"},
                              Keyword{"allOf", "any"},
                              Keyword{"anyOf", "any"},
                              Keyword{"oneOf", "any"},
                              Keyword{"$ref", "any"},
                              Keyword{"$dynamicRef", "any"},
                              Keyword{"$recursiveRef", "any"}};

} // namespace

void refuse(const std::string& place, const std::string& why) {
    throw Failure(HEARTH_E_INVALID, "the JSON Schema is not supported at " + place + ": " + why);
}

bool is_constraint(std::string_view keyword) {
    return std::ranges::find(keywords, keyword, &Keyword::name) != keywords.end();
}

void allow(const Json& schema, const std::string& place, std::string_view type,
           const std::vector<std::string_view>& allowed) {
    for (const auto& [name, value] : schema.items()) {
        const auto known = std::ranges::find(keywords, std::string_view(name), &Keyword::name);
        const bool speaks =
            known != keywords.end() && (known->type == "any" || type == "any" || known->type == type);
        const bool harmless = (name == "uniqueItems" && value == false) ||
                              ((name == "minProperties" || name == "minItems") && value == 0);
        if (speaks && !harmless && std::ranges::find(allowed, std::string_view(name)) == allowed.end()) {
            refuse(place, "\"" + name + "\" cannot be kept to here");
        }
    }
}

std::int64_t count(const Json& schema, const char* key, const std::string& place, std::int64_t absent) {
    const Json value = schema.value(key, Json());
    if (value.is_null()) {
        return absent;
    }
    if (!value.is_number_integer() || value < 0 || value > longest) {
        refuse(place, std::string("\"") + key + "\" must be a whole number from 0 to 2000");
    }
    return value.get<std::int64_t>();
}

} // namespace hearth::llama::schema
