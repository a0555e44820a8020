#pragma once

#include "plugins/abi/hearth_backend.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

/// The C border of a backend that is written in C++: what is thrown inside becomes a status outside.
namespace hearth::sdk {

/// Ends a call of the ABI with this status and this message for people.
class Failure : public std::runtime_error {
  public:
    Failure(hearth_status status, const std::string& message)
        : std::runtime_error(message), status_(status) {}
    hearth_status status() const noexcept { return status_; }

  private:
    hearth_status status_;
};

/// Fills `error`, which may be null or older than this header, and gives `status` back.
inline hearth_status fail(hearth_error* error, hearth_status status, std::string_view message) noexcept {
    if (error && error->struct_size >= sizeof(hearth_error)) {
        error->status = status;
        const std::size_t length = std::min(message.size(), sizeof(error->message) - 1);
        std::memcpy(error->message, message.data(), length);
        error->message[length] = '\0';
    }
    return status;
}

/// Runs `work`; whatever it throws becomes a status.
/// @param describe  makes the message of an exception that is no Failure: takes and gives a text
template <class Work, class Describe>
hearth_status guarded(hearth_error* error, Work work, Describe describe) {
    try {
        work();
        return HEARTH_OK;
    } catch (const Failure& failure) {
        return fail(error, failure.status(), failure.what());
    } catch (const std::bad_alloc&) {
        return fail(error, HEARTH_E_NOMEM, "out of memory");
    } catch (const std::exception& exception) {
        return fail(error, HEARTH_E_INTERNAL, describe(std::string(exception.what())));
    } catch (...) {
        return fail(error, HEARTH_E_INTERNAL, "unknown exception");
    }
}

/// @throws Failure  HEARTH_E_ABI: the host lacks what this header's plugins need
inline void check_host(const hearth_host* host) {
    if (!host || host->abi_version < HEARTH_ABI_VERSION || host->struct_size < sizeof(hearth_host)) {
        throw Failure(HEARTH_E_ABI, "the host's table is older than this plugin");
    }
}

} // namespace hearth::sdk
