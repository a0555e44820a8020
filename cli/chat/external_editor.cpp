#include "cli/chat/external_editor.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "cli/terminal.hpp"
#include "process/program.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <system_error>
#include <unistd.h>

namespace hearth::cli {
namespace {

constexpr std::string_view ending = ".md";

std::filesystem::path temporary_folder() {
    std::error_code failed;
    std::filesystem::path folder = std::filesystem::temp_directory_path(failed);
    if (failed) {
        throw Error(ErrorCode::store_failed, "there is no folder for temporary files: " + failed.message(),
                    "set TMPDIR to one");
    }
    return folder;
}

/// A private file that ends with the object; empty at first.
class Draft {
  public:
    Draft() : path_((temporary_folder() / "hearth-XXXXXX").string().append(ending)) {
        fd_.reset(::mkostemps(path_.data(), static_cast<int>(ending.size()), O_CLOEXEC));
        if (!fd_) {
            throw system_error(errno, "creating " + path_);
        }
    }
    ~Draft() { ::unlink(path_.c_str()); }
    Draft(const Draft&) = delete;

    void write(std::string_view text) const {
        if (::write(fd_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
            throw system_error(errno, "writing " + path_);
        }
    }

    const std::string& path() const noexcept { return path_; }

  private:
    std::string path_;
    UniqueFd fd_;
};

std::string chosen_editor() {
    for (const char* name : {"VISUAL", "EDITOR"}) {
        const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): one thread
        if (value != nullptr && *value != '\0') {
            return value;
        }
    }
    return "vi";
}

} // namespace

std::string edit_text(std::string_view text) {
    const Draft draft;
    draft.write(text);
    const std::string editor = chosen_editor();
    // As git does: the variable may hold options, "code --wait".
    const int code = process::run_on_terminal({"/bin/sh", "-c", editor + " \"$1\"", editor, draft.path()});
    if (code != 0) {
        throw Error(ErrorCode::unsupported, fmt::format("the editor \"{}\" ended with {}", editor, code),
                    "set EDITOR to the editor of your choice");
    }
    std::string edited = as_text(read_file(draft.path()));
    std::erase(edited, '\0');
    edited.erase(edited.find_last_not_of("\r\n") + 1);
    return edited;
}

} // namespace hearth::cli
