#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

/// systemd's manager of this user's services, by its own program. Blocking; a few milliseconds each.
namespace hearth::cli::user_manager {

/// Whether one answers: there is none in most containers, nor under another init.
bool answers();
/// Whether systemd knows a unit of that name, from any folder.
bool knows(const std::string& unit);
/// "enabled", "disabled", "masked", …; empty when nobody answers.
std::string enabled_state(const std::string& unit);
/// "active", "inactive", "failed", …; empty when nobody answers.
std::string active_state(const std::string& unit);
/// Main process of a service that runs.
std::optional<pid_t> main_pid(const std::string& service);
/// `systemctl --user WORDS...`. @throws Error unsupported: no systemctl; backend_failed with what it said
void command(const std::vector<std::string>& words);
/// `loginctl WORDS...`. @throws Error as command
void login_command(const std::vector<std::string>& words);

} // namespace hearth::cli::user_manager
