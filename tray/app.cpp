#include "tray/app.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/paths.hpp"
#include "tray/desktop/places.hpp"
#include "tray/local_facts.hpp"
#include "tray/model/reduce.hpp"

#include <pthread.h>
#include <sys/epoll.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace hearth::tray {
namespace {

constexpr const char* own_name = "org.hearth.Tray";

bool opens_window(const Action& action) {
    return action.verb == Action::Verb::open_log || action.verb == Action::Verb::open_page;
}

} // namespace

App::App(std::filesystem::path socket)
    : socket_(std::move(socket)), loop_(new_loop()), bus_(open_session_bus(loop_.get())),
      autostart_(Autostart::of_this_user()), item_(bus_.get(), icon_themes(), [this] { activate(); }),
      menu_(bus_.get(), StatusItem::menu_path, [this](const Action& action) { act(action); }),
      host_(bus_.get(), [this](UnderscoreRule rule) { menu_.set_underscore_rule(rule); }),
      notifications_(bus_.get()),
      requests_(socket_, mailbox_, [this](std::string url) { hand_page(std::move(url)); }),
      service_(loop_.get(), socket_, mailbox_) {}

int App::run() {
    if (!become_the_only_one()) {
        log::info("tray", "another tray of this session runs already");
        return 0;
    }
    watch_signals();
    watch_mail();
    service_.start();
    take_mail();
    item_.start();
    menu_.start();
    host_.start();
    return check(sd_event_loop(loop_.get()), "running the event loop");
}

bool App::become_the_only_one() {
    const int result = sd_bus_request_name(bus_.get(), own_name, 0);
    if (result == -EEXIST) {
        return false;
    }
    check(result, "taking our name on the bus");
    return true;
}

/// Blocked before any thread starts, so that every thread leaves them to the loop.
void App::watch_signals() {
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ours, nullptr);
    for (const auto& [number, watch] : {std::pair(SIGTERM, &term_), std::pair(SIGINT, &interrupt_)}) {
        sd_event_source* source = nullptr;
        check(sd_event_add_signal(loop_.get(), &source, number, on_signal, this), "watching a signal");
        watch->reset(source);
    }
}

int App::on_signal(sd_event_source* source, const signalfd_siginfo* /*info*/, void* /*self*/) {
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

void App::watch_mail() {
    sd_event_source* source = nullptr;
    check(sd_event_add_io(loop_.get(), &source, mailbox_.fd(), EPOLLIN, on_mail, this),
          "watching the mailbox");
    mail_.reset(source);
}

int App::on_mail(sd_event_source* /*source*/, int /*fd*/, std::uint32_t /*events*/, void* self) {
    return guarded([self] { static_cast<App*>(self)->take_mail(); });
}

void App::take_mail() {
    for (const Message& message : mailbox_.take()) {
        for (const Notice& notice : reduce(state_, message)) {
            notifications_.show(notice, notification_icon());
        }
    }
    open_pages();
    show();
}

void App::show() {
    state_.local = look_at_this_machine(autostart_, socket_);
    item_.show(appearance_of(state_));
    menu_.show(build_menu(state_));
}

void App::act(const Action& action) {
    opens_window(action) ? item_.grant_token() : item_.refuse_token();
    try {
        act_on_desktop(action);
    } catch (const Error& error) {
        mailbox_.post(ActionFailed{describe(action), error.what(), error.hint()});
    }
}

void App::act_on_desktop(const Action& action) {
    switch (action.verb) {
    case Action::Verb::quit:
        sd_event_exit(loop_.get(), 0);
        return;
    case Action::Verb::open_log:
        opener_.open(paths::log_file().string(), item_.take_activation_token());
        return;
    case Action::Verb::toggle_autostart:
        toggle_autostart();
        return;
    default:
        requests_.begin(action);
    }
}

void App::toggle_autostart() {
    if (autostart_.is_on()) {
        autostart_.turn_off();
    } else {
        autostart_.turn_on();
    }
    show();
}

/// A click where the host does not open the menu: the page, else what the tooltip says.
void App::activate() {
    if (state_.serves("POST /hearth/v1/open")) {
        act({Action::Verb::open_page});
        return;
    }
    item_.refuse_token();
    const Appearance appearance = appearance_of(state_);
    notifications_.show({"click", appearance.title, appearance.details, Notice::Urgency::normal},
                        notification_icon());
}

/// On a request's thread.
void App::hand_page(std::string url) {
    const std::lock_guard lock(pages_mutex_);
    pages_.push_back(std::move(url));
    mailbox_.post(std::vector<Message>()); // wakes the loop
}

void App::open_pages() {
    std::vector<std::string> pages;
    {
        const std::lock_guard lock(pages_mutex_);
        pages.swap(pages_);
    }
    for (const std::string& page : pages) {
        try {
            opener_.open(page, item_.take_activation_token());
        } catch (const Error& error) {
            mailbox_.post(ActionFailed{"Opening the page", error.what(), error.hint()});
        }
    }
}

} // namespace hearth::tray
