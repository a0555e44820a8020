#include "plugins/llama/pattern.hpp"
#include "plugins/llama/schema_guard.hpp"
#include "plugins/llama/schema_words.hpp"

#include <stdexcept>
#include <string>

namespace hearth::llama {

namespace {

bool cannot_be_kept(const Json& schema, const std::string& name, const Json& value) {
    const bool counts = value.is_number() && (name == "minLength" || name == "maxLength" ||
                                              name == "minItems" || name == "maxItems");
    if (counts) {
        return !value.is_number_integer() || value < 0 || value > schema::longest;
    }
    return name == "additionalProperties" && schema.contains("properties");
}

} // namespace

void loosen_schema(Json& schema) {
    if (!schema.is_structured()) {
        return;
    }
    for (auto item = schema.begin(); schema.is_object() && item != schema.end();) {
        const std::string& name = item.key();
        if (cannot_be_kept(schema, name, *item)) {
            item = schema.erase(item);
            continue;
        }
        if (name == "pattern" && item->is_string()) {
            try {
                *item = grammar_pattern(item->get<std::string>());
            } catch (const std::invalid_argument&) {
                item = schema.erase(item);
                continue;
            }
        }
        ++item;
    }
    for (Json& inner : schema) {
        loosen_schema(inner);
    }
}

} // namespace hearth::llama
