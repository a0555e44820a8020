#include "cli/backend/install.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "cli/backend/npm.hpp"
#include "cli/backend/package.hpp"
#include "cli/backend/plugin_check.hpp"
#include "cli/backend/unpack.hpp"
#include "cli/backend/workshop.hpp"
#include "cli/interrupt.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hearth::cli::backend {

namespace fs = std::filesystem;

namespace {

constexpr off_t most_tarball_bytes = off_t{2} << 30;
constexpr const char* nothing_installed = "nothing was installed; get the package again, or ask who made it";

/// A wish for something that npm has: the name there, and what it must turn out to be.
struct NpmWish {
    std::string name;
    std::string version; ///< empty: the latest
    std::string backend; ///< empty: whatever it is
};

NpmWish npm_wish_of(const Wish& wish) {
    if (wish.what.starts_with('@')) { // a full name
        const std::size_t mark = wish.what.find('@', 1);
        NpmWish found{wish.what.substr(0, mark), mark == std::string::npos ? "" : wish.what.substr(mark + 1),
                      ""};
        if (!is_npm_name(found.name) || (mark != std::string::npos && !is_version(found.version))) {
            throw Error(ErrorCode::usage, "\"" + wish.what + "\" is not the name of a package",
                        "such as @example/hearth-backend-cuda-linux-x64 or with @1.0.0 behind it");
        }
        return found;
    }
    const BackendId id = BackendId::parse(wish.what);
    if (wish.scope.empty()) {
        throw Error(
            ErrorCode::backend_not_found,
            fmt::format("nobody is known to publish the backend {} for Hearth yet", id.name),
            fmt::format(
                "hearth backend install --from FILE takes a tarball; hearth backend install {} one that you "
                "know at npm; HEARTH_BACKEND_SCOPE=@example says who is asked for {}",
                npm_name_of("@example", id.name), id.name));
    }
    if (!is_npm_scope(wish.scope)) {
        throw Error(ErrorCode::usage, "\"" + wish.scope + "\" is not a scope of npm",
                    "HEARTH_BACKEND_SCOPE=@example");
    }
    return {npm_name_of(wish.scope, id.name), id.version, id.name};
}

UniqueFd open_tarball(const fs::path& file) {
    UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) {
        throw system_error(errno, "opening " + file.string());
    }
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        throw Error(ErrorCode::backend_failed, file.string() + " is not a file");
    }
    if (status.st_size > most_tarball_bytes) {
        throw Error(ErrorCode::too_large,
                    fmt::format("{} has more than {} bytes", file.string(), most_tarball_bytes));
    }
    return fd;
}

void require_integrity(int fd, const Integrity& wanted, const std::string& who) {
    const Integrity got = wanted.of_same_kind(fd);
    if (got != wanted) {
        throw Error(ErrorCode::corrupt_blob,
                    fmt::format("the tarball is damaged or another one: {} says {}, it has {}", who,
                                wanted.text(), got.text()),
                    nothing_installed);
    }
}

/// Unpacks and judges. @return what the package is; it lies in `folder`
Package open_package(int fd, const fs::path& folder, const Interrupt& interrupt) {
    fs::create_directory(folder);
    fs::permissions(folder, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                                fs::perms::others_read | fs::perms::others_exec);
    try {
        unpack_package(fd, folder);
        interrupt.check();
        Package package = read_package(folder);
        require_fit(package);
        check_plugin(folder / package.plugin, interrupt);
        return package;
    } catch (Error& error) {
        if (error.hint().empty() && error.code() != ErrorCode::disk_full) {
            error.set_hint(nothing_installed);
        }
        throw;
    }
}

void require_wanted(const Package& package, const NpmWish& wanted) {
    const bool right = (wanted.name.empty() || package.npm_name == wanted.name) &&
                       (wanted.version.empty() || package.id.version == wanted.version) &&
                       (wanted.backend.empty() || package.id.name == wanted.backend);
    if (!right) {
        throw Error(ErrorCode::backend_failed,
                    fmt::format("the tarball holds {} ({}), which was not asked for", package.id.text(),
                                package.npm_name),
                    nothing_installed);
    }
}

/// Moves an unpacked package to its place. @throws Error  backend_failed: this version is there already
void put_in_place(const Places& places, const Package& package, const fs::path& folder) {
    const fs::path target = places.versions() / package.id.text();
    std::error_code failed;
    fs::create_directories(places.versions(), failed);
    fs::rename(folder, target, failed); // fails when something lies there: no version is ever replaced
    if (failed == std::errc::directory_not_empty || failed == std::errc::file_exists) {
        throw Error(ErrorCode::backend_failed, fmt::format("{} is installed already", package.id.text()),
                    fmt::format("hearth backend use {}; to replace it, hearth backend remove {} first",
                                package.id.text(), package.id.text()));
    }
    if (failed) {
        throw system_error(failed.value(), "moving the backend to " + target.string());
    }
    sync_directory(places.versions());
}

Outcome choose(const Places& places, const BackendId& id, std::string integrity, bool fresh) {
    use(places, require_installed(installed_backends(places), id));
    return {require_installed(installed_backends(places), id), std::move(integrity), fresh};
}

bool is_here(const Places& places, const BackendId& id) {
    std::error_code failed;
    return fs::exists(places.versions() / id.text(), failed);
}

/// @param wanted  what it must turn out to be
Outcome install_tarball(const Places& places, const fs::path& file, const std::optional<Integrity>& integrity,
                        const NpmWish& wanted, const Workshop& workshop, const Interrupt& interrupt) {
    const UniqueFd fd = open_tarball(file);
    if (integrity) {
        require_integrity(fd.get(), *integrity, "who asked for it");
    }
    const fs::path folder = workshop.folder() / "package";
    const Package package = open_package(fd.get(), folder, interrupt);
    require_wanted(package, wanted);
    put_in_place(places, package, folder);
    return choose(places, package.id, Integrity::of_file(fd.get()).text(), true);
}

Outcome install_from_npm(const Places& places, const Wish& wish,
                         const std::function<void(const std::string&)>& tell, const Interrupt& interrupt) {
    NpmWish wanted = npm_wish_of(wish);
    const Workshop workshop(places.user);
    const Npm npm(workshop.folder(), interrupt);
    const Published published = npm.look(wanted.name, wanted.version);
    wanted.version = published.version;
    if (const BackendId id{wanted.backend, published.version}; !id.name.empty() && is_here(places, id)) {
        return choose(places, id, "", false);
    }
    tell(fmt::format("fetching {} {} with npm", published.name, published.version));
    const fs::path file = npm.fetch(published);
    require_integrity(open_tarball(file).get(), published.integrity, "its registry");
    return install_tarball(places, file, wish.integrity, wanted, workshop, interrupt);
}

} // namespace

Outcome install(const Places& places, const Wish& wish, const std::function<void(const std::string&)>& tell,
                const Interrupt& interrupt) {
    if (wish.file.empty()) {
        return install_from_npm(places, wish, tell, interrupt);
    }
    NpmWish wanted;
    if (!wish.what.empty()) {
        const BackendId id = BackendId::parse(wish.what);
        wanted = {"", id.version, id.name};
    }
    return install_tarball(places, wish.file, wish.integrity, wanted, Workshop(places.user), interrupt);
}

} // namespace hearth::cli::backend
