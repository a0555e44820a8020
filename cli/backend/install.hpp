#pragma once

#include "base/integrity.hpp"
#include "cli/backend/installed.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace hearth::cli {
class Interrupt;
}

namespace hearth::cli::backend {

/// What somebody wants to have.
struct Wish {
    std::string what; ///< "cuda", "cuda@0.5.0", "@scope/name", "@scope/name@1.0.0"; may be empty with a file
    std::filesystem::path file; ///< a tarball that is here; empty: the npm client fetches it
    std::optional<Integrity>
        integrity;     ///< that the tarball must have; of what npm fetches, beside what its registry says
    std::string scope; ///< where npm finds backends that are named without one: "@example"
};

/// What came of it.
struct Outcome {
    Installed backend;
    std::string integrity; ///< of the tarball; empty when this version was here already
    bool fresh = true;     ///< false: it was here already
};

/// Gets a package, checks it, puts it into the user's plugin folder in one step, and chooses it. What fails on the way leaves
/// everything as it was. Blocking, for hours where the line is slow.
/// @param tell  told what is under way, for people
/// @param interrupt  gives it up, up to the moment when the package is in its place
/// @throws Error  of a name: usage, backend_not_found; of npm: see Npm; of the tarball: corrupt_blob, backend_failed,
/// too_large; disk_full, store_failed; busy; cancelled: interrupted
Outcome install(const Places& places, const Wish& wish, const std::function<void(const std::string&)>& tell,
                const Interrupt& interrupt);

} // namespace hearth::cli::backend
