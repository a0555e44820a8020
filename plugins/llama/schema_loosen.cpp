#include "plugins/llama/pattern.hpp"
#include "plugins/llama/schema_guard.hpp"
#include "plugins/llama/schema_words.hpp"

#include <stdexcept>
#include <string>

namespace hearth::llama {

void loosen_schema(Json& schema) {
    if (!schema.is_structured()) {
        return;
    }
    for (auto item = schema.begin(); schema.is_object() && item != schema.end();) {
        const std::string& name = item.key();
        const bool counts = item->is_number() && (name == "minLength" || name == "maxLength" ||
                                                  name == "minItems" || name == "maxItems");
        if (name == "pattern" && item->is_string()) {
            try {
                *item = grammar_pattern(item->get<std::string>());
            } catch (const std::invalid_argument&) {
                item = schema.erase(item);
                continue;
            }
        } else if (counts && (!item->is_number_integer() || *item < 0 || *item > schema::longest)) {
            item = schema.erase(item);
            continue;
        } else if (name == "additionalProperties" && schema.contains("properties")) {
            item = schema.erase(item);
            continue;
        }
        ++item;
    }
    for (Json& inner : schema) {
        loosen_schema(inner);
    }
}

} // namespace hearth::llama
