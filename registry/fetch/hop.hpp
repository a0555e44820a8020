#pragma once

#include "process/wire/server.hpp"
#include "registry/fetch/address_policy.hpp"
#include "registry/fetch/url.hpp"
#include "registry/pull/fetch_message.hpp"

#include <curl/curl.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>

namespace hearth::registry::fetch {

/// What curl's callbacks of one request work on: collects headers, passes the body to the core, watches for
/// stalls. One thread. An exception in a callback is kept in `failure` and ends the request.
class Hop {
  public:
    Hop(process::wire::ServerStream& stream, const FetchRequest& request, const AddressPolicy& policy,
        const Url& url, bool through_proxy);

    /// Sets the callbacks and their data.
    void attach(CURL* handle);
    /// @throws Error  registry_unreachable: curl takes a connection that ends between two headers for a whole
    /// answer
    void expect_whole_head() const;
    /// Sends the head if nothing of the body made that happen yet.
    void finish();

    bool is_redirect() const;
    const FetchHead& head() const noexcept { return head_; }
    std::uint64_t body_bytes() const noexcept { return body_bytes_; }
    const std::exception_ptr& failure() const noexcept { return failure_; }
    bool stalled() const noexcept { return stalled_; }
    /// The body was cut off on purpose: all bytes that were asked for are there.
    bool has_enough() const noexcept { return has_enough_; }
    /// The last address that the policy refused, or empty.
    const std::string& refused_address() const noexcept { return refused_address_; }

  private:
    static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* hop);
    static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* hop);
    static int on_progress(void* hop, curl_off_t, curl_off_t, curl_off_t, curl_off_t);
    static curl_socket_t on_open_socket(void* hop, curlsocktype purpose, curl_sockaddr* address);

    void take_header(std::string_view line);
    void take_body(std::string_view bytes);
    void send_head();
    bool watch_stall();
    std::uint64_t wanted_bytes() const;

    process::wire::ServerStream& stream_;
    const FetchRequest& request_;
    const AddressPolicy& policy_;
    const Url& url_;
    const bool through_proxy_;

    FetchHead head_;
    std::size_t header_bytes_ = 0;
    bool head_complete_ = false;
    bool head_sent_ = false;
    std::uint64_t body_bytes_ = 0;
    std::exception_ptr failure_;
    bool stalled_ = false;
    bool has_enough_ = false;
    std::string refused_address_;

    std::chrono::steady_clock::time_point tick_start_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point last_good_ = tick_start_;
    std::uint64_t tick_bytes_ = 0;
};

} // namespace hearth::registry::fetch
