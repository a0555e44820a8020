#include "plugins/llama/log.hpp"

#include <llama.h>
#include <log.h>

#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <regex>
#include <string_view>

namespace hearth::llama {

namespace {

/// The sink of all lines; llama.cpp has no way to pass one along, so it is process-wide as its own log is.
/// Guarded by `mutex`.
struct LogState {
    std::mutex mutex;
    hearth_host host{};
    std::string partial; ///< a line that came without its end
    ggml_log_level partial_level = GGML_LOG_LEVEL_INFO;
    std::string errors;
};

LogState& state() {
    static LogState* const instance = new LogState; // outlives every thread of the engine
    return *instance;
}

int32_t level_for_host(ggml_log_level level, bool server) {
    if (server) {
        return level == GGML_LOG_LEVEL_ERROR ? HEARTH_LOG_WARNING : HEARTH_LOG_DEBUG;
    }
    return level == GGML_LOG_LEVEL_ERROR ? HEARTH_LOG_ERROR : HEARTH_LOG_WARNING;
}

/// @param server  a line of the server code: its warnings tell of single requests, every cancel among them
void take_line(LogState& log, ggml_log_level level, std::string line, bool server) {
    if (line.find("possible training context overflow") != std::string::npos) {
        return; // said of the shared pool; each sequence is kept within the trained context
    }
    if (line.empty() || (level != GGML_LOG_LEVEL_ERROR && level != GGML_LOG_LEVEL_WARN)) {
        return;
    }
    line = without_paths(std::move(line));
    line.resize(std::min<std::size_t>(line.size(), 500));
    if (level == GGML_LOG_LEVEL_ERROR && log.errors.size() < 2000) {
        log.errors += line + "\n";
    }
    if (log.host.log) {
        log.host.log(log.host.context, level_for_host(level, server), hearth_str{line.data(), line.size()});
    }
}

/// Any thread. Text may be half a line; GGML_LOG_LEVEL_CONT goes on with the line before.
void take_text(ggml_log_level level, std::string_view text, bool server) {
    LogState& log = state();
    const std::lock_guard lock(log.mutex);
    if (level != GGML_LOG_LEVEL_CONT) {
        log.partial.clear();
        log.partial_level = level;
    }
    log.partial += text;
    for (std::size_t end = log.partial.find('\n'); end != std::string::npos; end = log.partial.find('\n')) {
        take_line(log, log.partial_level, log.partial.substr(0, end), server);
        log.partial.erase(0, end + 1);
    }
    if (log.partial.size() > 4096) {
        log.partial.clear();
    }
}

/// The tap of this thread; null: none.
thread_local const std::function<void(std::string_view)>* tap = nullptr;

void on_ggml_log(ggml_log_level level, const char* text, void*) {
    if (tap == nullptr || level == GGML_LOG_LEVEL_ERROR) {
        take_text(level, text, false);
    }
    if (tap != nullptr) {
        (*tap)(text);
    }
}

void on_ggml_abort(const char* message) {
    log_to_host(HEARTH_LOG_ERROR, without_paths(message));
}

} // namespace

void redirect_logs(const hearth_host& host) {
    {
        const std::lock_guard lock(state().mutex);
        state().host = host;
    }
    llama_log_set(on_ggml_log, nullptr);
    ggml_set_abort_callback(on_ggml_abort);
    common_log_set_verbosity_thold(LOG_LEVEL_WARN);
    common_log_pause(common_log_main()); // libllama-common's own lines would go to stdout
}

void log_to_host(int32_t level, const std::string& line) {
    LogState& log = state();
    const std::lock_guard lock(log.mutex);
    if (log.host.log) {
        log.host.log(log.host.context, level, hearth_str{line.data(), line.size()});
    }
}

void forget_errors() {
    const std::lock_guard lock(state().mutex);
    state().errors.clear();
}

std::string recent_errors() {
    const std::lock_guard lock(state().mutex);
    return state().errors;
}

std::string first_error() {
    static const std::regex speaker(R"(^(srv +|slot +)?[a-z_0-9]+: (error loading model: )?)");
    const std::string all = recent_errors();
    return std::regex_replace(all.substr(0, all.find('\n')), speaker, "");
}

LogTap::LogTap(std::function<void(std::string_view)> take) : take_(std::move(take)) {
    tap = &take_;
}

LogTap::~LogTap() {
    tap = nullptr;
}

std::string without_paths(std::string text) {
    static const std::regex path(R"('?(/proc/self/fd/\d+|/[^\s']*/model-\d{5}-of-\d{5}\.gguf)'?)");
    return std::regex_replace(text, path, "the model file");
}

} // namespace hearth::llama

/// The server code's log lines: the linker sends common_log_add here (--wrap), since llama.cpp offers no
/// callback for them.
extern "C" __attribute__((format(printf, 3, 4))) void
// NOLINTNEXTLINE(bugprone-reserved-identifier): the name that --wrap asks for
__wrap__Z14common_log_addP10common_log14ggml_log_levelPKcz(common_log* /*log*/, ggml_log_level level,
                                                           const char* format, ...) {
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    const int length = std::vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (length > 0) {
        hearth::llama::take_text(level, text, true);
    }
}
