#include "tray/local_facts.hpp"

#include "base/paths.hpp"

namespace hearth::tray {

LocalFacts look_at_this_machine(const Autostart& autostart, const std::filesystem::path& socket) {
    std::error_code ignored;
    LocalFacts facts;
    facts.log_exists = std::filesystem::exists(paths::log_file(), ignored);
    facts.starts_at_login = autostart.is_on();
    facts.service_can_be_started = socket == paths::runtime_dir() / "api.sock";
    return facts;
}

} // namespace hearth::tray
