#pragma once

#include "base/error.hpp"
#include "base/integrity.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace hearth::cli {
class Interrupt;
}

namespace hearth::cli::backend {

/// A version that a registry has.
struct Published {
    std::string name;
    std::string version; ///< exact
    Integrity integrity; ///< of its tarball, as the registry says
};

/// The npm client. Which registry it asks, with which login and through which proxy, is npm's own configuration; of the
/// folder where somebody happens to stand nothing counts. It runs no scripts. Blocking.
class Npm {
  public:
    /// @param work  a folder of ours: npm's project, and where tarballs are put
    /// @param interrupt  ends a running npm, which is an error then. Outlives the object
    Npm(std::filesystem::path work, const Interrupt& interrupt)
        : work_(std::move(work)), interrupt_(interrupt) {}

    /// @param version  empty: the one that the registry calls latest
    /// @throws Error  backend_not_found: no such package or version; registry_denied, registry_unreachable,
    /// registry_failed; unsupported: there is no npm, with the command for a machine that has it; cancelled: interrupted
    Published look(const std::string& name, const std::string& version) const;
    /// Downloads that version. @return the tarball, whose integrity is the caller's to check. @throws Error as above
    std::filesystem::path fetch(const Published& published) const;

  private:
    std::string run(std::vector<std::string> words, const std::string& spec,
                    std::chrono::seconds limit) const;

    std::filesystem::path work_;
    const Interrupt& interrupt_;
};

/// What npm said when it failed, as an Error: from its JSON on stdout, else from its stderr.
/// @param spec  "@scope/name@1.0.0"
Error npm_failure(const std::string& spec, const std::string& out, const std::string& err);

} // namespace hearth::cli::backend
