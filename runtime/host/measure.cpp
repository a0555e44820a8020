#include "runtime/host/measure.hpp"

#include "base/error.hpp"
#include "runtime/host/bandwidth.hpp"
#include "runtime/host/plugin_calls.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>

namespace hearth::runtime {

namespace {

const hearth_measure* table_of(const hearth_backend& backend) {
    const auto* table =
        backend.get_extension == nullptr
            ? nullptr
            : static_cast<const hearth_measure*>(backend.get_extension(HEARTH_MEASURE_EXTENSION));
    if (table != nullptr && (table->abi_version != HEARTH_MEASURE_VERSION ||
                             table->struct_size < sizeof(hearth_measure) || table->run == nullptr)) {
        throw Error(ErrorCode::backend_failed, fmt::format("the {} table of backend {} cannot be used",
                                                           HEARTH_MEASURE_EXTENSION, backend.name));
    }
    return table;
}

std::int64_t bounded(const Json& head, const char* key, std::int64_t fallback, std::int64_t least,
                     std::int64_t most) {
    return std::clamp(get_integer(head, key).value_or(fallback), least, most);
}

} // namespace

std::string measure(const hearth_backend& backend, const Json& head) {
    const hearth_measure* table = table_of(backend);
    const std::int64_t threads = bounded(head, "threads", 1, 1, 1024);
    const Json order = {{"threads", threads},
                        {"milliseconds", bounded(head, "milliseconds", 2000, 1, 10'000)}};
    const std::string spec = to_text(order);
    Json answer = {{"bandwidth", measure_read_bandwidth(static_cast<int>(threads))},
                   {"devices", Json::object()}};
    if (table != nullptr) {
        const std::string event = collect([&](const hearth_sink* sink, hearth_error* error) {
            return table->run(borrowed(spec), sink, error);
        });
        answer.update(parse_json(event, "the backend's measurement"));
    }
    return to_text(answer);
}

} // namespace hearth::runtime
