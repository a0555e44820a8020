#include "cli/arguments.hpp"
#include "cli/browser.hpp"
#include "cli/commands/commands.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hearth::cli {
namespace {

std::string lifetime_of(const Json& link) {
    return fmt::format("This link opens the page once, within {} seconds.\n",
                       get_integer(link, "expires_in_seconds").value_or(0));
}

} // namespace

int run_open(const Arguments& arguments, Service& service) {
    Json link = service.started_client().post("/hearth/v1/open", Json::object());
    const std::string url = get_string(link, "url").value_or("");
    if (arguments.json) {
        print_json(std::move(link));
        return 0;
    }
    const bool opened = !arguments.open.print && open_in_browser(url, service.interrupt());
    if (!opened) {
        print(printable_line(url) + "\n");
    }
    if (arguments.quiet) {
        return 0;
    }
    if (opened) {
        note(printable_line(
                 fmt::format("opened {} in the browser", get_string(link, "address").value_or(""))) +
             "\n");
    } else {
        note((arguments.open.print ? "" : "No browser can be opened here. ") + lifetime_of(link));
    }
    return 0;
}

} // namespace hearth::cli
