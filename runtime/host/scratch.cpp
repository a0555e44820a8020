#include "runtime/host/scratch.hpp"

#include "base/error.hpp"
#include "base/paths.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

namespace hearth::runtime {

namespace {

std::filesystem::path make_own_folder() {
    const char* parent = std::getenv("TMPDIR");
    std::string name =
        std::string(parent != nullptr && *parent != '\0' ? parent : "/tmp") + "/hearth-runner-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
        throw system_error(errno, "creating the scratch folder " + name, ErrorCode::backend_failed);
    }
    return name;
}

} // namespace

Scratch::Scratch() {
    if (const char* given = std::getenv("HEARTH_SCRATCH"); given != nullptr && *given != '\0') {
        path_ = given;
        paths::ensure_private_dir(path_);
    } else {
        path_ = make_own_folder();
        ours_ = true;
    }
    constexpr std::array names{"TMPDIR", "CUDA_CACHE_PATH", "MESA_SHADER_CACHE_DIR"};
    for (const char* name : names) {
        ::setenv(name, path_.c_str(), 1);
    }
}

Scratch::~Scratch() {
    remove();
}

void Scratch::remove() noexcept {
    if (ours_) {
        std::error_code ignored; // a folder in /tmp that stays harms nobody
        std::filesystem::remove_all(path_, ignored);
    }
}

} // namespace hearth::runtime
