#include "base/config.hpp"
#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/table.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::cli {
namespace {

std::string bytes_of(const Json& device, const char* key, bool for_people) {
    const auto bytes =
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, get_integer(device, key).value_or(0)));
    return for_people ? format_bytes(bytes) : std::to_string(bytes);
}

/// "19 GB/s", with "~" in front of what nobody measured.
std::string rate_of(const Json& device, bool for_people) {
    const auto rate = static_cast<std::uint64_t>(std::max(0.0, get_number(device, "bandwidth").value_or(0)));
    if (!for_people) {
        return std::to_string(rate);
    }
    const bool measured = get_string(device, "bandwidth_source") == "measured";
    return fmt::format("{}{}/s", measured ? "" : "~", format_bytes(rate));
}

/// What decides how much is free.
std::string limit_of(const Json& device) {
    if (get_bool(device, "unified").value_or(false)) {
        return "host memory";
    }
    const auto limit = device.find("limited_by");
    if (limit == device.end() || !limit->is_object()) {
        return "-";
    }
    const std::string name = get_string(*limit, "name").value_or("?");
    return name == "available" || name == "ram_limit"
               ? name
               : printable_line(name + " " + get_string(*limit, "detail").value_or(""));
}

TableRow row_of(const Json& device, bool for_people) {
    return {printable_line(get_string(device, "id").value_or("?")),
            bytes_of(device, "total_bytes", for_people),
            bytes_of(device, "free_bytes", for_people),
            bytes_of(device, "budget_bytes", for_people),
            limit_of(device),
            rate_of(device, for_people),
            printable_line(get_string(device, "description").value_or(""))};
}

void print_notes(const Json& answer) {
    for (const Json& warning : answer.value("warnings", Json::array())) {
        note("warning: " + printable_line(warning.is_string() ? warning.get<std::string>() : "?") + "\n");
    }
    if (!answer.contains("measured_at")) {
        note("bandwidth is assumed (~) until it is measured; hearth devices --measure does it now\n");
    }
}

Json ask(const Arguments& arguments, Service& service) {
    const protocol::Client& client = service.started_client();
    if (!arguments.devices.measure) {
        return client.get("/hearth/v1/devices");
    }
    protocol::ClientRequest request;
    request.method = "POST";
    request.target = "/hearth/v1/devices/measure";
    return client.ask(request);
}

} // namespace

int run_devices(const Arguments& arguments, Service& service) {
    Json answer = ask(arguments, service);
    if (arguments.json) {
        print_json(std::move(answer));
        return 0;
    }
    const Json devices = answer.value("devices", Json::array());
    if (arguments.quiet) {
        for (const Json& device : devices) {
            print(printable_line(get_string(device, "id").value_or("?")) + "\n");
        }
        return 0;
    }
    const auto width = table_width();
    std::vector<TableRow> rows;
    for (const Json& device : devices) {
        rows.push_back(row_of(device, width.has_value()));
    }
    print(format_table({"DEVICE", "MEMORY", "FREE", "USABLE", "LIMIT", "BANDWIDTH", "DESCRIPTION"}, rows,
                       width));
    print_notes(answer);
    return 0;
}

} // namespace hearth::cli
