#pragma once

#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

/// The root namespace holds `base/`; every other room has its own (`hearth::registry`, …).
namespace hearth {

/// What went wrong, once for the whole product: HTTP, CLI, tray and wire all carry `code_name(code)`.
/// HTTP status and CLI exit code: `protocol/error_table.hpp`; ABI status: `runtime/host/status_table.hpp`.
enum class ErrorCode : std::uint8_t {
    internal,             ///< our bug
    invalid_argument,     ///< a request or option that cannot be right
    usage,                ///< the command line itself is wrong
    unsupported,          ///< understood, and not offered by this model, backend or build
    too_large,            ///< body, header, file or number over its limit
    route_not_found,      ///< no such HTTP path
    method_not_allowed,   ///< the path exists, the verb does not
    media_type,           ///< a body of a type that is not taken
    token_required,       ///< no or wrong credentials for Hearth itself
    token_not_found,      ///< no token of that name
    forbidden,            ///< credentials are right, the right is missing
    model_not_found,      ///< neither in the store nor at the source
    default_unset,        ///< "default" was asked for, and nobody chose what it means
    model_invalid,        ///< not a GGUF, truncated, or refused by the backend's loader
    bad_reference,        ///< a model name that does not parse
    bad_manifest,         ///< a registry's answer that breaks the protocol
    registry_unreachable, ///< DNS, connect, TLS, stall
    registry_denied,      ///< 401 or 403 by the registry
    registry_failed,      ///< 429, 5xx, or an answer that makes no sense
    network_forbidden,    ///< a host, scheme or redirect that policy refuses
    corrupt_blob,         ///< bytes whose SHA-256 is wrong
    disk_full,            ///< ENOSPC, EDQUOT
    store_failed,         ///< other I/O error in the store
    store_locked,         ///< another daemon owns the store or the socket
    address_taken,        ///< another program listens on this address
    memory_insufficient,  ///< does not fit in RAM or VRAM
    backend_not_found,    ///< no plugin of that name
    backend_failed,       ///< the plugin or its runner failed
    runner_lost,          ///< the runner process ended while it was needed
    load_failed,          ///< the backend could not load the model
    context_exceeded,     ///< the prompt is longer than the context
    busy,                 ///< too many waiting requests
    cancelled,            ///< the caller went away or asked to stop
    timeout,              ///< a deadline passed
    daemon_unreachable,   ///< nobody answers on the socket
    protocol,             ///< a peer broke the wire protocol
};

/// Stable dotted name, e.g. `memory.insufficient`. Never throws.
std::string_view code_name(ErrorCode code) noexcept;

/// Inverse of `code_name`; an unknown name is `internal`.
ErrorCode code_from_name(std::string_view name) noexcept;

/// An event that ends the request. `what()` is one sentence for a person, context first:
/// "pulling llama3.2: sha256 is …, manifest says …". `hint()` is what to do, may be empty.
class Error : public std::runtime_error {
  public:
    Error(ErrorCode code, const std::string& message, std::string hint = {});

    ErrorCode code() const noexcept { return code_; }
    const std::string& hint() const noexcept { return hint_; }
    const char* what() const noexcept override { return text_.c_str(); }

    /// Puts "context: " before the text. Adds, never replaces.
    void add_context(std::string_view context);
    void set_hint(std::string hint) { hint_ = std::move(hint); }

  private:
    ErrorCode code_;
    std::string text_;
    std::string hint_;
};

/// An Error for the current errno-like number: ENOSPC and EDQUOT become `disk_full`, others `fallback`.
Error system_error(int errno_value, const std::string& doing, ErrorCode fallback = ErrorCode::store_failed);

/// Turns any exception into an Error: an Error stays itself, `std::bad_alloc` is memory_insufficient,
/// `operation_aborted` of Asio is cancelled, everything else is internal. Never throws but for memory.
Error to_error(std::exception_ptr exception);

} // namespace hearth
