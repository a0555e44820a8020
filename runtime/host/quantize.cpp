#include "runtime/host/quantize.hpp"

#include "base/error.hpp"
#include "runtime/host/plugin_calls.hpp"
#include "runtime/host/spec_arguments.hpp"

#include <fmt/format.h>

#include <utility>

namespace hearth::runtime {

namespace {

const hearth_quantize& table_of(const hearth_backend& backend) {
    const auto* table =
        backend.get_extension == nullptr
            ? nullptr
            : static_cast<const hearth_quantize*>(backend.get_extension(HEARTH_QUANTIZE_EXTENSION));
    if (table == nullptr) {
        throw Error(ErrorCode::unsupported,
                    fmt::format("backend {} cannot make smaller models", backend.name));
    }
    if (table->abi_version != HEARTH_QUANTIZE_VERSION || table->struct_size < sizeof(hearth_quantize) ||
        !table->types || !table->plan || !table->run) {
        throw Error(
            ErrorCode::backend_failed,
            fmt::format("the {} table of backend {} cannot be used", HEARTH_QUANTIZE_EXTENSION, backend.name),
            "hearth-plugin-check PLUGIN says more");
    }
    return *table;
}

hearth_quantize_spec spec_of(const SpecArguments& arguments, int output) {
    return {.struct_size = sizeof(hearth_quantize_spec),
            .file_count = static_cast<uint32_t>(arguments.files.size()),
            .files = arguments.files.data(),
            .output_fd = output,
            .reserved = 0,
            .spec = borrowed(arguments.spec)};
}

} // namespace

Quantizing::Quantizing(const hearth_backend& backend, process::wire::ServerStream& stream)
    : table_(table_of(backend)), stream_(stream) {}

std::string Quantizing::types() const {
    return collect([&](const hearth_sink* sink, hearth_error* error) { return table_.types(sink, error); });
}

std::string Quantizing::plan(const Json& head) const {
    const SpecArguments arguments(head, stream_.take_fds());
    const hearth_quantize_spec spec = spec_of(arguments, -1);
    return collect(
        [&](const hearth_sink* sink, hearth_error* error) { return table_.plan(&spec, sink, error); });
}

std::string Quantizing::run(const Json& head) const {
    std::vector<UniqueFd> descriptors = stream_.take_fds();
    if (descriptors.empty()) {
        throw Error(ErrorCode::invalid_argument, "no output came to quantize into");
    }
    const UniqueFd output = std::move(descriptors.back());
    descriptors.pop_back();
    const SpecArguments arguments(head, std::move(descriptors));
    const hearth_quantize_spec spec = spec_of(arguments, output.get());
    const hearth_progress progress{sizeof(hearth_progress), 0, &stream_, send_progress};
    return collect([&](const hearth_sink* sink, hearth_error* error) {
        return table_.run(&spec, &progress, sink, error);
    });
}

} // namespace hearth::runtime
