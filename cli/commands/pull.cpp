#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/output.hpp"
#include "cli/pull_model.hpp"
#include "cli/service.hpp"
#include "cli/terminal.hpp"

namespace hearth::cli {

int run_pull(const Arguments& arguments, Service& service) {
    const PullReport report = arguments.json    ? PullReport::events
                              : arguments.quiet ? PullReport::nothing
                                                : PullReport::progress;
    const std::string name = pull_model(service.started_client(), arguments.pull, report);
    if (arguments.quiet && !arguments.json) {
        print(printable_line(name) + "\n");
    }
    return 0;
}

} // namespace hearth::cli
