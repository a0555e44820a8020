#include "runtime/host/status_table.hpp"

#include <array>
#include <cstring>
#include <string>

#include <fmt/format.h>

namespace hearth::runtime {

namespace {

struct Row {
    hearth_status status;
    ErrorCode code;
};

constexpr std::array<Row, 12> table{{
    {HEARTH_E_INTERNAL, ErrorCode::backend_failed},
    {HEARTH_E_INVALID, ErrorCode::invalid_argument},
    {HEARTH_E_UNSUPPORTED, ErrorCode::unsupported},
    {HEARTH_E_NOT_FOUND, ErrorCode::invalid_argument},
    {HEARTH_E_FORMAT, ErrorCode::model_invalid},
    {HEARTH_E_NOMEM, ErrorCode::memory_insufficient},
    {HEARTH_E_CANCELLED, ErrorCode::cancelled},
    {HEARTH_E_BUSY, ErrorCode::busy},
    {HEARTH_E_DEVICE, ErrorCode::backend_failed},
    {HEARTH_E_UPSTREAM, ErrorCode::backend_failed},
    {HEARTH_E_CONTEXT, ErrorCode::context_exceeded},
    {HEARTH_E_ABI, ErrorCode::backend_failed},
}};

} // namespace

ErrorCode code_of_status(hearth_status status, PluginCall call) noexcept {
    if (call == PluginCall::load && status == HEARTH_E_INTERNAL) {
        return ErrorCode::load_failed;
    }
    for (const Row& row : table) {
        if (row.status == status) {
            return row.code;
        }
    }
    return ErrorCode::backend_failed;
}

hearth_error make_plugin_error() noexcept {
    hearth_error error{};
    error.struct_size = sizeof error;
    return error;
}

Error to_error(hearth_status status, const hearth_error& error, PluginCall call) {
    std::string message(error.message, ::strnlen(error.message, sizeof error.message));
    if (message.empty()) {
        message = fmt::format("the backend reported status {} without a message", status);
    }
    return {code_of_status(status, call), message};
}

} // namespace hearth::runtime
