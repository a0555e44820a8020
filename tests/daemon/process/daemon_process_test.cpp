#include "base/unique_fd.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

/// The real hearthd in folders of its own, from outside: what a service manager and a client see.
namespace hearth::daemon {
namespace {

using Json = nlohmann::json;

sockaddr_un address_of(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

UniqueFd bound(const std::filesystem::path& path, int type) {
    UniqueFd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    const sockaddr_un address = address_of(path);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return socket;
}

void limit_reads(int socket) {
    const timeval limit{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

class HearthdProcess : public ::testing::Test {
  protected:
    HearthdProcess() {
        char name[] = "/tmp/hearthd-XXXXXX";
        folder_ = ::mkdtemp(name);
        std::filesystem::create_directory(folder_ / "home");
        notify_ = bound(folder_ / "notify", SOCK_DGRAM);
        limit_reads(notify_.get());
    }
    ~HearthdProcess() override {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    /// @param listener  becomes descriptor 3, as systemd does it
    pid_t spawn(int listener = -1) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            const auto set = [](const char* key, const std::string& value) {
                ::setenv(key, value.c_str(), 1);
            };
            set("HOME", (folder_ / "home").string());
            set("HEARTH_DATA", (folder_ / "data").string());
            set("HEARTH_RUNTIME", (folder_ / "run").string());
            set("HEARTH_CONFIG", (folder_ / "none.toml").string());
            set("NOTIFY_SOCKET", (folder_ / "notify").string());
            if (listener >= 0) {
                set("LISTEN_PID", std::to_string(::getpid()));
                set("LISTEN_FDS", "1");
                ::dup2(listener, 3);
            }
            ::execl(HEARTHD, "hearthd", static_cast<char*>(nullptr));
            ::_exit(127);
        }
        return pid;
    }
    void start(int listener = -1) {
        pid_ = spawn(listener);
        ASSERT_EQ(notification(), "READY=1");
    }
    std::string any_notification() {
        char text[256];
        const auto length = ::recv(notify_.get(), text, sizeof text, 0);
        return length > 0 ? std::string(text, static_cast<std::size_t>(length)) : "";
    }
    /// What comes once: the signs of life between are passed over.
    std::string notification() {
        std::string text = any_notification();
        while (text.starts_with("WATCHDOG=1")) {
            text = any_notification();
        }
        return text;
    }
    int wait_exit() {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

    UniqueFd connect(const char* socket_name = "api.sock") {
        UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const sockaddr_un address = address_of(folder_ / "run" / socket_name);
        if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            return UniqueFd();
        }
        limit_reads(socket.get());
        return socket;
    }
    static void send(int socket, const std::string& method, const std::string& path,
                     const std::string& body = {}) {
        const std::string request = method + " " + path +
                                    " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: " +
                                    std::to_string(body.size()) + "\r\n\r\n" + body;
        EXPECT_EQ(::send(socket, request.data(), request.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(request.size()));
    }
    static std::string read_until(int socket, const std::string& end) {
        std::string all;
        char piece[4096];
        while (end.empty() || all.find(end) == std::string::npos) {
            const auto length = ::recv(socket, piece, sizeof piece, 0);
            if (length <= 0) {
                break;
            }
            all.append(piece, static_cast<std::size_t>(length));
        }
        return all;
    }
    std::string ask(const std::string& method, const std::string& path, const std::string& body = {},
                    const char* socket_name = "api.sock") {
        const UniqueFd socket = connect(socket_name);
        send(socket.get(), method, path, body);
        return read_until(socket.get(), "");
    }

    std::filesystem::path folder_;
    UniqueFd notify_;
    pid_t pid_ = -1;
};

TEST_F(HearthdProcess, SaysWhenItIsReadyAndAnswers) {
    start();
    EXPECT_TRUE(ask("GET", "/").ends_with("Ollama is running"));
    EXPECT_NE(ask("GET", "/api/version").find("\"version\""), std::string::npos);
}

TEST_F(HearthdProcess, KeepsItsSocketsToItself) {
    start();
    struct stat status{};
    ASSERT_EQ(::stat((folder_ / "run").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0700u);
    for (const char* name : {"api.sock", "infer.sock"}) {
        ASSERT_EQ(::stat((folder_ / "run" / name).c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 0777u, 0600u) << name;
    }
}

TEST_F(HearthdProcess, ServesInferenceAndListingOnlyOnTheInferenceSocket) {
    start();
    EXPECT_TRUE(ask("GET", "/api/tags", "", "infer.sock").starts_with("HTTP/1.1 200 "));
    EXPECT_TRUE(ask("POST", "/api/generate", R"({"model":"m","backend":"echo","prompt":"x"})", "infer.sock")
                    .starts_with("HTTP/1.1 200 "));
    EXPECT_TRUE(ask("POST", "/api/pull", R"({"model":"x"})", "infer.sock").starts_with("HTTP/1.1 403 "));
    EXPECT_TRUE(ask("DELETE", "/api/delete", R"({"model":"x"})", "infer.sock").starts_with("HTTP/1.1 403 "));
    EXPECT_TRUE(ask("GET", "/hearth/v1/status", "", "infer.sock").starts_with("HTTP/1.1 403 "));
}

TEST_F(HearthdProcess, LeavesTheSocketToTheOneThatHasIt) {
    start();
    const pid_t second = spawn();
    int status = 0;
    ::waitpid(second, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 75);
    EXPECT_TRUE(ask("GET", "/").ends_with("Ollama is running"));
}

TEST_F(HearthdProcess, ComesBackAfterACrash) {
    start();
    ::kill(pid_, SIGKILL);
    wait_exit();
    start();
    EXPECT_TRUE(ask("GET", "/").ends_with("Ollama is running"));
}

TEST_F(HearthdProcess, FinishesTheAnswerWhenItIsStopped) {
    start();
    const UniqueFd busy = connect();
    send(
        busy.get(), "POST", "/api/generate",
        R"({"model":"m","backend":"echo","prompt":"one two three four five","options":{"echo_delay_ms":50}})");
    std::string answer = read_until(busy.get(), "one");
    ::kill(pid_, SIGTERM);
    EXPECT_EQ(notification(), "STOPPING=1");
    answer += read_until(busy.get(), "");
    EXPECT_NE(answer.find("\"done\":true"), std::string::npos) << answer;
    EXPECT_EQ(wait_exit(), 0);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "run/api.sock"));
}

TEST_F(HearthdProcess, SaysHowItIsAsSoonAsItIsReady) {
    start();
    EXPECT_EQ(any_notification(), "WATCHDOG=1\nSTATUS=0 models loaded, 0 requests");
}

TEST_F(HearthdProcess, StopsAtOnceWhenOnlyListenersAreLeft) {
    start();
    const UniqueFd events = connect();
    send(events.get(), "GET", "/hearth/v1/events");
    EXPECT_NE(read_until(events.get(), "event: hello").find("text/event-stream"), std::string::npos);
    const UniqueFd idle = connect();
    const auto begun = std::chrono::steady_clock::now();
    ::kill(pid_, SIGTERM);
    EXPECT_EQ(wait_exit(), 0);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
}

TEST_F(HearthdProcess, TakesItsSocketFromTheServiceManagerAndLeavesItThere) {
    std::filesystem::create_directory(folder_ / "run");
    std::filesystem::permissions(folder_ / "run", std::filesystem::perms::owner_all);
    const UniqueFd listener = bound(folder_ / "run/api.sock", SOCK_STREAM);
    ASSERT_EQ(::listen(listener.get(), 8), 0);
    const UniqueFd early = connect(); // before the service runs: it waits, it is not refused
    ASSERT_TRUE(early);
    send(early.get(), "GET", "/api/version");
    start(listener.get());
    EXPECT_TRUE(read_until(early.get(), "").starts_with("HTTP/1.1 200 "));
    ::kill(pid_, SIGTERM);
    EXPECT_EQ(wait_exit(), 0);
    EXPECT_TRUE(std::filesystem::exists(folder_ / "run/api.sock"));
}

TEST_F(HearthdProcess, TellsWhatHappensToModels) {
    start();
    const UniqueFd events = connect();
    send(events.get(), "GET", "/hearth/v1/events");
    read_until(events.get(), "\n\n");
    ask("POST", "/hearth/v1/load", R"({"model":"m","backend":"echo"})");
    ask("POST", "/hearth/v1/unload", R"({"model":"m"})");
    const std::string told = read_until(events.get(), "event: model.unloaded");
    EXPECT_LT(told.find("event: model.loading"), told.find("event: model.loaded"));
    EXPECT_LT(told.find("event: model.loaded"), told.find("event: model.unloaded"));
}

TEST_F(HearthdProcess, LoadsWithProgressAndUnloadsWhenAsked) {
    start();
    const std::string loaded = ask("POST", "/hearth/v1/load", R"({"model":"m","backend":"echo"})");
    EXPECT_NE(loaded.find("\"status\":\"success\""), std::string::npos) << loaded;
    EXPECT_NE(ask("POST", "/hearth/v1/unload", R"({"model":"m"})").find("\"unloaded\":true"),
              std::string::npos);
    EXPECT_TRUE(ask("POST", "/hearth/v1/unload", R"({"model":"m"})").starts_with("HTTP/1.1 404 "));
    EXPECT_TRUE(ask("GET", "/api/ps").ends_with("{\"models\":[]}"));
}

TEST_F(HearthdProcess, ListsWhatItServes) {
    start();
    const std::string answer = ask("GET", "/hearth/v1/capabilities");
    const Json capabilities = Json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
    std::vector<std::string> paths;
    for (const Json& route : capabilities["routes"]) {
        paths.push_back(route["path"].get<std::string>());
    }
    for (const char* path :
         {"/api/chat", "/api/generate", "/api/pull", "/v1/chat/completions", "/hearth/v1/load"}) {
        EXPECT_NE(std::ranges::find(paths, path), paths.end()) << path;
    }
    EXPECT_EQ(capabilities["backends"][0]["name"], "echo");
}

} // namespace
} // namespace hearth::daemon
