#include "process/launcher.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/paths.hpp"
#include "process/child_setup.hpp"
#include "process/loopback.hpp"
#include "process/wire/frame.hpp"
#include "process/wire/messages.hpp"
#include "process/wire/socket_io.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>

namespace hearth::process {

namespace {

constexpr int wire_number = 3;

/// What fetch needs besides the clean environment: proxies and CA files. Credentials come with the request
/// that needs them.
constexpr std::array fetch_names{
    std::string_view("HTTP_PROXY"),   std::string_view("http_proxy"),    std::string_view("HTTPS_PROXY"),
    std::string_view("https_proxy"),  std::string_view("ALL_PROXY"),     std::string_view("all_proxy"),
    std::string_view("NO_PROXY"),     std::string_view("no_proxy"),      std::string_view("SSL_CERT_FILE"),
    std::string_view("SSL_CERT_DIR"), std::string_view("CURL_CA_BUNDLE")};

std::vector<std::string> fetch_environment() {
    std::vector<std::string> result;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view variable = *entry;
        const std::string_view name = variable.substr(0, variable.find('='));
        if (std::find(fetch_names.begin(), fetch_names.end(), name) != fetch_names.end()) {
            result.emplace_back(variable);
        }
    }
    return result;
}

/// The launcher's whole life: one thread, one socket, one request at a time. SIGCHLD is ignored there, so the
/// kernel reaps.
class LauncherProcess {
  public:
    explicit LauncherProcess(int socket) : socket_(socket) {}
    void run();

  private:
    void dispatch(wire::Frame frame);
    void answer(const wire::Frame& open);
    void start_fetch(std::uint32_t stream);
    void listen_on_loopback(std::uint32_t stream);
    void send(wire::FrameType type, std::uint32_t stream, std::string_view head,
              std::span<const UniqueFd> fds = {});

    int socket_;
    bool greeted_ = false;
    wire::FrameDecoder decoder_;
};

void LauncherProcess::run() {
    send(wire::FrameType::hello, 0, wire::hello_head("launcher", {}));
    while (wire::receive_some(socket_, decoder_, wire::IoMode::block) == wire::IoResult::done) {
        while (std::optional<wire::Frame> frame = decoder_.next()) {
            dispatch(std::move(*frame));
        }
    }
}

void LauncherProcess::dispatch(wire::Frame frame) {
    if (!greeted_) {
        wire::check_hello(frame.head, "the core");
        greeted_ = true;
    } else if (frame.type == wire::FrameType::open) {
        answer(frame);
    } // cancel and credit: answers are immediate, there is nothing to stop
}

void LauncherProcess::answer(const wire::Frame& open) {
    try {
        const Json request = parse_json(open.head, "request to the launcher");
        const std::string operation = require_string(request, "op");
        if (operation == "start_fetch") {
            start_fetch(open.stream);
        } else if (operation == "listen_on_loopback") {
            listen_on_loopback(open.stream);
        } else {
            throw Error(ErrorCode::unsupported,
                        fmt::format("the launcher has no operation \"{}\"", operation));
        }
    } catch (const Error& error) {
        send(wire::FrameType::error, open.stream, wire::error_head(error));
    }
}

void LauncherProcess::start_fetch(std::uint32_t stream) {
    auto [core_end, fetch_end] = socket_pair();
    SpawnRequest request;
    request.program = paths::sibling_program("hearth-fetch");
    request.inherited = {{fetch_end.get(), wire_number}};
    request.environment = fetch_environment();
    try {
        spawn(request).release();
    } catch (Error& error) {
        throw Error(ErrorCode::registry_unreachable, error.what(), "is Hearth installed completely?");
    }
    const std::array fds{std::move(core_end)};
    send(wire::FrameType::end, stream, R"({"started":"fetch"})", fds);
}

void LauncherProcess::listen_on_loopback(std::uint32_t stream) {
    const std::array fds{process::listen_on_loopback()};
    send(wire::FrameType::end, stream, R"({"listening":"127.0.0.1"})", fds);
}

void LauncherProcess::send(wire::FrameType type, std::uint32_t stream, std::string_view head,
                           std::span<const UniqueFd> fds) {
    wire::send_frame(socket_, wire::encode_header(type, stream, head, 0, fds.size()), {}, fds);
}

[[noreturn]] void run_launcher(int socket, pid_t parent) noexcept {
    reset_signals();
    ::signal(SIGCHLD, SIG_IGN);
    ::signal(SIGINT, SIG_IGN); // a terminal's Ctrl-C is for the core, which then closes the socket
    die_with_parent(parent);
    forbid_dumps();
    ::prctl(PR_SET_NAME, "hearth-launcher");
    int status = 0;
    try {
        ::dup3(socket, wire_number, O_CLOEXEC);
        const std::array kept{wire_number};
        close_all_but(kept);
        LauncherProcess(wire_number).run();
    } catch (const std::exception& error) {
        log::error("launcher", error.what());
        status = 1;
    }
    ::_exit(status);
}

} // namespace

std::pair<UniqueFd, Child> fork_launcher() {
    auto [core_end, launcher_end] = socket_pair();
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
        throw system_error(errno, "starting the launcher", ErrorCode::internal);
    }
    if (pid == 0) {
        run_launcher(launcher_end.get(), parent);
    }
    return {std::move(core_end), Child(pid)};
}

} // namespace hearth::process
