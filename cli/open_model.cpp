#include "cli/open_model.hpp"

#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/chat_request.hpp"
#include "cli/service.hpp"
#include "cli/terminal.hpp"
#include "cli/wait_line.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>

namespace hearth::cli {
namespace {

void load(const protocol::Client& client, const RunOptions& options) {
    WaitLine line(is_terminal(STDERR_FILENO));
    protocol::ClientRequest request;
    request.method = "POST";
    request.target = "/api/chat";
    request.body = to_text(chat_request(options, Json::array()));
    client.stream_lines(request, [&line](const Json& event) { line.show(event); });
}

} // namespace

void with_model(Service& service, RunOptions& options, PullReport report, const std::function<void()>& ask) {
    try {
        ask();
        return;
    } catch (const Error& error) {
        if (error.code() != ErrorCode::model_not_found) {
            throw;
        }
    }
    PullOptions pull;
    pull.model = options.model;
    options.model = pull_model(service.client(), pull, report);
    ask();
}

void open_model(Service& service, RunOptions& options, PullReport report) {
    const protocol::Client& client = service.started_client();
    with_model(service, options, report, [&] { load(client, options); });
}

} // namespace hearth::cli
