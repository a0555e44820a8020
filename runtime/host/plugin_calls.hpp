#pragma once

#include "plugins/abi/hearth_backend.h"
#include "runtime/host/status_table.hpp"

#include <string>
#include <string_view>

/// What every call into the plugin needs. What the plugin calls back must not throw into it: it answers "stop"
/// instead.
namespace hearth::runtime {

hearth_str borrowed(std::string_view text) noexcept;

/// @throws Error  what the plugin reported
void check(hearth_status status, const hearth_error& error, PluginCall call = PluginCall::other);

/// A sink that appends to the std::string behind `context`.
int32_t collect_event(void* context, hearth_str data) noexcept;

/// Progress to the process::wire::ServerStream behind `context`: {"stage", "fraction"}.
int32_t send_progress(void* context, const char* stage, float fraction) noexcept;

/// A call that answers with one event.
template <class Call> std::string collect(Call call) {
    std::string event;
    const hearth_sink sink{sizeof(hearth_sink), 0, &event, collect_event};
    hearth_error error = make_plugin_error();
    check(call(&sink, &error), error);
    return event;
}

} // namespace hearth::runtime
