#include "base/error.hpp"
#include "registry/blobs/blob_store.hpp"
#include "registry/gguf/byte_source.hpp"
#include "registry/gguf/header.hpp"
#include "registry/gguf/types.hpp"
#include "registry/inspect.hpp"

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

namespace hearth::registry {
namespace {

constexpr std::uint64_t short_array = 5; // Ollama shows these in any case

/// The double that prints as the float does: 1e-05, not 9.999999747378752e-06.
double as_written(float value) {
    std::array<char, 32> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
    double result = static_cast<double>(value);
    if (error == std::errc{})
        std::from_chars(text.data(), end, result);
    return result;
}

Json array_to_json(const gguf::Array& array, bool all) {
    if (!all && array.count > short_array)
        return Json::array();
    const auto copy = [](const auto& elements) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(elements)>, std::monostate>)
            return Json::array(); // longer than anyone keeps
        else
            return elements;
    };
    Json json = std::visit(copy, array.elements);
    if (array.element == gguf::ValueType::f32)
        for (Json& element : json)
            element = as_written(static_cast<float>(element.get<double>()));
    return json;
}

Json value_to_json(const gguf::Value& value, bool all) {
    if (const auto* array = std::get_if<gguf::Array>(&value))
        return array_to_json(*array, all);
    if (const auto* number = std::get_if<float>(&value))
        return as_written(*number);
    const auto convert = [](const auto& plain) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(plain)>, gguf::Array>)
            return nullptr; // taken above
        else
            return plain;
    };
    return std::visit(convert, value);
}

gguf::Header read_all(const ModelFile& file, const BlobStore& blobs, bool verbose) {
    const UniqueFd fd = blobs.open(file.digest);
    return gguf::parse_header(gguf::FileSource(fd.get()), gguf::ParseOptions{.keep_long_arrays = verbose});
}

Json info_to_json(const gguf::Header& header, bool verbose) {
    Json info = Json::object();
    std::uint64_t parameters = 0;
    for (const gguf::TensorInfo& tensor : header.tensors)
        parameters += tensor.elements;
    info["general.parameter_count"] = parameters;
    for (const gguf::KeyValue& pair : header.keys)
        info[pair.key] = value_to_json(pair.value, verbose);
    return info;
}

void add_tensors(Json& tensors, const gguf::Header& header) {
    for (const gguf::TensorInfo& tensor : header.tensors) {
        Json shape = Json::array();
        for (std::uint32_t i = 0; i < tensor.dimensions; ++i)
            shape.push_back(tensor.dims[i]);
        tensors.push_back({{"name", tensor.name}, {"type", tensor.type->name}, {"shape", std::move(shape)}});
    }
}

} // namespace

Json describe_files(const Model& model, const BlobStore& blobs, bool verbose) {
    Json answer = {{"model_info", Json::object()}};
    Json tensors = Json::array();
    std::uint64_t parameters = 0;
    for (const ModelFile& file : model.files) {
        if (file.role != FileRole::model && file.role != FileRole::projector)
            continue;
        const gguf::Header header = read_all(file, blobs, verbose);
        Json info = info_to_json(header, verbose);
        if (file.role == FileRole::projector) {
            answer["projector_info"] = std::move(info);
            continue;
        }
        parameters += info.at("general.parameter_count").get<std::uint64_t>();
        if (file.shard == 1)
            answer["model_info"] = std::move(info); // further shards hold nothing but tensors
        add_tensors(tensors, header);
    }
    answer["model_info"]["general.parameter_count"] = parameters;
    if (verbose)
        answer["tensors"] = std::move(tensors);
    return answer;
}

} // namespace hearth::registry
