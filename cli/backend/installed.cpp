#include "cli/backend/installed.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/paths.hpp"
#include "base/plugin_folder.hpp"
#include "cli/backend/package.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <system_error>

#include <unistd.h>

namespace hearth::cli::backend {

namespace fs = std::filesystem;

namespace {

/// A backend whose package cannot be read any more is listed under its folder's name.
Installed read_version(const fs::path& root) {
    Installed backend;
    backend.origin = Origin::user;
    backend.root = root;
    try {
        const Package package = read_package(root);
        backend.id = package.id;
        const std::vector<fs::path> manifests = plugin_manifests_in(root / package.plugin);
        backend.manifest = manifests.empty() ? Manifest{} : read_manifest(manifests.front());
        if (manifests.empty()) {
            backend.manifest.problem = "it has no manifest";
        }
    } catch (const Error& error) {
        const std::string name = root.filename().string();
        const std::size_t mark = std::min(name.find('@'), name.size());
        backend.id = {name.substr(0, mark), name.substr(std::min(mark + 1, name.size()))};
        backend.manifest.problem = error.what();
    }
    return backend;
}

std::vector<Installed> read_versions(const fs::path& folder) {
    std::vector<Installed> found;
    std::error_code failed;
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
        found.push_back(read_version(at->path()));
    }
    return found;
}

std::vector<Installed> read_folder(const fs::path& folder, Origin origin) {
    std::vector<Installed> found;
    for (const fs::path& file : plugin_manifests_below(folder)) {
        if (file.lexically_relative(folder).string().starts_with('.')) {
            continue; // ours
        }
        Installed backend;
        backend.origin = origin;
        backend.manifest = read_manifest(file);
        backend.id = {backend.manifest.name, backend.manifest.version};
        if (backend.id.name.empty()) { // unreadable: by its file, backend-<name>.json
            backend.id.name = file.stem().string().substr(std::string_view("backend-").size());
        }
        found.push_back(std::move(backend));
    }
    return found;
}

/// The service's rule: a choice, then what was shipped, then what lies in the user's folder, by name; broken ones do not
/// count.
void mark_used(std::vector<Installed>& in_order, const Places& places) {
    std::vector<std::string> taken;
    auto mark = [&](Installed& backend) {
        const bool works = backend.manifest.problem.empty();
        if (works && std::ranges::find(taken, backend.manifest.name) == taken.end()) {
            backend.used = true;
            taken.push_back(backend.manifest.name);
        }
    };
    for (const fs::path& link : plugin_manifests_below(places.used())) {
        std::error_code failed;
        const fs::path real = fs::canonical(link, failed);
        for (Installed& backend : in_order) {
            if (!failed && fs::weakly_canonical(backend.manifest.file, failed) == real) {
                mark(backend);
            }
        }
    }
    for (Installed& backend : in_order) {
        if (backend.origin != Origin::user) {
            mark(backend);
        }
    }
}

bool is_before(const Installed& a, const Installed& b) {
    if (a.id.name != b.id.name) {
        return a.id.name < b.id.name;
    }
    const auto order = compare_versions(a.id.version, b.id.version);
    const bool mine = a.origin == Origin::user;
    if (order != 0 || mine != (b.origin == Origin::user)) {
        return order != 0 ? order > 0 : mine;
    }
    return a.manifest.file < b.manifest.file;
}

std::string names_of(const std::vector<Installed>& all) {
    std::string names;
    for (const Installed& backend : all) {
        names += (names.empty() ? "" : ", ") + backend.id.text();
    }
    return names;
}

/// Removes links of `.used` that lead into a folder.
void forget_choices_in(const Places& places, const fs::path& root) {
    std::error_code failed;
    const fs::path real = fs::weakly_canonical(root, failed);
    std::vector<fs::path> leading;
    for (fs::directory_iterator at(places.used(), failed), end; !failed && at != end; at.increment(failed)) {
        std::error_code broken;
        const fs::path inside = fs::weakly_canonical(at->path(), broken).lexically_relative(real);
        if (!inside.empty() && *inside.begin() != "..") {
            leading.push_back(at->path());
        }
    }
    for (const fs::path& link : leading) {
        fs::remove(link, failed);
    }
}

/// A link in `.used` that is whole at every moment. @param target  relative to the plugin folder
void replace_link(const Places& places, const std::string& name, const fs::path& target) {
    const fs::path link = places.used() / name;
    const fs::path fresh = places.user / ".used-new"; // where the service does not look for choices
    std::error_code failed;
    fs::create_directories(places.used(), failed);
    fs::remove(fresh, failed);
    fs::create_symlink(fs::path("..") / target, fresh, failed);
    if (!failed) {
        fs::rename(fresh, link, failed);
    }
    if (failed) {
        throw system_error(failed.value(), "choosing " + target.string());
    }
    sync_directory(link.parent_path());
}

} // namespace

std::string_view origin_name(Origin origin) noexcept {
    switch (origin) {
    case Origin::package:
        return "package";
    case Origin::user:
        return "user";
    case Origin::folder:
        break;
    }
    return "folder";
}

Places Places::own() {
    return {paths::shipped_plugin_dir(), paths::user_plugin_dir()};
}

std::vector<Installed> installed_backends(const Places& places) {
    std::vector<Installed> all = read_versions(places.versions());
    std::ranges::move(read_folder(places.shipped, Origin::package), std::back_inserter(all));
    std::ranges::move(read_folder(places.user, Origin::folder), std::back_inserter(all));
    mark_used(all, places);
    std::ranges::sort(all, is_before);
    return all;
}

const Installed* find_installed(const std::vector<Installed>& all, const BackendId& id) {
    const Installed* broken = nullptr;
    for (const Installed& backend : all) { // the newest comes first
        if (backend.id.name != id.name || (!id.version.empty() && backend.id.version != id.version)) {
            continue;
        }
        if (backend.manifest.problem.empty()) {
            return &backend;
        }
        broken = broken != nullptr ? broken : &backend;
    }
    return broken;
}

const Installed& require_installed(const std::vector<Installed>& all, const BackendId& id) {
    if (const Installed* found = find_installed(all, id)) {
        return *found;
    }
    std::vector<std::string_view> names;
    std::ranges::transform(all, std::back_inserter(names),
                           [](const Installed& b) { return std::string_view(b.id.name); });
    const auto nearest = nearest_name(id.name, names);
    throw Error(ErrorCode::backend_not_found, "the backend " + id.text() + " is not installed",
                all.empty()                      ? "hearth backend install " + id.name
                : nearest && *nearest != id.name ? fmt::format("did you mean {}?", *nearest)
                                                 : "there is " + names_of(all));
}

void use(const Places& places, const Installed& chosen) {
    if (!chosen.manifest.problem.empty()) {
        throw Error(
            ErrorCode::backend_failed,
            fmt::format("the backend {} does not work: {}", chosen.id.text(), chosen.manifest.problem),
            chosen.origin == Origin::user
                ? fmt::format("hearth backend remove {}, and install it again", chosen.id.text())
                : "");
    }
    const fs::path folder = chosen.manifest.file.parent_path();
    if (chosen.origin == Origin::package) { // it counts wherever nothing else was chosen
        std::error_code failed;
        fs::remove(places.used() / chosen.manifest.name, failed);
        if (failed) {
            throw system_error(failed.value(), "choosing " + chosen.id.text());
        }
        return;
    }
    if (chosen.origin == Origin::folder && folder == places.user) {
        throw Error(
            ErrorCode::unsupported,
            fmt::format("{} lies in the plugin folder itself and cannot be chosen", chosen.id.text()),
            fmt::format("put it into a folder of its own: {}", (places.user / chosen.id.name).string()));
    }
    replace_link(places, chosen.manifest.name, folder.lexically_relative(places.user));
}

void remove(const Places& places, const Installed& gone) {
    if (gone.origin != Origin::user) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("{} was not brought by hearth backend install", gone.id.text()),
                    gone.origin == Origin::package
                        ? "it is part of the installation of Hearth"
                        : fmt::format("rm -r {}", gone.manifest.file.parent_path().string()));
    }
    forget_choices_in(places, gone.root);
    std::error_code failed;
    const fs::path hidden = places.user / (".gone-" + gone.root.filename().string());
    fs::remove_all(hidden, failed); // of a removal that was cut short
    fs::rename(gone.root, hidden, failed);
    if (failed) {
        throw system_error(failed.value(), "removing " + gone.root.string());
    }
    sync_directory(places.versions());
    fs::remove_all(hidden, failed);
    if (failed) {
        throw system_error(failed.value(), "removing " + hidden.string());
    }
}

} // namespace hearth::cli::backend
