#include "daemon/handlers/create_request.hpp"

#include "base/error.hpp"
#include "daemon/handlers/fields.hpp"
#include "daemon/handlers/messages.hpp"
#include "daemon/handlers/options.hpp"

#include <nlohmann/json.hpp>

namespace hearth::daemon {
namespace {

/// {file name: digest}
std::map<std::string, Digest> parse_files(const Json& body, const char* key) {
    std::map<std::string, Digest> files;
    const Json object = object_field(body, key);
    for (const auto& [name, value] : object.items()) {
        const auto digest = value.is_string() ? Digest::try_parse(value.get<std::string>()) : std::nullopt;
        if (!digest) {
            throw Error(ErrorCode::invalid_argument, std::string("field \"") + key + "\": the digest of \"" +
                                                         name +
                                                         "\" must be sha256: and 64 lower-case hex digits");
        }
        files.emplace(name, *digest);
    }
    return files;
}

/// A text or a list of texts; empty ones are nothing.
std::vector<std::string> parse_licenses(const Json& body) {
    const Json value = body.value("license", Json());
    std::vector<std::string> licenses;
    if (value.is_string()) {
        licenses.push_back(value.get<std::string>());
    } else {
        licenses = strings_field(body, "license");
    }
    std::erase(licenses, "");
    return licenses;
}

std::string parse_parameters(const Json& body) {
    const Json parameters = object_field(body, "parameters");
    if (parameters.is_null() || parameters.empty()) {
        return "";
    }
    keep_alive_field(parameters);
    parse_options(parameters); // a wrong type is the client's mistake now, not the model's later
    return to_text(parameters);
}

std::string parse_messages(const Json& body) {
    const Json messages = array_field(body, "messages");
    to_openai_messages(messages); // as above
    return messages.empty() ? "" : to_text(messages);
}

void refuse_what_is_done_elsewhere(const Json& body) {
    if (const auto type = string_field(body, "quantize"); type && !type->empty()) {
        throw Error(ErrorCode::unsupported, "create does not quantize",
                    "create the model without \"quantize\", then: hearth quantize MODEL " + *type);
    }
    if (const auto host = string_field(body, "remote_host"); host && !host->empty()) {
        throw Error(ErrorCode::unsupported, "create does not make models of other machines",
                    "\"remote_host\" is not served");
    }
    if (const Json draft = object_field(body, "draft_files"); !draft.is_null() && !draft.empty()) {
        throw Error(ErrorCode::unsupported, "create takes no draft model", "leave out \"draft_files\"");
    }
}

} // namespace

CreateRequest parse_create(const Json& body) {
    CreateRequest request;
    request.build.name = model_field(body);
    refuse_what_is_done_elsewhere(body);
    request.from = string_field(body, "from").value_or("");
    request.build.files = parse_files(body, "files");
    request.build.adapters = parse_files(body, "adapters");
    if (request.from.empty() && request.build.files.empty()) {
        throw Error(ErrorCode::invalid_argument, "neither 'from' or 'files' was specified",
                    "name a model, or upload GGUF files to /api/blobs and name their digests");
    }
    request.build.template_text = string_field(body, "template");
    if (request.build.template_text && request.build.template_text->empty()) {
        request.build.template_text.reset();
    }
    request.build.system = string_field(body, "system");
    request.build.licenses = parse_licenses(body);
    request.build.parameters_json = parse_parameters(body);
    request.build.messages_json = parse_messages(body);
    request.stream = flag_field(body, "stream").value_or(true);
    return request;
}

} // namespace hearth::daemon
