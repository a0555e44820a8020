// Stands beside the launcher test under the name hearth-fetch: tells what it was started with.
#include "process/spawn.hpp"
#include "process/wire/server.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace {

std::string open_descriptors() {
    std::string text;
    for (int fd = 0; fd < 256; ++fd) {
        if (::access(("/proc/self/fd/" + std::to_string(fd)).c_str(), F_OK) == 0) {
            text += std::to_string(fd) + " ";
        }
    }
    return text;
}

void answer(hearth::process::wire::ServerStream& stream) {
    const std::string& question = stream.head();
    if (question == "descriptors") {
        stream.end(open_descriptors());
    } else if (question == "pid") {
        stream.end(std::to_string(::getpid()));
    } else if (question == "parent") {
        stream.end(std::to_string(::getppid()));
    } else {
        const char* value = std::getenv(question.c_str());
        stream.end(value != nullptr ? value : "(unset)");
    }
}

} // namespace

int main() {
    hearth::process::tie_to_parent();
    hearth::process::wire::ServerOptions options;
    options.role = "fetch";
    hearth::process::wire::serve(hearth::UniqueFd(3), options, answer);
    return 0;
}
