#include "base/error.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <array>
#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

namespace hearth {
namespace {

struct CodeName {
    ErrorCode code;
    std::string_view name;
};

constexpr std::array<CodeName, 36> code_names{{
    {ErrorCode::internal, "internal"},
    {ErrorCode::invalid_argument, "argument.invalid"},
    {ErrorCode::usage, "usage"},
    {ErrorCode::unsupported, "unsupported"},
    {ErrorCode::too_large, "request.too_large"},
    {ErrorCode::route_not_found, "route.not_found"},
    {ErrorCode::method_not_allowed, "route.method_not_allowed"},
    {ErrorCode::media_type, "request.media_type"},
    {ErrorCode::token_required, "access.token_required"},
    {ErrorCode::token_not_found, "access.token_not_found"},
    {ErrorCode::forbidden, "access.forbidden"},
    {ErrorCode::model_not_found, "model.not_found"},
    {ErrorCode::default_unset, "model.default_unset"},
    {ErrorCode::model_invalid, "model.invalid"},
    {ErrorCode::bad_reference, "model.bad_reference"},
    {ErrorCode::bad_manifest, "registry.bad_manifest"},
    {ErrorCode::registry_unreachable, "registry.unreachable"},
    {ErrorCode::registry_denied, "registry.denied"},
    {ErrorCode::registry_failed, "registry.failed"},
    {ErrorCode::network_forbidden, "network.forbidden"},
    {ErrorCode::corrupt_blob, "blob.corrupt"},
    {ErrorCode::disk_full, "disk.full"},
    {ErrorCode::store_failed, "store.failed"},
    {ErrorCode::store_locked, "store.locked"},
    {ErrorCode::address_taken, "address.taken"},
    {ErrorCode::memory_insufficient, "memory.insufficient"},
    {ErrorCode::backend_not_found, "backend.not_found"},
    {ErrorCode::backend_failed, "backend.failed"},
    {ErrorCode::runner_lost, "runner.lost"},
    {ErrorCode::load_failed, "model.load_failed"},
    {ErrorCode::context_exceeded, "context.exceeded"},
    {ErrorCode::busy, "busy"},
    {ErrorCode::cancelled, "cancelled"},
    {ErrorCode::timeout, "timeout"},
    {ErrorCode::daemon_unreachable, "daemon.unreachable"},
    {ErrorCode::protocol, "protocol"},
}};

} // namespace

std::string_view code_name(ErrorCode code) noexcept {
    for (const CodeName& row : code_names) {
        if (row.code == code) {
            return row.name;
        }
    }
    return "internal";
}

ErrorCode code_from_name(std::string_view name) noexcept {
    for (const CodeName& row : code_names) {
        if (row.name == name) {
            return row.code;
        }
    }
    return ErrorCode::internal;
}

Error::Error(ErrorCode code, const std::string& message, std::string hint)
    : std::runtime_error(message), code_(code), text_(message), hint_(std::move(hint)) {}

void Error::add_context(std::string_view context) {
    text_ = std::string(context) + ": " + text_;
}

Error system_error(int errno_value, const std::string& doing, ErrorCode fallback) {
    const bool full = errno_value == ENOSPC || errno_value == EDQUOT;
    const ErrorCode code = full ? ErrorCode::disk_full : fallback;
    return Error(code, doing + ": " + std::generic_category().message(errno_value));
}

Error to_error(std::exception_ptr exception) {
    if (!exception) {
        return Error(ErrorCode::internal, "unknown failure");
    }
    try {
        std::rethrow_exception(exception);
    } catch (const Error& error) {
        return error;
    } catch (const std::bad_alloc&) {
        return Error(ErrorCode::memory_insufficient, "out of memory");
    } catch (const boost::system::system_error& error) {
        if (error.code() == boost::asio::error::operation_aborted) {
            return Error(ErrorCode::cancelled, "cancelled");
        }
        return Error(ErrorCode::internal, error.what());
    } catch (const std::exception& error) {
        return Error(ErrorCode::internal, error.what());
    } catch (...) {
        return Error(ErrorCode::internal, "unknown failure");
    }
}

} // namespace hearth
