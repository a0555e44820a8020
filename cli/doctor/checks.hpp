#pragma once

#include "cli/doctor/system.hpp"
#include "protocol/finding.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// The checks of `hearth doctor` that a client makes: one function, one line. None throws; a fix is a command that
/// can be pasted, or names the file and what to write there.
namespace hearth::cli::doctor {

using protocol::Finding;

/// What the service said of itself, or why it said nothing.
struct ServiceFacts {
    bool answers = false;
    std::string failure; ///< why it does not
    std::string failure_fix;
    std::string version;
    std::filesystem::path socket;
    std::filesystem::path data_dir;             ///< its store; ours when it does not answer
    std::vector<std::string> tcp;               ///< addresses it serves: "127.0.0.1:11434"
    bool has_gpu = false;                       ///< a backend of it sees one
    std::map<std::string, std::string> proxies; ///< its environment: "https_proxy"
    std::vector<Finding> checks;                ///< its own part
};

// The service and the programs
Finding check_service(const ServiceFacts& service, const std::filesystem::path& log);
/// Between this program and the service.
Finding check_versions(const ServiceFacts& service, const std::string& own_version);
/// Reads the configuration as the service would. @param failure  what reading it threw, and its hint
Finding check_configuration(const std::optional<std::pair<std::string, std::string>>& failure);
/// One `hearth`, and the one that runs, is what PATH finds.
Finding check_path(const System& system);

// The folders
Finding check_store_owner(const System& system, const std::filesystem::path& data_dir);
Finding check_store_space(const System& system, const std::filesystem::path& data_dir);
Finding check_runtime_folder(const System& system, const std::filesystem::path& runtime_dir);
Finding check_socket_path(const std::filesystem::path& socket);

// The machine
/// A GPU whose driver or device files keep backends from it.
Finding check_gpu_driver(const System& system, const ServiceFacts& service);
Finding check_clock(const System& system);

// The network
/// @param wanted  addresses of server.listen
Finding check_ollama_port(const System& system, const ServiceFacts& service,
                          const std::vector<std::string>& wanted);
Finding check_proxy(const System& system, const ServiceFacts& service);

// The session
Finding check_tray_host(const System& system);
Finding check_user_service(const System& system);
/// Whether the service lives on after logout.
Finding check_lingering(const System& system);

} // namespace hearth::cli::doctor
