#pragma once

#include "process/spawn.hpp"
#include "registry/pull/fetch_client.hpp"
#include "tests/registry/pull/scripted_server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace hearth::registry::testing {

namespace asio = boost::asio;

struct Fetched {
    int status = 0;
    std::string body;
    std::string final_url;
    std::map<std::string, std::string> headers;
};

/// The real hearth-fetch behind a FetchClient, against servers on loopback.
class FetchProcess : public ::testing::Test {
  protected:
    FetchProcess() : client(io.get_executor(), [this] { return start(); }, std::chrono::milliseconds(200)) {}
    ~FetchProcess() override { run(client.stop()); }

    asio::awaitable<UniqueFd> start() {
        auto [ours, theirs] = process::socket_pair();
        process::SpawnRequest request;
        request.program = HEARTH_FETCH;
        request.inherited = {{theirs.get(), 3}};
        children.push_back(process::spawn(request));
        co_return std::move(ours);
    }

    template <class Work> void run(Work work) {
        std::exception_ptr failure;
        asio::co_spawn(io, std::move(work), [&](std::exception_ptr error) { failure = error; });
        io.restart();
        io.run();
        if (failure) {
            std::rethrow_exception(failure);
        }
    }

    asio::awaitable<void> fetch_into(FetchRequest request, Fetched& result) {
        const auto response = co_await client.get(std::move(request));
        result.status = response->status();
        result.final_url = response->final_url();
        for (const char* name : {"content-type", "etag", "x-twice"}) {
            result.headers[name] = response->header(name);
        }
        while (auto bytes = co_await response->read()) {
            result.body += *bytes;
        }
    }

    Fetched fetch(FetchRequest request) {
        Fetched result;
        run(fetch_into(std::move(request), result));
        return result;
    }
    static FetchRequest to(std::string url) {
        FetchRequest request;
        request.url = std::move(url);
        return request;
    }

    asio::io_context io;
    std::vector<process::Child> children;
    FetchClient client;
};

} // namespace hearth::registry::testing
