#pragma once

#include "base/json.hpp"
#include "base/paths.hpp"
#include "cli/attachment.hpp"
#include "cli/chat/conversation.hpp"
#include "cli/chat/line_editor.hpp"
#include "cli/chat/pastes.hpp"
#include "cli/chat/prompt_collector.hpp"
#include "cli/chat/prompt_history.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace hearth::cli {

/// What a conversation keeps. For the two sources of Conversation alone.
struct Conversation::State {
    Pastes pastes;
    LineEditor editor;
    PromptCollector collector;
    PromptHistory history{paths::history_file()};
    Json messages = Json::array();       ///< without the system text; a question and its answer, in turn
    Json last_question;                  ///< message; null before the first one
    bool answered = false;               ///< it and its answer are the last of `messages`
    std::vector<Attachment> attachments; ///< for the next question
    std::string last_timings;
    bool left = false;

    State(Interrupt& interrupt, LineEditor::Completer complete, std::vector<Attachment> files)
        : editor(interrupt, pastes, std::move(complete)), attachments(std::move(files)) {}
};

} // namespace hearth::cli
