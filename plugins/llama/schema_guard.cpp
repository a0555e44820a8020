#include "plugins/llama/schema_guard.hpp"

#include "plugins/llama/pattern.hpp"
#include "plugins/llama/schema_words.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::llama {

namespace schema {

namespace {

constexpr std::size_t most_nodes = 5000;
constexpr std::size_t most_properties = 300; ///< of one object: the grammar grows with their square

/// Walks a schema as the engine reads it.
class Guard {
  public:
    explicit Guard(Json& root) : root_(root) {}

    void run() { check(root_, "#"); }

  private:
    void check(Json& schema, const std::string& place) {
        if (++nodes_ > most_nodes) {
            refuse(place, "it is too large");
        }
        if (schema == true) {
            schema = Json::object();
        }
        if (!schema.is_object()) {
            refuse(place, "a schema must be an object");
        }
        unwrap(schema);
        if (schema.contains("$ref")) {
            allow(schema, place, "any", {"$ref"});
            check_ref(schema["$ref"], place);
        } else if (schema.contains("oneOf") || schema.contains("anyOf")) {
            const char* key = schema.contains("oneOf") ? "oneOf" : "anyOf";
            allow(schema, place, "any", {key});
            check_alternatives(schema[key], place, std::string_view(key) == "oneOf");
        } else if (schema.contains("allOf")) {
            check_all_of(schema, place);
        } else if (schema.contains("const") || schema.contains("enum")) {
            check_values(schema, place);
        } else if (const auto type = schema.find("type"); type == schema.end()) {
            check_untyped(schema, place);
        } else if (type->is_string()) {
            check_typed(schema, place, type->get<std::string>());
        } else if (type->is_array() && !type->empty()) {
            for (const Json& one : *type) {
                check_typed(schema, place, one.is_string() ? one.get<std::string>() : "");
            }
        } else {
            refuse(place, "\"type\" must be a name or a list of names");
        }
    }

    /// {"allOf": [X]}, a common way to give a reference a title, is X.
    static void unwrap(Json& schema) {
        const auto all = schema.find("allOf");
        if (all == schema.end() || !all->is_array() || all->size() != 1 || !(*all)[0].is_object()) {
            return;
        }
        const Json inner = (*all)[0];
        schema.erase("allOf");
        for (const auto& [name, value] : inner.items()) {
            if (is_constraint(name) && schema.contains(name) && schema[name] != value) {
                schema["allOf"] = Json::array({inner}); // both speak: what follows refuses it
                return;
            }
            schema[name] = value;
        }
    }

    void check_ref(const Json& reference, const std::string& place) {
        const std::string text = reference.is_string() ? reference.get<std::string>() : "";
        if (!text.starts_with("#/") || text.find_first_of("~%") != std::string::npos) {
            refuse(place, "\"$ref\" must name a place of the same document, as \"#/$defs/name\"");
        }
        if (std::ranges::find(open_, text) != open_.end()) {
            refuse(place, "it refers to itself and to nothing else");
        }
        std::string rule; // the engine's name for it
        for (const char c : text.substr(1)) {
            const bool kept = std::isalnum(static_cast<unsigned char>(c)) || c == '-';
            rule += kept ? c : '-';
        }
        if (const auto [known, fresh] = rules_.emplace(rule, text); !fresh && known->second != text) {
            refuse(place, "two names of definitions differ in their marks only");
        }
        const Json::json_pointer pointer(text.substr(1));
        if (!root_.contains(pointer)) {
            refuse(place, "\"$ref\" names nothing: " + text);
        }
        if (done_.insert(text).second) {
            open_.push_back(text);
            check(root_[pointer], text);
            open_.pop_back();
        } else if (is_open_through(text)) {
            refuse(place, "it refers to itself and to nothing else");
        }
    }

    /// Whether a definition that was seen leads back to one that is open, without an object or list between.
    bool is_open_through(const std::string& text) const {
        std::vector<std::string> waiting{text};
        std::set<std::string> seen;
        while (!waiting.empty()) {
            const std::string next = waiting.back();
            waiting.pop_back();
            if (std::ranges::find(open_, next) != open_.end()) {
                return true;
            }
            if (!seen.insert(next).second) {
                continue;
            }
            collect_direct_refs(root_[Json::json_pointer(next.substr(1))], waiting);
        }
        return false;
    }

    static void collect_direct_refs(const Json& schema, std::vector<std::string>& refs) {
        if (!schema.is_object()) {
            return;
        }
        if (const auto ref = schema.find("$ref"); ref != schema.end() && ref->is_string()) {
            refs.push_back(ref->get<std::string>());
        }
        for (const char* key : {"anyOf", "oneOf", "allOf"}) {
            for (const Json& one : schema.value(key, Json::array())) {
                collect_direct_refs(one, refs);
            }
        }
    }

    void check_alternatives(Json& list, const std::string& place, bool exactly_one) {
        if (!list.is_array() || list.empty()) {
            refuse(place, "a list of alternatives must not be empty");
        }
        for (std::size_t i = 0; i < list.size(); ++i) {
            check(list[i], place + "/" + std::to_string(i));
        }
        for (std::size_t i = 0; exactly_one && i < list.size(); ++i) {
            for (std::size_t j = i + 1; j < list.size(); ++j) {
                if (!are_disjoint(resolved(list[i]), resolved(list[j]))) {
                    refuse(place, "\"oneOf\" has alternatives that a value may match both; use \"anyOf\"");
                }
            }
        }
    }

    const Json& resolved(const Json& schema) const {
        const Json* at = &schema;
        for (int i = 0; i < 20 && at->is_object() && at->contains("$ref"); ++i) {
            at = &root_[Json::json_pointer((*at)["$ref"].get<std::string>().substr(1))];
        }
        return *at;
    }

    /// Provably no value matches both.
    bool are_disjoint(const Json& one, const Json& other) const {
        const Json values = values_of(one);
        const Json others = values_of(other);
        if (values.is_array() && others.is_array()) {
            return std::ranges::none_of(
                values, [&](const Json& value) { return std::ranges::find(others, value) != others.end(); });
        }
        const std::set<std::string> types = types_of(one);
        const std::set<std::string> other_types = types_of(other);
        const auto shared = [&](const std::string& type) { return other_types.contains(type); };
        if (!types.empty() && !other_types.empty() && std::ranges::none_of(types, shared)) {
            return true;
        }
        const Json needed = other.value("required", Json::array());
        const Json mine = one.value("properties", Json::object());
        const Json theirs = other.value("properties", Json::object());
        for (const Json& required : one.value("required", Json::array())) {
            const std::string name = required.is_string() ? required.get<std::string>() : "";
            if (!mine.contains(name) || !theirs.contains(name) ||
                std::ranges::find(needed, required) == needed.end()) {
                continue;
            }
            const Json& left = resolved(mine.at(name));
            const Json& right = resolved(theirs.at(name));
            if (values_of(left).is_array() && values_of(right).is_array() && are_disjoint(left, right)) {
                return true;
            }
        }
        return false;
    }

    /// The engine takes the properties of all, and all as required.
    void check_all_of(Json& schema, const std::string& place) {
        allow(schema, place, "any", {"allOf", "type"});
        if (schema.value("type", Json("object")) != "object" || !schema["allOf"].is_array()) {
            refuse(place, "\"allOf\" is supported for objects only");
        }
        std::set<std::string> names;
        for (std::size_t i = 0; i < schema["allOf"].size(); ++i) {
            Json& part = schema["allOf"][i];
            const std::string here = place + "/allOf/" + std::to_string(i);
            check(part, here);
            const Json& object = resolved(part);
            if (!object.contains("properties") || object.value("additionalProperties", Json(true)) != true) {
                refuse(here, "each part of \"allOf\" must be an object with properties that allows others");
            }
            for (const auto& [name, value] : object["properties"].items()) {
                if (!names.insert(name).second) {
                    refuse(here, "two parts of \"allOf\" have the property \"" + name + "\"");
                }
            }
        }
    }

    void check_untyped(Json& schema, const std::string& place) {
        if (schema.contains("properties") || schema.contains("additionalProperties")) {
            check_object(schema, place);
        } else if (schema.contains("items") || schema.contains("prefixItems")) {
            check_array(schema, place);
        } else if (schema.contains("pattern") || schema.contains("minLength") ||
                   schema.contains("maxLength")) {
            check_string(schema, place);
        } else {
            allow(schema, place, "any", {});
        }
    }

    void check_typed(Json& schema, const std::string& place, const std::string& type) {
        if (type == "object") {
            check_object(schema, place);
        } else if (type == "array") {
            check_array(schema, place);
        } else if (type == "string") {
            check_string(schema, place);
        } else if (type == "integer") {
            check_integer(schema, place);
        } else if (type == "number") {
            allow(schema, place, "number", {"type"});
        } else if (type == "boolean" || type == "null") {
            allow(schema, place, type, {"type"});
        } else {
            refuse(place, "\"type\" is none of object, array, string, number, integer, boolean and null");
        }
    }

    void check_object(Json& schema, const std::string& place) {
        allow(schema, place, "object", {"type", "properties", "required", "additionalProperties"});
        static const Json none = Json::object();
        const auto properties = schema.find("properties");
        const Json& known = properties == schema.end() ? none : *properties;
        if (!known.is_object() || known.size() > most_properties) {
            refuse(place, "\"properties\" must be an object with at most 300 members");
        }
        const Json required = schema.value("required", Json::array());
        for (const Json& name : required.is_array() ? required : Json::array({Json()})) {
            if (!name.is_string() || !known.contains(name.get<std::string>())) {
                refuse(place, "\"required\" must list names that \"properties\" has");
            }
        }
        const bool open = schema.contains("additionalProperties") && schema["additionalProperties"] != false;
        for (const auto& item : known.items()) {
            // They go into character classes of the grammar, unescaped.
            if (open && item.key().find_first_of("]\\^-\"\n\r\t") != std::string::npos) {
                refuse(place, "the property \"" + item.key() + "\" beside \"additionalProperties\"");
            }
        }
        const auto outer =
            std::exchange(open_, {}); // an object lies between what follows and what came before
        if (open && schema["additionalProperties"].is_object()) {
            check(schema["additionalProperties"], place + "/additionalProperties");
        }
        if (properties != schema.end()) {
            for (const auto& item : properties->items()) {
                check(item.value(), place + "/properties/" + item.key());
            }
        }
        open_ = outer;
    }

    void check_array(Json& schema, const std::string& place) {
        allow(schema, place, "array", {"type", "items", "prefixItems", "minItems", "maxItems"});
        const std::int64_t least = count(schema, "minItems", place, 0);
        const std::int64_t most = count(schema, "maxItems", place, -1);
        if (most >= 0 && least > most) {
            refuse(place, "\"minItems\" is above \"maxItems\"");
        }
        if (schema.contains("prefixItems") && schema.value("items", Json()) == false) {
            schema.erase("items"); // nothing after the prefix, which is all that the engine ever gives
        }
        if (schema.contains("prefixItems") && schema.contains("items")) {
            refuse(place, "\"items\" beside \"prefixItems\" may only be false");
        }
        const char* key = schema.contains("prefixItems") ? "prefixItems" : "items";
        if (!schema.contains(key)) {
            return;
        }
        const auto outer = std::exchange(open_, {});
        check_items(schema[key], place + "/" + key, least, most);
        open_ = outer;
    }

    void check_items(Json& items, const std::string& place, std::int64_t least, std::int64_t most) {
        if (!items.is_array()) {
            check(items, place);
            return;
        }
        const auto length = static_cast<std::int64_t>(items.size());
        if (length < least || (most >= 0 && length > most)) {
            refuse(place, "the list has one length, that of its prefix, and it is not within \"minItems\" "
                          "and \"maxItems\"");
        }
        for (std::size_t i = 0; i < items.size(); ++i) {
            check(items[i], place + "/" + std::to_string(i));
        }
    }

    void check_string(Json& schema, const std::string& place) {
        check_text_limits(schema, place);
        if (schema.contains("pattern")) {
            rewrite_pattern(schema, place);
        }
    }

    void rewrite_pattern(Json& schema, const std::string& place) {
        Json& pattern = schema["pattern"];
        if (!pattern.is_string()) {
            refuse(place, "\"pattern\" must be a text");
        }
        // A definition that two references name, or a list of types, brings us here twice.
        if (rewritten_.contains(pattern.get_ref<const std::string&>())) {
            return;
        }
        try {
            pattern = grammar_pattern(pattern.get<std::string>());
        } catch (const std::invalid_argument& why) {
            refuse(place, std::string("\"pattern\": ") + why.what());
        }
        rewritten_.insert(pattern.get<std::string>());
    }

    Json& root_;
    std::size_t nodes_ = 0;
    std::set<std::string> done_;               ///< references that were walked
    std::vector<std::string> open_;            ///< those under way, without an object or list between
    std::map<std::string, std::string> rules_; ///< the engine's names of references
    std::set<std::string> rewritten_;          ///< patterns that are the grammar's already
};

} // namespace

} // namespace schema

void check_schema(Json& schema) {
    try {
        schema::Guard(schema).run();
    } catch (const Json::exception&) { // a member of the wrong type
        throw Failure(HEARTH_E_INVALID,
                      "the JSON Schema is not one: a keyword has a value of the wrong type");
    }
}

} // namespace hearth::llama
