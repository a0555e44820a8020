#include "registry/model_facts.hpp"

#include "base/error.hpp"
#include "base/json.hpp"

#include <nlohmann/json.hpp>

namespace hearth::registry {
namespace {

Json details_to_json(const ModelDetails& details) {
    return {{"parent_model", details.parent_model},
            {"format", details.format},
            {"family", details.family},
            {"families", details.families},
            {"parameter_size", details.parameter_size},
            {"quantization_level", details.quantization_level},
            {"context_length", details.context_length},
            {"embedding_length", details.embedding_length}};
}

ModelDetails details_from_json(const Json& json) {
    ModelDetails details;
    json.at("parent_model").get_to(details.parent_model);
    json.at("format").get_to(details.format);
    json.at("family").get_to(details.family);
    json.at("families").get_to(details.families);
    json.at("parameter_size").get_to(details.parameter_size);
    json.at("quantization_level").get_to(details.quantization_level);
    json.at("context_length").get_to(details.context_length);
    json.at("embedding_length").get_to(details.embedding_length);
    return details;
}

Json file_to_json(const ModelFile& file) {
    return {{"digest", file.digest.text()},
            {"role", role_name(file.role)},
            {"size", file.size_bytes},
            {"shard", file.shard},
            {"of", file.of}};
}

FileRole role_from_name(const std::string& name) {
    for (const FileRole role : {FileRole::model, FileRole::projector, FileRole::adapter, FileRole::draft})
        if (name == role_name(role))
            return role;
    throw Error(ErrorCode::store_failed, "the index names an unknown file role '" + name + "'");
}

ModelFile file_from_json(const Json& json) {
    return {Digest::parse(json.at("digest").get<std::string>()), role_from_name(json.at("role")),
            json.at("size"), json.at("shard"), json.at("of")};
}

} // namespace

std::string facts_to_text(const Model& model) {
    Json files = Json::array();
    for (const ModelFile& file : model.files)
        files.push_back(file_to_json(file));
    const Json facts = {{"details", details_to_json(model.details)},
                        {"capabilities", model.capabilities},
                        {"files", std::move(files)},
                        {"template", model.template_text},
                        {"chat_template", model.chat_template},
                        {"system", model.system},
                        {"parameters", model.parameters_json},
                        {"messages", model.messages_json},
                        {"licenses", model.licenses}};
    return to_text(facts);
}

void facts_from_text(std::string_view text, Model& model) {
    try {
        const Json facts = Json::parse(text);
        model.details = details_from_json(facts.at("details"));
        facts.at("capabilities").get_to(model.capabilities);
        model.files.clear();
        for (const Json& file : facts.at("files"))
            model.files.push_back(file_from_json(file));
        facts.at("template").get_to(model.template_text);
        facts.at("chat_template").get_to(model.chat_template);
        facts.at("system").get_to(model.system);
        facts.at("parameters").get_to(model.parameters_json);
        facts.at("messages").get_to(model.messages_json);
        facts.at("licenses").get_to(model.licenses);
    } catch (const Json::exception& error) {
        throw Error(ErrorCode::store_failed,
                    std::string("the index holds facts that do not parse: ") + error.what(),
                    "pull the model again");
    }
}

} // namespace hearth::registry
