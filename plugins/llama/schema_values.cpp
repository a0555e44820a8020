#include "plugins/llama/schema_words.hpp"

#include <algorithm>
#include <cmath>

namespace hearth::llama::schema {

namespace {

constexpr double largest_bound = 1e15; ///< the grammar's integers have 16 digits

bool is_of_type(const Json& value, std::string_view type) {
    if (type == "number" || type == "integer") {
        const bool whole = value.is_number_integer() ||
                           (value.is_number() && value.get<double>() == std::trunc(value.get<double>()));
        return type == "number" ? value.is_number() : whole;
    }
    return type == value.type_name();
}

} // namespace

Json values_of(const Json& schema) {
    return schema.contains("const") ? Json::array({schema["const"]}) : schema.value("enum", Json());
}

std::set<std::string> types_of(const Json& schema) {
    std::set<std::string> types;
    const Json type = schema.value("type", Json());
    for (const Json& one : type.is_array() ? type : type.is_string() ? Json::array({type}) : Json::array()) {
        types.insert(one == "integer" ? "number" : one.get<std::string>());
    }
    for (const Json& value : values_of(schema)) {
        types.insert(value.is_number() ? "number" : value.type_name());
    }
    return types;
}

void check_values(const Json& schema, const std::string& place) {
    if (schema.contains("const") && schema.contains("enum")) {
        refuse(place, "\"const\" and \"enum\" together are not supported");
    }
    allow(schema, place, "any", {"const", "enum", "type"});
    const Json values = values_of(schema);
    if (!values.is_array() || values.empty()) {
        refuse(place, "\"enum\" must be a list that is not empty");
    }
    const Json type = schema.value("type", Json());
    for (const Json& value : values) {
        const auto fits = [&](const Json& name) {
            return name.is_string() && is_of_type(value, name.get<std::string>());
        };
        const bool right =
            type.is_null() || fits(type) || (type.is_array() && std::ranges::any_of(type, fits));
        if (!right) {
            refuse(place, "a listed value is not of the \"type\" beside it");
        }
    }
}

void check_integer(Json& schema, const std::string& place) {
    allow(schema, place, "number", {"type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"});
    double low = -largest_bound;
    double high = largest_bound;
    for (const char* key : {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"}) {
        const Json value = schema.value(key, Json());
        if (value.is_null()) {
            continue;
        }
        if (!value.is_number() || std::abs(value.get<double>()) > largest_bound) {
            refuse(place, std::string("\"") + key + "\" must be a number, not above 10^15");
        }
        const std::string_view name = key;
        const double bound = value.get<double>();
        const double step = name.starts_with("exclusive") ? 1 : 0;
        (name.ends_with("inimum") ? low : high) =
            name.ends_with("inimum") ? std::ceil(bound + (step > 0 && bound == std::trunc(bound) ? 1 : 0))
                                     : std::floor(bound - (step > 0 && bound == std::trunc(bound) ? 1 : 0));
    }
    const bool twice = (schema.contains("minimum") && schema.contains("exclusiveMinimum")) ||
                       (schema.contains("maximum") && schema.contains("exclusiveMaximum"));
    if (twice) {
        refuse(place, "an exclusive bound beside an inclusive one");
    }
    if (low > high) {
        refuse(place, "no integer is within its bounds");
    }
    const bool bounded_below = schema.contains("minimum") || schema.contains("exclusiveMinimum");
    if (high < 0 &&
        !bounded_below) { // alone, the engine's grammar lets it begin with zeros, which is no JSON
        schema["minimum"] = static_cast<std::int64_t>(-largest_bound);
    }
}

void check_text_limits(const Json& schema, const std::string& place) {
    allow(schema, place, "string", {"type", "pattern", "minLength", "maxLength"});
    const std::int64_t least = count(schema, "minLength", place, 0);
    const std::int64_t most = count(schema, "maxLength", place, -1);
    if (most >= 0 && least > most) {
        refuse(place, "\"minLength\" is above \"maxLength\"");
    }
    const bool limited = schema.contains("minLength") || schema.contains("maxLength");
    const std::string format =
        schema.value("format", Json()).is_string() ? schema["format"].get<std::string>() : "";
    const bool shaped =
        format == "date" || format == "time" || format == "date-time" || format.starts_with("uuid");
    if (schema.contains("format") && !schema["format"].is_string()) {
        refuse(place, "\"format\" must be a text");
    }
    if (limited && (shaped || schema.contains("pattern"))) {
        refuse(place, "a length beside a \"pattern\" or \"format\" cannot be kept to");
    }
}

} // namespace hearth::llama::schema
