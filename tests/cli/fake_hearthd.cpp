// Stands in for hearthd where a test is about starting it: answers at $HEARTH_RUNTIME/api.sock until it is
// asked to leave. FAKE_HEARTHD_EXIT makes it end at once with that code.
#include "tests/protocol/fake_service.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <latch>
#include <unistd.h>

using hearth::testing::FakeExchange;

int main() {
    std::fputs("fake hearthd was started\n", stderr);
    if (const char* code = std::getenv("FAKE_HEARTHD_EXIT")) {
        return std::atoi(code);
    }
    std::latch leave(1);
    {
        const std::string socket = std::string(std::getenv("HEARTH_RUNTIME")) + "/api.sock";
        hearth::testing::FakeService service(socket + ".new");
        service.on("GET /api/version", 200, R"({"version":"0.1.0"})");
        service.on("GET /api/tags", 200, R"({"models":[]})");
        const std::string session = std::to_string(::getsid(0) == ::getpid());
        service.on("GET /session", 200, R"({"leader":)" + session + "}");
        service.on("POST /leave", [&](const FakeExchange& exchange) {
            exchange.answer(200, "{}");
            leave.count_down();
        });
        std::filesystem::rename(socket + ".new", socket); // found only when it can answer
        ::alarm(60);                                      // a test that dies must not leave us behind
        leave.wait();
    }
    return 0;
}
