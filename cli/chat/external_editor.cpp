#include "cli/chat/external_editor.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "process/program.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

namespace hearth::cli {
namespace {

constexpr std::string_view ending = ".md";

/// A private file that ends with the object.
class Draft {
  public:
    explicit Draft(std::string_view text)
        : path_((std::filesystem::temp_directory_path() / "hearth-XXXXXX").string().append(ending)) {
        const UniqueFd fd(::mkostemps(path_.data(), static_cast<int>(ending.size()), O_CLOEXEC));
        if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
            throw system_error(errno, "writing " + path_);
        }
    }
    ~Draft() { ::unlink(path_.c_str()); }
    Draft(const Draft&) = delete;

    const std::string& path() const noexcept { return path_; }

  private:
    std::string path_;
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
    const Draft draft(text);
    const std::string editor = chosen_editor();
    // As git does: the variable may hold options, "code --wait".
    const int code = process::run_on_terminal({"/bin/sh", "-c", editor + " \"$1\"", editor, draft.path()});
    if (code != 0) {
        throw Error(ErrorCode::unsupported, fmt::format("the editor \"{}\" ended with {}", editor, code),
                    "set EDITOR to the editor of your choice");
    }
    std::string edited = read_file(draft.path());
    edited.erase(edited.find_last_not_of("\r\n") + 1);
    return edited;
}

} // namespace hearth::cli
