#include "runtime/host/plugin_calls.hpp"

#include "base/json.hpp"
#include "process/wire/server.hpp"

#include <nlohmann/json.hpp>

namespace hearth::runtime {

hearth_str borrowed(std::string_view text) noexcept {
    return {text.data(), text.size()};
}

void check(hearth_status status, const hearth_error& error, PluginCall call) {
    if (status != HEARTH_OK) {
        throw to_error(status, error, call);
    }
}

int32_t collect_event(void* context, hearth_str data) noexcept {
    try {
        static_cast<std::string*>(context)->append(data.ptr, data.len);
        return 0;
    } catch (...) {
        return 1;
    }
}

int32_t send_progress(void* context, const char* stage, float fraction) noexcept {
    try {
        auto* stream = static_cast<process::wire::ServerStream*>(context);
        const Json tick = {{"stage", stage == nullptr ? "" : stage}, {"fraction", fraction}};
        return stream->send(to_text(tick), {}) ? 0 : 1;
    } catch (...) {
        return 1;
    }
}

} // namespace hearth::runtime
