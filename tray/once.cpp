#include "tray/once.hpp"

#include "base/error.hpp"
#include "protocol/sighting.hpp"
#include "tray/local_facts.hpp"
#include "tray/service/reader.hpp"

namespace hearth::tray {
namespace {

PhaseChanged read_service(State& state, const std::filesystem::path& socket) {
    try {
        const protocol::Client client(socket);
        for (const Message& message : Reader(client).read_all()) {
            reduce(state, message);
        }
        return {ServicePhase::connected};
    } catch (const Error& error) {
        return {ServicePhase::starting, error.what()};
    }
}

} // namespace

State look_once(const std::filesystem::path& socket) {
    State state;
    PhaseChanged phase{ServicePhase::not_running};
    switch (protocol::look_at_service(socket).listener) {
    case protocol::Listener::service:
        phase = read_service(state, socket);
        break;
    case protocol::Listener::asleep:
        phase = {ServicePhase::asleep};
        break;
    case protocol::Listener::none:
        break;
    }
    reduce(state, phase);
    state.local = look_at_this_machine(Autostart::of_this_user(), socket);
    return state;
}

} // namespace hearth::tray
