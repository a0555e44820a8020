#include "cli/output.hpp"

#include "base/error.hpp"
#include "cli/terminal.hpp"
#include "protocol/error_table.hpp"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <string>
#include <unistd.h>
#include <utility>

namespace hearth::cli {
namespace {

/// @return 0, or the errno that stopped it
int write_all(int fd, std::string_view text) noexcept {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

Json with_version(Json object) {
    object["version"] = 1;
    return object;
}

} // namespace

void print(std::string_view text) {
    if (const int failure = write_all(STDOUT_FILENO, text); failure != 0) {
        throw system_error(failure, "writing to stdout");
    }
}

void print_json(Json object) {
    print(to_text(with_version(std::move(object))) + "\n");
}

void note(std::string_view text) noexcept {
    write_all(STDERR_FILENO, text);
}

void print_error(const Error& error, bool json) noexcept {
    try {
        if (json) {
            note(to_text(with_version(protocol::error_json(error))) + "\n");
            return;
        }
        std::string text = "error: " + printable(error.what()) + "\n";
        if (!error.hint().empty()) {
            text += "hint: " + printable(error.hint()) + "\n";
        }
        note(text);
    } catch (const std::exception&) {
        note("error: out of memory\n");
    }
}

} // namespace hearth::cli
