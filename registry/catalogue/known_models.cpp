#include "registry/catalogue/known_models.hpp"

#include "base/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::registry {
namespace {

std::string lower_case(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return result;
}

std::vector<KnownModel> read_all() {
    std::vector<KnownModel> models;
    for (const Json& row : parse_json(known_models_json(), "the catalogue of known models"))
        models.push_back({row.at("name"), row.at("full_name"), row.at("aliases"), row.at("title"),
                          row.at("publisher"), row.at("parameters"), row.at("license"),
                          row.at("capabilities")});
    return models;
}

bool matches(const KnownModel& model, const std::string& word) {
    std::string text = model.full_name + ' ' + model.title + ' ' + model.publisher + ' ' + model.license;
    for (const auto* list : {&model.aliases, &model.capabilities})
        for (const std::string& item : *list)
            text += ' ' + item;
    return lower_case(text).find(lower_case(word)) != std::string::npos;
}

} // namespace

const std::vector<KnownModel>& known_models() {
    static const std::vector<KnownModel> models = read_all();
    return models;
}

std::vector<KnownModel> search_known_models(const std::vector<std::string>& words) {
    std::vector<KnownModel> found;
    for (const KnownModel& model : known_models())
        if (std::ranges::all_of(words, [&](const std::string& word) { return matches(model, word); }))
            found.push_back(model);
    return found;
}

ModelRef resolve_name(std::string_view text, std::string_view default_registry) {
    constexpr std::string_view library = "registry.ollama.ai";
    const bool may_be_alias = default_registry.ends_with(library) && text.find('/') == std::string_view::npos;
    if (may_be_alias) {
        std::string name = lower_case(text);
        if (name.ends_with(":latest"))
            name.resize(name.size() - std::string_view(":latest").size());
        for (const KnownModel& model : known_models())
            if (std::ranges::find(model.aliases, name) != model.aliases.end())
                return ModelRef::parse(model.full_name, default_registry);
    }
    return ModelRef::parse(text, default_registry);
}

} // namespace hearth::registry
