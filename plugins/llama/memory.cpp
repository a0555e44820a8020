#include "plugins/llama/memory.hpp"

#include "plugins/llama/gpu_memory.hpp"
#include "plugins/llama/log.hpp"
#include "plugins/llama/mapped_pages.hpp"
#include "plugins/llama/recurrent_state.hpp"

#include <common.h>
#include <ggml-backend.h>
#include <llama.h>
#include <src/llama-ext.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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
    const char* kind = "cpu";
    std::uint64_t weights = 0;
    std::uint64_t mapped = 0;
    std::uint64_t repacked = 0;
    std::uint64_t kv = 0;
    std::uint64_t state = 0;
    std::uint64_t compute = 0;
    std::uint64_t output = 0;

    std::uint64_t total() const noexcept { return weights + kv + state + compute; }
};
using Account = std::map<std::string, DeviceMemory>;

bool is_on_cpu(ggml_backend_buffer_type_t type) {
    const ggml_backend_dev_t device = ggml_backend_buft_get_device(type);
    return ggml_backend_buft_is_host(type) || !device ||
           ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_CPU;
}

/// A layout of the CPU's own: its memory, and not as the file has it.
bool is_repacked(ggml_backend_buffer_type_t type) {
    return is_on_cpu(type) && !ggml_backend_buft_is_host(type);
}

bool is_map(ggml_backend_buffer_type_t type) {
    return std::string_view(ggml_backend_buft_name(type)).find("Mapped") != std::string_view::npos;
}

/// Whether weights of this kind would be used in the file's pages. The dry run itself maps nothing.
bool would_be_mapped(ggml_backend_buffer_type_t type, bool maps) {
    return maps && ggml_backend_buft_is_host(type);
}

bool would_map(const common_params& params, const llama_model* model) {
    if (params.load_mode != LLAMA_LOAD_MODE_AUTO) {
        return params.load_mode == LLAMA_LOAD_MODE_MMAP || params.load_mode == LLAMA_LOAD_MODE_MMAP_MLOCK;
    }
    for (int i = 0; i < llama_model_n_devices(model); ++i) { // as llama_model_base::load_tensors decides
        ggml_backend_dev_props properties{};
        ggml_backend_dev_get_props(llama_model_get_device(model, i), &properties);
        if (!properties.caps.mmap_support) {
            return false;
        }
    }
    return true;
}

/// Source: llama_context::output_reserve at 0.5.0. Scores for every sequence, or for vectors a row of both for
/// every token of a batch.
std::uint64_t output_bytes(const llama_context* context, const common_params& params) {
    const llama_model* model = llama_get_model(context);
    const auto scores = static_cast<std::uint64_t>(llama_vocab_n_tokens(llama_model_get_vocab(model)));
    const auto width = static_cast<std::uint64_t>(llama_model_n_embd_out(model));
    const std::uint64_t sequences = llama_n_seq_max(context);
    if (!params.embedding) {
        return sequences * scores * sizeof(float);
    }
    return std::max<std::uint64_t>(sequences, llama_n_batch(context)) * (scores + width) * sizeof(float);
}

/// @param dry_run  nothing was allocated; @param maps  then: weights on the host would be mapped
Account account_of(llama_context* context, const common_params& params, bool dry_run, bool maps) {
    Account account;
    const llama_model* model = llama_get_model(context);
    for (const auto& [type, data] : llama_get_memory_breakdown(context)) {
        const ggml_backend_dev_t device = is_on_cpu(type) ? nullptr : ggml_backend_buft_get_device(type);
        DeviceMemory& memory = account[id_of(device)];
        memory.kind = kind_of(device);
        memory.kv += data.context;
        memory.compute += data.compute;
        const bool in_file = dry_run ? would_be_mapped(type, maps) : is_map(type);
        const std::uint64_t weights = in_file && !dry_run ? 0 : data.model; // the map's span says nothing
        memory.weights += weights;
        memory.mapped += in_file ? weights : 0;
        memory.repacked += is_repacked(type) ? weights : 0;
    }
    if (const std::uint64_t mapped = dry_run ? 0 : mapped_bytes(model); mapped > 0) {
        account["cpu"].mapped += mapped;
        account["cpu"].weights += mapped;
    }
    for (const auto& [type, bytes] : recurrent_state_of(context)) {
        DeviceMemory& memory = account[id_of(is_on_cpu(type) ? nullptr : ggml_backend_buft_get_device(type))];
        memory.state += bytes;
        memory.kv -= std::min<std::uint64_t>(memory.kv, bytes);
    }
    account["cpu"].output = output_bytes(context, params);
    return account;
}

Json to_json(const Account& account) {
    Json result = {{"total_bytes", 0}, {"devices", Json::object()}};
    std::uint64_t total = 0;
    for (const auto& [id, memory] : account) {
        total += memory.total();
        result["devices"][id] = {{"kind", memory.kind},       {"weights", memory.weights},
                                 {"mapped", memory.mapped},   {"repacked", memory.repacked},
                                 {"kv", memory.kv},           {"state", memory.state},
                                 {"compute", memory.compute}, {"output", memory.output}};
    }
    result["total_bytes"] = total;
    return result;
}

struct FreeModel {
    void operator()(llama_model* model) const { llama_model_free(model); }
};
struct FreeContext {
    void operator()(llama_context* context) const { llama_free(context); }
};

} // namespace

namespace {

/// The engine's figures; a driver's budget can be above the heap and its difference wrap below zero.
GpuMemory engine_memory(const ggml_backend_dev_props& props) {
    GpuMemory memory;
    memory.source = "backend";
    memory.total_bytes = props.memory_total;
    memory.free_bytes = std::min<std::uint64_t>(props.memory_free, props.memory_total);
    memory.unified = props.type == GGML_BACKEND_DEVICE_TYPE_IGPU;
    return memory;
}

/// What the driver says about the device, where it says anything.
GpuMemory device_memory(const ggml_backend_dev_props& props, const std::vector<GpuMemory>& drivers) {
    GpuMemory engine = engine_memory(props);
    const std::string_view pci = props.device_id ? props.device_id : "";
    const auto known =
        std::find_if(drivers.begin(), drivers.end(), [&](const GpuMemory& row) { return row.pci == pci; });
    if (pci.empty() || known == drivers.end()) {
        return engine;
    }
    GpuMemory memory = *known;
    memory.unified = memory.unified || engine.unified;
    if (memory.unified && memory.shared_total_bytes > 0) {
        memory.total_bytes = memory.shared_total_bytes;
        memory.free_bytes = memory.shared_free_bytes;
    }
    return memory;
}

} // namespace

std::string device_id(ggml_backend_device* device) {
    return id_of(device);
}

Json list_devices() {
    // Before the engine's own figures: asking it makes a context on the device.
    const std::vector<GpuMemory> drivers = read_gpu_memory();
    Json devices = Json::array();
    for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
        const ggml_backend_dev_t device = ggml_backend_dev_get(i);
        ggml_backend_dev_props props{};
        ggml_backend_dev_get_props(device, &props);
        const GpuMemory memory = device_memory(props, drivers);
        devices.push_back({{"id", id_of(device)},
                           {"kind", kind_of(device)},
                           {"description", props.description ? props.description : ""},
                           {"total_bytes", memory.total_bytes},
                           {"free_bytes", memory.free_bytes},
                           {"unified", memory.unified},
                           {"display", memory.display},
                           {"memory_source", memory.source}});
    }
    return devices;
}

Json memory_of(llama_context* context, const common_params& params) {
    return to_json(account_of(context, params, false, false));
}

Json estimate_memory(common_params& params) {
    if (!params.embedding) { // as the server context sets it: scores of one token per sequence
        params.n_outputs_max = params.n_parallel;
    }
    llama_model_params model_params = common_model_params_to_llama(params);
    model_params.no_alloc = true;
    model_params.load_mode = LLAMA_LOAD_MODE_NONE; // the dry run asserts that nothing is mapped
    forget_errors();
    const std::unique_ptr<llama_model, FreeModel> model(
        llama_model_load_from_file(params.model.path.c_str(), model_params));
    if (!model) {
        throw Failure(HEARTH_E_FORMAT, "the model cannot be measured: " + first_error());
    }
    const std::unique_ptr<llama_context, FreeContext> context(
        llama_init_from_model(model.get(), common_context_params_to_llama(params)));
    if (!context) {
        throw Failure(HEARTH_E_INVALID, "the model cannot be measured: " + first_error());
    }
    return to_json(account_of(context.get(), params, true, would_map(params, model.get())));
}

} // namespace hearth::llama
