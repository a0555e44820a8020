#include "plugins/sdk/report.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>

#include <unistd.h>

namespace hearth::sdk {

namespace {

constexpr unsigned hang_seconds = 60;

// What the signal handler may read: it can take no arguments and no locks.
std::array<char, 512> current_line{}; // "fail NAME — " or the same as JSON, ready to be written
volatile std::sig_atomic_t as_json = 0;

void write_all(const char* text) {
    [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, text, std::strlen(text));
}

/// The plugin crashed (SIGSEGV, SIGABRT, …) or hangs (SIGALRM).
extern "C" void on_fatal(int number) {
    write_all(current_line.data());
    write_all(number == SIGALRM ? "the plugin hangs" : "the plugin crashed: ");
    if (number != SIGALRM) {
        write_all(::sigabbrev_np(number) ? ::sigabbrev_np(number) : "signal");
    }
    write_all(as_json != 0 ? "\"}\n" : "\n");
    ::_exit(1);
}

std::string escaped(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace

Report::Report(Format format) : format_(format) {
    as_json = format == Format::json_lines ? 1 : 0;
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM}) {
        std::signal(number, on_fatal);
    }
}

bool Report::check(const std::string& name, const std::function<void()>& body) {
    std::string line = format_ == Format::text
                           ? "fail " + name + " — "
                           : R"({"version":1,"check":)" + escaped(name) + R"(,"result":"fail","why":")";
    line.resize(std::min(line.size(), current_line.size() - 1));
    std::memcpy(current_line.data(), line.c_str(), line.size() + 1);
    ::alarm(hang_seconds);
    std::string why;
    try {
        body();
    } catch (const std::exception& exception) {
        why = exception.what()[0] != '\0' ? exception.what() : "failed";
    }
    ::alarm(0);
    ++(why.empty() ? passed_ : failed_);
    print(why.empty() ? "ok" : "fail", name, why);
    return why.empty();
}

void Report::skip(const std::string& name, const std::string& why) {
    ++skipped_;
    print("skip", name, why);
}

void Report::print(const std::string& word, const std::string& name, const std::string& why) const {
    if (format_ == Format::text) {
        std::printf("%-4s %s%s%s\n", word.c_str(), name.c_str(), why.empty() ? "" : " — ", why.c_str());
    } else {
        std::printf(R"({"version":1,"check":%s,"result":"%s","why":%s})"
                    "\n",
                    escaped(name).c_str(), word.c_str(), escaped(why).c_str());
    }
    std::fflush(stdout);
}

int Report::finish() {
    if (format_ == Format::text) {
        std::printf("%d passed, %d failed, %d skipped\n", passed_, failed_, skipped_);
    } else {
        std::printf(R"({"version":1,"passed":%d,"failed":%d,"skipped":%d})"
                    "\n",
                    passed_, failed_, skipped_);
    }
    std::fflush(stdout);
    return failed_ == 0 ? 0 : 1;
}

} // namespace hearth::sdk
