#include "base/error.hpp"
#include "base/integrity.hpp"
#include "cli/arguments.hpp"
#include "cli/backend/install.hpp"
#include "cli/backend/installed.hpp"
#include "cli/backend/workshop.hpp"
#include "cli/commands/commands.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/table.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <cstdlib>

namespace hearth::cli {
namespace {

using backend::BackendId;
using backend::Installed;
using backend::Origin;
using backend::Places;

Json row_of(const Installed& one) {
    const backend::Manifest& manifest = one.manifest;
    Json row{{"name", one.id.name},
             {"version", one.id.version},
             {"from", backend::origin_name(one.origin)},
             {"used", one.used},
             {"backend", manifest.name},
             {"formats", manifest.formats},
             {"devices", manifest.devices},
             {"operations", manifest.operations},
             {"description", manifest.description},
             {"folder", manifest.file.parent_path().string()}};
    if (!manifest.problem.empty()) {
        row["problem"] = manifest.problem;
    }
    return row;
}

std::string environment(const char* name) {
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): this program has one thread
    return value != nullptr ? value : "";
}

std::string joined(const std::vector<std::string>& words) {
    return words.empty() ? "-" : fmt::format("{}", fmt::join(words, ","));
}

void warn_of_broken(const std::vector<Installed>& all) {
    for (const Installed& one : all) {
        if (!one.manifest.problem.empty()) {
            note(printable(
                fmt::format("warning: {} does not work: {}\n", one.id.text(), one.manifest.problem)));
        }
    }
}

void list(const Arguments& arguments) {
    const std::vector<Installed> all = backend::installed_backends(Places::own());
    if (arguments.json) {
        Json answer{{"backends", Json::array()}};
        for (const Installed& one : all) {
            answer["backends"].push_back(row_of(one));
        }
        print_json(std::move(answer));
        return;
    }
    std::vector<TableRow> rows;
    for (const Installed& one : all) {
        if (arguments.quiet) {
            print(printable_line(one.id.text()) + "\n");
            continue;
        }
        rows.push_back({one.id.name, one.id.version, std::string(backend::origin_name(one.origin)),
                        one.used ? "yes" : "no", one.manifest.name, joined(one.manifest.formats),
                        joined(one.manifest.devices)});
    }
    if (!arguments.quiet) {
        constexpr std::size_t gap = 3;
        print(format_table({"NAME", "VERSION", "FROM", "USED", "BACKEND", "FORMATS", "DEVICES"}, rows,
                           table_width(), gap));
        warn_of_broken(all);
    }
}

/// Plugins are found when the service starts; one that runs keeps those it found.
bool service_runs(const Service& service) {
    if (service.asleep()) {
        return false;
    }
    try {
        service.client().get("/api/version");
        return true;
    } catch (const Error& error) {
        if (error.code() != ErrorCode::daemon_unreachable) {
            throw;
        }
        return false;
    }
}

/// Says what was done, and what is left to do.
/// @param answer  for --json
void report(const Arguments& arguments, const Service& service, Json answer,
            const std::vector<std::string>& lines) {
    const bool restart = service_runs(service);
    if (arguments.json) {
        answer["restart_needed"] = restart;
        print_json(std::move(answer));
        return;
    }
    if (arguments.quiet) {
        return;
    }
    for (const std::string& line : lines) {
        print(printable(line + "\n"));
    }
    if (restart) {
        note("the service that runs keeps the backends that it started with: hearth service restart\n");
    }
}

std::optional<Integrity> wanted_integrity(const BackendOptions& options) {
    if (!options.sha256.empty() && !options.integrity.empty()) {
        throw Error(ErrorCode::usage, "--sha256 and --integrity say the same", "give one of them");
    }
    if (!options.sha256.empty()) {
        return Integrity::from_sha256(options.sha256);
    }
    return options.integrity.empty() ? std::nullopt : std::optional(Integrity::parse(options.integrity));
}

void install(const Arguments& arguments, const Service& service) {
    const BackendOptions& options = arguments.backend;
    const backend::Wish wish{.what = options.name,
                             .file = options.from,
                             .integrity = wanted_integrity(options),
                             .scope = environment("HEARTH_BACKEND_SCOPE")};
    auto tell = [&](const std::string& line) {
        if (!arguments.quiet && !arguments.json) {
            note(printable(line + "\n"));
        }
    };
    const backend::Outcome outcome = backend::install(Places::own(), wish, tell, service.interrupt());
    const Installed& one = outcome.backend;
    Json answer{{"installed", row_of(one)}, {"fresh", outcome.fresh}};
    if (!outcome.integrity.empty()) {
        answer["integrity"] = outcome.integrity;
    }
    report(
        arguments, service, std::move(answer),
        {fmt::format("{} {}; it is used as the backend {}",
                     outcome.fresh ? "installed" : "already installed:", one.id.text(), one.manifest.name)});
}

void use(const Arguments& arguments, const Service& service) {
    const Places places = Places::own();
    const backend::Workshop alone(places.user);
    const std::vector<Installed> all = backend::installed_backends(places);
    const Installed& chosen = backend::require_installed(all, BackendId::parse(arguments.backend.name));
    backend::use(places, chosen);
    const std::vector<Installed> now = backend::installed_backends(places);
    report(arguments, service, {{"used", row_of(backend::require_installed(now, chosen.id))}},
           {fmt::format("{} is used as the backend {}", chosen.id.text(), chosen.manifest.name)});
}

/// What `remove` means: that version, or all of them.
std::vector<Installed> meant_by(const std::vector<Installed>& all, const BackendId& id) {
    std::vector<Installed> found;
    for (const Installed& one : all) {
        const bool same = one.id.name == id.name && (id.version.empty() || one.id.version == id.version);
        if (same && one.origin == Origin::user) {
            found.push_back(one);
        }
    }
    return found.empty() ? std::vector{backend::require_installed(all, id)} : found;
}

/// After the one that was used of that name has gone.
std::string what_is_used_now(const std::vector<Installed>& left, const std::string& name) {
    const Installed* other = nullptr;
    for (const Installed& one : left) {
        if (one.manifest.name != name) {
            continue;
        }
        if (one.used) {
            return fmt::format("{} is used as the backend {} now", one.id.text(), name);
        }
        other = other == nullptr ? &one : other;
    }
    return fmt::format("no backend {} is used now{}", name,
                       other == nullptr ? "" : "; hearth backend use " + other->id.text());
}

void remove(const Arguments& arguments, const Service& service) {
    const Places places = Places::own();
    const backend::Workshop alone(places.user);
    Json removed = Json::array();
    std::vector<std::string> lines;
    for (const Installed& one :
         meant_by(backend::installed_backends(places), BackendId::parse(arguments.backend.name))) {
        backend::remove(places, one);
        removed.push_back(one.id.text());
        lines.push_back("removed " + one.id.text());
        if (one.used) {
            lines.push_back(what_is_used_now(backend::installed_backends(places), one.manifest.name));
        }
    }
    report(arguments, service, {{"removed", std::move(removed)}}, lines);
}

} // namespace

int run_backend(const Arguments& arguments, Service& service) {
    const std::string& action = arguments.backend.action;
    try {
        if (action == "install") {
            install(arguments, service);
        } else if (action == "use") {
            use(arguments, service);
        } else if (action == "remove") {
            remove(arguments, service);
        } else {
            list(arguments);
        }
    } catch (const Error&) {
        service.interrupt().check(); // Ctrl-C ends npm as well, and is what is to be told
        throw;
    }
    return 0;
}

} // namespace hearth::cli
