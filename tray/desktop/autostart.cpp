#include "tray/desktop/autostart.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "tray/desktop/places.hpp"

#include <optional>
#include <string_view>
#include <utility>

namespace hearth::tray {
namespace {

constexpr std::string_view head = "[Desktop Entry]\n"
                                  "Type=Application\n"
                                  "Name=Hearth tray\n"
                                  "Comment=Local AI models in the system tray\n"
                                  "Icon=hearth-tray-active\n";

std::optional<std::string> try_read(const std::filesystem::path& file) {
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) {
        return std::nullopt;
    }
    try {
        return read_file(file, 1u << 20);
    } catch (const Error&) {
        return std::nullopt;
    }
}

bool has_line(std::string_view text, std::string_view line) {
    const std::string whole = "\n" + std::string(text) + "\n";
    return whole.find("\n" + std::string(line) + "\n") != std::string::npos;
}

/// Desktops switch an entry off by one of these lines.
bool is_switched_on(std::string_view entry) {
    return !has_line(entry, "Hidden=true") && !has_line(entry, "X-GNOME-Autostart-enabled=false");
}

void write_entry(const std::filesystem::path& folder, const std::string& entry) {
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure) {
        throw system_error(failure.value(), "creating " + folder.string());
    }
    write_file_atomically(folder / Autostart::file_name, entry, 0644);
}

} // namespace

std::string quoted_exec(const std::string& path) {
    std::string quoted = "\"";
    for (const char c : path) {
        if (c == '\\') {
            quoted += "\\\\\\\\"; // once for the quotes, once for the file's own strings
        } else if (c == '"' || c == '`' || c == '$') {
            quoted += "\\\\";
            quoted += c;
        } else if (c == '%') { // else a field code
            quoted += "%%";
        } else {
            quoted += c;
        }
    }
    return quoted + "\"";
}

Autostart::Autostart(std::filesystem::path user, std::vector<std::filesystem::path> system,
                     std::filesystem::path program)
    : user_(std::move(user)), system_(std::move(system)), program_(std::move(program)) {}

Autostart Autostart::of_this_user() {
    std::vector<std::filesystem::path> system;
    for (const auto& folder : system_config_folders()) {
        system.push_back(folder / "autostart");
    }
    return {config_folder() / "autostart", std::move(system), this_program()};
}

bool Autostart::is_on() const {
    if (const auto entry = try_read(user_ / file_name)) {
        return is_switched_on(*entry);
    }
    return system_is_on();
}

bool Autostart::system_is_on() const {
    for (const auto& folder : system_) {
        if (const auto entry = try_read(folder / file_name)) {
            return is_switched_on(*entry);
        }
    }
    return false;
}

void Autostart::turn_on() const {
    std::string entry(head);
    entry += "Exec=" + quoted_exec(program_.string()) + "\n";
    write_entry(user_, entry);
}

/// The system's entry is covered by one of ours that is switched off.
void Autostart::turn_off() const {
    if (system_is_on()) {
        write_entry(user_, std::string(head) + "Exec=" + quoted_exec(program_.string()) + "\nHidden=true\n");
        return;
    }
    std::error_code failure;
    std::filesystem::remove(user_ / file_name, failure);
    if (failure) {
        throw system_error(failure.value(), "removing " + (user_ / file_name).string());
    }
}

} // namespace hearth::tray
