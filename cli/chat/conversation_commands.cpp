// What the slash commands do.
#include "base/error.hpp"
#include "cli/chat/conversation.hpp"
#include "cli/chat/conversation_state.hpp"
#include "cli/chat/paths.hpp"
#include "cli/chat/settings.hpp"
#include "cli/chat/slash_table.hpp"
#include "cli/chat_request.hpp"
#include "cli/open_model.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/show_text.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

namespace hearth::cli {
namespace {

Json ask_about(Service& service, const std::string& model) {
    Json request;
    request["model"] = model;
    return service.started_client().post("/api/show", request);
}

/// Refuses a picture at once where the service would refuse the question. A model that is not in the store says nothing.
void check_takes_pictures(Service& service, const std::string& model) {
    Json about;
    try {
        about = ask_about(service, model);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::model_not_found) {
            throw;
        }
        return;
    }
    const Json can = about.value("capabilities", Json::array());
    const auto is_vision = [](const Json& capability) { return capability == "vision"; };
    if (!can.empty() && std::ranges::none_of(can, is_vision)) {
        throw Error(ErrorCode::unsupported, fmt::format("\"{}\" does not take pictures", model),
                    "/load a model that does: hearth show MODEL lists vision among its capabilities");
    }
}

std::string ended(std::string text) {
    text = printable(text);
    return text.empty() || text.ends_with('\n') ? text : text + "\n";
}

std::string or_none(std::string text, const char* none) {
    return text.empty() ? std::string(none) + "\n" : ended(std::move(text));
}

std::string parameters_text(const RunOptions& options, const Json& about) {
    std::string text;
    const std::string own = member_text(about, "parameters");
    if (!own.empty()) {
        text += "of the model:\n" + ended(own);
    }
    if (!options.parameters.empty()) {
        text += "set here:\n";
        for (const auto& [name, value] : options.parameters) {
            text += fmt::format("{:<30} {}\n", name, value);
        }
    }
    return or_none(text, "no parameters");
}

std::string attached_text(const std::vector<Attachment>& attachments) {
    std::string text;
    for (const Attachment& file : attachments) {
        text += fmt::format("{} ({}, {} bytes) goes with the next question\n", file.name,
                            file.is_image() ? "picture" : "text", file.bytes);
    }
    return text.empty() ? "nothing is attached\n" : text;
}

[[noreturn]] void throw_what_to_show(const std::string& topic) {
    throw Error(ErrorCode::usage, "there is nothing to show of \"" + topic + "\"",
                "/show " + fmt::format("{}", fmt::join(show_topics(), "|")));
}

} // namespace

void Conversation::set(const std::string& argument) {
    note(argument.empty() ? printable(settings_text(options_))
                          : printable(apply_setting(options_, argument)) + "\n");
}

void Conversation::show(const std::string& topic) {
    if (topic == "settings") {
        return note(printable(settings_text(options_)));
    }
    if (topic == "system" && !options_.system.empty()) {
        return note(ended(options_.system));
    }
    if (!topic.empty() && std::ranges::find(show_topics(), topic) == show_topics().end()) {
        throw_what_to_show(topic);
    }
    const Json about = ask_about(service_, options_.model);
    if (topic.empty() || topic == "info") {
        note(describe_model(about, false));
    } else if (topic == "parameters") {
        note(parameters_text(options_, about));
    } else {
        note(or_none(member_text(about, topic.c_str()), ("no " + topic).c_str()));
    }
}

void Conversation::load(const std::string& model) {
    if (model.empty()) {
        throw Error(ErrorCode::usage, "which model?", "/load MODEL; hearth list names them");
    }
    RunOptions wanted = options_;
    wanted.model = model_address(model);
    open_model(service_, wanted, PullReport::progress);
    options_ = std::move(wanted);
    clear();
    note("talking with " + printable_line(options_.model) + "\n");
}

void Conversation::save(const std::string& name) {
    if (name.empty()) {
        throw Error(ErrorCode::usage, "under which name?", "/save NAME");
    }
    Json body{{"model", name}, {"from", options_.model}, {"stream", true}};
    if (!options_.system.empty()) {
        body["system"] = options_.system;
    }
    for (const auto& [parameter, value] : options_.parameters) {
        body["parameters"][parameter] = Json::parse(value);
    }
    if (!state_->messages.empty()) { // the new ones go after those that the model begins with
        const Json about = ask_about(service_, options_.model);
        body["messages"] = about.value("messages", Json::array());
        body["messages"].insert(body["messages"].end(), state_->messages.begin(), state_->messages.end());
    }
    protocol::ClientRequest request;
    request.method = "POST";
    request.target = "/api/create";
    request.body = to_text(body);
    bool succeeded = false;
    service_.started_client().stream_lines(
        request, [&](const Json& event) { succeeded = get_string(event, "status") == "success"; });
    if (!succeeded) {
        throw Error(ErrorCode::protocol, "the service ended without saying that the model is saved");
    }
    note(fmt::format("saved: hearth run {} goes on from here\n", printable_line(name)));
}

void Conversation::clear() {
    State& state = *state_;
    state.messages = Json::array();
    state.last_question = nullptr;
    state.answered = false;
    state.attachments.clear();
    note("the conversation is forgotten\n");
}

void Conversation::attach(const std::string& path) {
    State& state = *state_;
    if (!path.empty()) {
        Attachment file = read_attachment(typed_path(path));
        if (file.is_image()) {
            check_takes_pictures(service_, options_.model);
        }
        state.attachments.push_back(std::move(file));
    }
    note(attached_text(state.attachments));
}

void Conversation::retry() {
    State& state = *state_;
    if (state.last_question.is_null()) {
        throw Error(ErrorCode::usage, "there is no question to ask again");
    }
    if (std::exchange(state.answered, false)) {
        state.messages.erase(state.messages.end() - 2, state.messages.end());
    }
    answer_last();
}

void Conversation::print_stats() {
    const State& state = *state_;
    if (state.last_timings.empty()) {
        return note(state.answered ? "the last answer was cut short, and nobody counted it\n"
                                   : "there is no answer yet\n");
    }
    note(fmt::format("messages  {}\n{}", state.messages.size(), state.last_timings));
}

} // namespace hearth::cli
