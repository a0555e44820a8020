#include "cli/doctor/checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>

namespace hearth::cli::doctor {

using protocol::FindingStatus;

namespace {

constexpr std::string_view ollama_port = "11434";
constexpr std::string_view ollama_port_hex = ":2CAA";

/// Whether a process listens on Ollama's port, by the kernel's tables.
bool somebody_listens(const System& system) {
    constexpr std::string_view listening = "0A";
    for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::istringstream lines(system.read(table).value_or(""));
        for (std::string line; std::getline(lines, line);) {
            std::istringstream words(line);
            std::string number;
            std::string local;
            std::string remote;
            std::string state;
            if (words >> number >> local >> remote >> state && local.ends_with(ollama_port_hex) &&
                state == listening) {
                return true;
            }
        }
    }
    return false;
}

bool names_port(const std::vector<std::string>& addresses) {
    return std::ranges::any_of(addresses, [](const std::string& address) {
        return address.ends_with(":" + std::string(ollama_port));
    });
}

struct ProxyAddress {
    std::string host;
    std::string port;
};

/// "http://user:pass@host:3128/" → host and port; nothing when it is no proxy's address.
std::optional<ProxyAddress> parse_proxy(std::string text) {
    std::string port = "1080"; // what libcurl takes where none is written
    if (const auto mark = text.find("://"); mark != std::string::npos) {
        const std::string scheme = text.substr(0, mark);
        if (!scheme.starts_with("http") && !scheme.starts_with("socks")) {
            return std::nullopt;
        }
        port = scheme == "https" ? "443" : port;
        text = text.substr(mark + 3);
    }
    text = text.substr(0, text.find('/'));
    text = text.substr(text.rfind('@') + 1); // npos + 1 is 0
    const auto bracket = text.find(']');
    const auto colon = text.find(':', bracket == std::string::npos ? 0 : bracket);
    if (colon != std::string::npos) {
        port = text.substr(colon + 1);
        text = text.substr(0, colon);
    }
    if (text.starts_with('[') && text.ends_with(']')) {
        text = text.substr(1, text.size() - 2);
    }
    const bool number = !port.empty() && port.size() <= 5 &&
                        std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
    const bool host = !text.empty() && text.find_first_of(" \t,;") == std::string::npos;
    return number && host ? std::optional(ProxyAddress{text, port}) : std::nullopt;
}

/// The variable that decides how https is fetched, and its value.
std::optional<std::pair<std::string, std::string>> proxy_setting(const System& system,
                                                                 const ServiceFacts& service) {
    for (const char* name : {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
        if (service.answers) {
            if (const auto found = service.proxies.find(name); found != service.proxies.end()) {
                return *found;
            }
        } else if (auto value = system.variable(name)) {
            return std::pair{std::string(name), *value};
        }
    }
    return std::nullopt;
}

} // namespace

Finding check_ollama_port(const System& system, const ServiceFacts& service,
                          const std::vector<std::string>& wanted) {
    if (names_port(service.tcp)) {
        return {"port", FindingStatus::ok, "this service answers clients of Ollama on port 11434", {}};
    }
    if (!somebody_listens(system)) {
        return {"port", FindingStatus::ok, "11434, Ollama's port, is free", {}};
    }
    if (names_port(wanted)) {
        return {"port", FindingStatus::fail,
                "server.listen asks for port 11434, and another program (Ollama?) listens there",
                "sudo systemctl disable --now ollama   (or choose another port in server.listen)"};
    }
    return {"port", FindingStatus::warn,
            "another program (Ollama?) listens on port 11434: apps that look there do not find Hearth",
            "sudo systemctl disable --now ollama   (if Hearth is to take its place)"};
}

Finding check_proxy(const System& system, const ServiceFacts& service) {
    const auto setting = proxy_setting(system, service);
    if (!setting) {
        return {"proxy", FindingStatus::ok, "none set: downloads go straight", {}};
    }
    const auto& [name, value] = *setting;
    const std::string again = service.answers ? "; hearth service restart" : "";
    const auto address = parse_proxy(value);
    if (!address) {
        return {"proxy", FindingStatus::fail, fmt::format("{} is no address of a proxy", name),
                fmt::format("export {}=http://HOST:PORT   (or: unset {}){}", name, name, again)};
    }
    const std::string place = fmt::format("{}:{}", address->host, address->port);
    if (const auto why = system.connect_failure(address->host, address->port)) {
        return {"proxy", FindingStatus::fail,
                fmt::format("the proxy {} of {} does not answer: {}", place, name, *why),
                fmt::format("unset {}   (or correct it){}", name, again)};
    }
    return {"proxy", FindingStatus::ok, fmt::format("downloads go through {}", place), {}};
}

} // namespace hearth::cli::doctor
