#include "plugins/llama/memory.hpp"

#include "plugins/llama/log.hpp"

#include <common.h>
#include <fit.h>
#include <ggml-backend.h>
#include <llama.h>
#include <src/llama-ext.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <string_view>

namespace hearth::llama {

namespace {

std::string id_of(ggml_backend_dev_t device) {
    std::string id = device ? ggml_backend_dev_name(device) : "cpu";
    std::transform(id.begin(), id.end(), id.begin(), [](unsigned char c) { return std::tolower(c); });
    return id;
}

const char* kind_of(ggml_backend_dev_t device) {
    switch (device ? ggml_backend_dev_type(device) : GGML_BACKEND_DEVICE_TYPE_CPU) {
    case GGML_BACKEND_DEVICE_TYPE_GPU:
    case GGML_BACKEND_DEVICE_TYPE_IGPU:
        return "gpu";
    default:
        return "cpu";
    }
}

struct DeviceMemory {
    std::string kind = "cpu";
    std::uint64_t weights = 0;
    std::uint64_t mapped = 0;
    std::uint64_t kv = 0;
    std::uint64_t compute = 0;
};

} // namespace

Json list_devices() {
    Json devices = Json::array();
    for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
        const ggml_backend_dev_t device = ggml_backend_dev_get(i);
        ggml_backend_dev_props props{};
        ggml_backend_dev_get_props(device, &props);
        devices.push_back({{"id", id_of(device)},
                           {"kind", kind_of(device)},
                           {"description", props.description ? props.description : ""},
                           {"total_bytes", props.memory_total},
                           {"free_bytes", props.memory_free}});
    }
    return devices;
}

Json memory_of(llama_context* context) {
    std::map<std::string, DeviceMemory> devices;
    std::uint64_t elsewhere = 0; // weights that are not in the mapped file
    bool mapped = false;
    for (const auto& [type, data] : llama_get_memory_breakdown(context)) {
        const ggml_backend_dev_t device = ggml_backend_buft_get_device(type);
        DeviceMemory& memory = devices[id_of(device)];
        memory.kind = kind_of(device);
        memory.kv += data.context;
        memory.compute += data.compute;
        const bool is_map =
            std::string_view(ggml_backend_buft_name(type)).find("Mapped") != std::string_view::npos;
        mapped = mapped || (is_map && data.model > 0);
        memory.weights += is_map ? 0 : data.model;
        elsewhere += is_map ? 0 : data.model;
    }
    if (mapped) { // the map spans the whole file, also what was repacked or uploaded; only the rest of it is
                  // used
        const std::uint64_t all = llama_model_size(llama_get_model(context));
        DeviceMemory& host = devices["cpu"];
        host.mapped = all - std::min(all, elsewhere);
        host.weights += host.mapped;
    }
    Json result = {{"total_bytes", 0}, {"devices", Json::object()}};
    std::uint64_t total = 0;
    for (const auto& [id, memory] : devices) {
        total += memory.weights + memory.kv + memory.compute;
        result["devices"][id] = {{"kind", memory.kind},
                                 {"weights", memory.weights},
                                 {"mapped", memory.mapped},
                                 {"kv", memory.kv},
                                 {"compute", memory.compute}};
    }
    result["total_bytes"] = total;
    return result;
}

Json estimate_memory(common_params& params) {
    if (!params.embedding) { // as the server context sets it: scores of one token per sequence
        params.n_outputs_max = params.n_parallel;
    }
    llama_model_params model_params = common_model_params_to_llama(params);
    const llama_context_params context_params = common_context_params_to_llama(params);
    model_params.use_extra_bufts = false; // repacked buffers are missing in the engine's account
    std::vector<ggml_backend_dev_t> devices;
    std::uint32_t layers = 0;
    std::uint32_t context_trained = 0;
    std::uint32_t experts = 0;
    forget_errors();
    common_device_memory_data_vec rows;
    try {
        rows = common_get_device_memory_data(params.model.path.c_str(), &model_params, &context_params,
                                             devices, layers, context_trained, experts, GGML_LOG_LEVEL_ERROR);
    } catch (const std::runtime_error&) {
        throw Failure(HEARTH_E_FORMAT, "the model cannot be measured: " + first_error());
    }
    Json result = {{"total_bytes", 0}, {"devices", Json::object()}};
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::string id = i < devices.size() ? id_of(devices[i]) : "cpu"; // the last row is the host's
        result["devices"][id] = {{"weights", rows[i].model},
                                 {"kv", rows[i].context},
                                 {"state", 0},
                                 {"compute", rows[i].compute},
                                 {"output", 0}};
        total += rows[i].model + rows[i].context + rows[i].compute;
    }
    result["total_bytes"] = total;
    return result;
}

} // namespace hearth::llama
