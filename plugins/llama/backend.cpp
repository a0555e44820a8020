/// The C border of the llama.cpp backend: the table, and nothing that throws across it.
#include "plugins/abi/hearth_backend.h"
#include "plugins/abi/hearth_measure.h"
#include "plugins/llama/failure.hpp"
#include "plugins/llama/header.hpp"
#include "plugins/llama/log.hpp"
#include "plugins/llama/measure.hpp"
#include "plugins/llama/memory.hpp"
#include "plugins/llama/model.hpp"
#include "plugins/llama/parameters.hpp"
#include "plugins/llama/pretended_device.hpp"
#include "plugins/llama/quantize.hpp"
#include "plugins/llama/quantize_types.hpp"
#include "plugins/llama/request.hpp"
#include "plugins/llama/settings.hpp"
#include "plugins/llama/variants.hpp"

#include <common.h>
#include <ggml-backend.h>
#include <llama.h>

#include <dlfcn.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <string_view>

// The ABI's opaque types are ours to define.
struct hearth_model {
    hearth::llama::Model model;
    hearth_model(const hearth_load_spec& spec, const char* scratch_dir, const hearth_progress* progress)
        : model(spec, scratch_dir, progress) {}
};
struct hearth_request {
    hearth::llama::Request request;
    hearth_request(const hearth::llama::Model& model, std::string_view operation, hearth_str body)
        : request(model, operation, body) {}
};

namespace {

using hearth::llama::Failure;
using hearth::llama::Json;

/// Set once by init, before any other call; the ABI allows one host per process.
std::string& scratch_dir() {
    static std::string folder;
    return folder;
}

/// Runs `work`; whatever it throws becomes a status. The engine's own messages name paths.
template <class Work> hearth_status guarded(hearth_error* error, Work work) {
    return hearth::sdk::guarded(error, work,
                                [](const std::string& text) { return hearth::llama::without_paths(text); });
}

/// The folder of this library, where llama.cpp's libraries lie too.
std::string own_folder() {
    Dl_info where{};
    if (::dladdr(reinterpret_cast<void*>(&hearth_backend_get), &where) == 0 || !where.dli_fname) {
        throw Failure(HEARTH_E_INTERNAL, "the plugin does not know where it lies");
    }
    return std::filesystem::absolute(where.dli_fname).parent_path().string();
}

/// The libraries are only right with the headers of their own release.
void check_engine_version() {
    const std::string_view engine = llama_version();
    const std::string_view base = engine.substr(0, engine.find('-'));
    if (base != HEARTH_LLAMA_VERSION || std::string_view(ggml_version()) != HEARTH_GGML_VERSION) {
        throw Failure(HEARTH_E_ABI, "the plugin was built for llama.cpp " HEARTH_LLAMA_VERSION " and found " +
                                        std::string(engine) + " with ggml " + ggml_version());
    }
}

int passed_over(const Json& wishes) {
    const auto found = wishes.find("pass_over");
    if (found == wishes.end()) {
        return 0;
    }
    if (!found->is_number_unsigned() || found->get<std::uint64_t>() > 1000) {
        throw Failure(HEARTH_E_INVALID, "\"pass_over\" must be a number of variants");
    }
    return found->get<int>();
}

hearth_status init(const hearth_host* host, hearth_str config, hearth_error* error) {
    return guarded(error, [&] {
        hearth::sdk::check_host(host);
        const Json wishes = hearth::llama::parse_object(config, "the configuration");
        check_engine_version();
        hearth::llama::redirect_logs(*host);
        scratch_dir() = host->scratch_dir ? host->scratch_dir : "";
        ::unsetenv("GGML_BACKEND_PATH"); // a library of the environment's choice is not ours
        if (ggml_backend_reg_count() == 0) {
            // Never llama.cpp's default search: it includes the current folder.
            hearth::llama::open_engine(own_folder(), scratch_dir(), passed_over(wishes));
        }
        if (ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU) == nullptr) {
            throw Failure(HEARTH_E_DEVICE, "no CPU backend of llama.cpp lies beside the plugin");
        }
        llama_backend_init();
    });
}

void shutdown() {
    llama_backend_free();
}

hearth_status describe(const hearth_sink* sink, hearth_error* error) {
    return guarded(error, [&] {
        Json engine = {{"name", "llama.cpp"}, {"version", HEARTH_LLAMA_VERSION}};
        if (std::string variant = hearth::llama::cpu_variant(); !variant.empty()) {
            engine["variant"] = std::move(variant);
        }
        const Json event = {
            {"operations", {"chat", "complete", "embed", "quantize", "tokenize", "template", "count"}},
            {"formats", {"gguf"}},
            {"engine", std::move(engine)},
            {"options", hearth::llama::options_schema()}};
        hearth::llama::emit(*sink, event.dump());
    });
}

hearth_status devices(const hearth_sink* sink, hearth_error* error) {
    return guarded(error, [&] {
        const Json event = {{"devices", hearth::llama::list_devices()}};
        hearth::llama::emit(*sink, event.dump());
    });
}

hearth_status estimate(const hearth_load_spec* spec, const hearth_sink* sink, hearth_error* error) {
    return guarded(error, [&] {
        hearth::llama::forget_errors();
        const hearth::llama::ModelFiles files(*spec, scratch_dir().c_str());
        const hearth::llama::Settings settings(spec->spec);
        const hearth::llama::ModelHeader header = hearth::llama::read_header(files.model());
        const hearth::llama::PretendedDevices pretended(settings.pretend);
        common_params params = hearth::llama::make_parameters(
            settings, files, header, settings.pretend.empty() ? nullptr : &pretended);
        hearth::llama::emit(*sink, hearth::llama::estimate_memory(params).dump());
    });
}

hearth_status load(const hearth_load_spec* spec, const hearth_progress* progress, hearth_model** model,
                   hearth_error* error) {
    *model = nullptr;
    return guarded(error, [&] { *model = new hearth_model(*spec, scratch_dir().c_str(), progress); });
}

void unload(hearth_model* model) {
    delete model;
}

hearth_status info(hearth_model* model, const hearth_sink* sink, hearth_error* error) {
    return guarded(error, [&] { hearth::llama::emit(*sink, model->model.info().dump()); });
}

hearth_status request_create(hearth_model* model, hearth_str operation, hearth_str body,
                             hearth_request** request, hearth_error* error) {
    *request = nullptr;
    return guarded(error, [&] {
        *request = new hearth_request(model->model, std::string_view(operation.ptr, operation.len), body);
    });
}

hearth_status request_run(hearth_request* request, const hearth_sink* sink, hearth_error* error) {
    return guarded(error, [&] { request->request.run(*sink); });
}

void request_cancel(hearth_request* request) {
    request->request.cancel();
}

void request_free(hearth_request* request) {
    delete request;
}

hearth_status quantize_types(const hearth_sink* sink, hearth_error* error) {
    return guarded(error, [&] { hearth::llama::emit(*sink, hearth::llama::list_targets().dump()); });
}

hearth_status quantize_plan(const hearth_quantize_spec* spec, const hearth_sink* sink, hearth_error* error) {
    return guarded(
        error, [&] { hearth::llama::emit(*sink, hearth::llama::plan_event(*spec, scratch_dir().c_str())); });
}

hearth_status quantize_run(const hearth_quantize_spec* spec, const hearth_progress* progress,
                           const hearth_sink* sink, hearth_error* error) {
    return guarded(error, [&] {
        const std::string event = hearth::llama::run_quantization(*spec, progress, scratch_dir().c_str());
        hearth::llama::emit(*sink, event);
    });
}

const hearth_quantize quantize_table = {
    .abi_version = HEARTH_QUANTIZE_VERSION,
    .struct_size = sizeof(hearth_quantize),
    .types = quantize_types,
    .plan = quantize_plan,
    .run = quantize_run,
};

hearth_status measure(hearth_str spec, const hearth_sink* sink, hearth_error* error) {
    return guarded(error, [&] {
        const Json settings = hearth::llama::parse_object(spec, "the measurement's settings");
        const Json event = {{"devices", hearth::llama::measure_devices(settings)}};
        hearth::llama::emit(*sink, event.dump());
    });
}

const hearth_measure measure_table = {
    .abi_version = HEARTH_MEASURE_VERSION,
    .struct_size = sizeof(hearth_measure),
    .run = measure,
};

const void* get_extension(const char* id) {
    const std::string_view name = id ? id : "";
    if (name == HEARTH_MEASURE_EXTENSION) {
        return &measure_table;
    }
    return name == HEARTH_QUANTIZE_EXTENSION ? &quantize_table : nullptr;
}

const hearth_backend table = {
    .abi_version = HEARTH_ABI_VERSION,
    .struct_size = sizeof(hearth_backend),
    .name = "llama",
    .version = "1.0 (llama.cpp " HEARTH_LLAMA_VERSION ")",
    .init = init,
    .shutdown = shutdown,
    .describe = describe,
    .devices = devices,
    .estimate = estimate,
    .load = load,
    .unload = unload,
    .info = info,
    .request_create = request_create,
    .request_run = request_run,
    .request_cancel = request_cancel,
    .request_free = request_free,
    .get_extension = get_extension,
};

} // namespace

extern "C" const hearth_backend* hearth_backend_get(uint32_t host_abi_version) {
    return host_abi_version >= HEARTH_ABI_VERSION ? &table : nullptr;
}
