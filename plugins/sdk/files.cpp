#include "plugins/sdk/files.hpp"

#include "plugins/sdk/report.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace hearth::sdk {

std::string read_whole(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    require(file.is_open(), path.string() + " cannot be read");
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
}

OpenFiles::OpenFiles(const std::vector<std::filesystem::path>& paths) {
    for (const std::filesystem::path& path : paths) {
        const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        require(fd >= 0, path.string() + " cannot be opened");
        hearth_file file = {};
        file.fd = fd;
        file.role = HEARTH_FILE_MODEL;
        file.size = std::filesystem::file_size(path);
        file.shard = static_cast<uint32_t>(files_.size() + 1);
        file.of = static_cast<uint32_t>(paths.size());
        files_.push_back(file);
    }
}

OpenFiles::OpenFiles(std::string_view content) {
    const int fd = ::memfd_create("content", MFD_CLOEXEC);
    require(fd >= 0 &&
                ::pwrite(fd, content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()),
            "no memory for a test file");
    files_.push_back({fd, HEARTH_FILE_MODEL, content.size(), 1, 1});
}

OpenFiles::~OpenFiles() {
    for (const hearth_file& file : files_) {
        ::close(file.fd);
    }
}

} // namespace hearth::sdk
