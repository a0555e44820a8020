#include "protocol/sighting.hpp"

#include "base/paths.hpp"

#include <sys/stat.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace hearth::protocol {
namespace {

std::string read_list(const char* path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

unsigned long inode_of(const std::filesystem::path& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    while (true) {
        const auto begin = line.find_first_not_of(' ');
        if (begin == std::string_view::npos) {
            return words;
        }
        line.remove_prefix(begin);
        const auto end = std::min(line.find(' '), line.size());
        words.push_back(line.substr(0, end));
        line.remove_prefix(end);
    }
}

template <typename Matches> bool any_line(std::string_view text, Matches matches) {
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        if (matches(text.substr(0, end))) {
            return true;
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return false;
}

/// "0000…: 00000002 00000000 00010000 0001 01 12345 /run/user/1000/hearth/api.sock" (proc_pid_net(5))
bool is_listening(std::string_view unix_sockets, std::string_view socket) {
    constexpr unsigned long accepts = 0x10000; // __SO_ACCEPTCON
    return any_line(unix_sockets, [socket](std::string_view line) {
        const auto words = words_of(line);
        if (words.size() < 8 || !line.ends_with(socket) || line[line.size() - socket.size() - 1] != ' ') {
            return false;
        }
        unsigned long flags = 0;
        std::from_chars(words[3].data(), words[3].data() + words[3].size(), flags, 16);
        return (flags & accepts) != 0;
    });
}

/// The holder of the lock; 0: nobody. "1: FLOCK  ADVISORY  WRITE 1234 00:2e:56789 0 EOF" (proc_locks(5))
pid_t lock_holder(std::string_view locks, unsigned long inode) {
    const std::string ending = ":" + std::to_string(inode);
    pid_t holder = 0;
    any_line(locks, [&](std::string_view line) {
        const auto words = words_of(line);
        const bool is_it =
            words.size() >= 6 && words[1] == "FLOCK" && words[3] == "WRITE" && words[5].ends_with(ending);
        if (is_it) {
            std::from_chars(words[4].data(), words[4].data() + words[4].size(), holder);
        }
        return is_it;
    });
    return holder;
}

} // namespace

Sighting judge_listener(std::string_view unix_sockets, std::string_view locks, std::string_view socket,
                        unsigned long lock_inode) {
    if (!is_listening(unix_sockets, socket)) {
        return {};
    }
    const pid_t holder = lock_inode != 0 ? lock_holder(locks, lock_inode) : 0;
    return {holder != 0 ? Listener::service : Listener::asleep, holder};
}

Sighting look_at_service(const std::filesystem::path& socket) {
    const unsigned long lock = inode_of(socket.parent_path() / "hearth.lock");
    const Sighting seen =
        judge_listener(read_list("/proc/net/unix"), read_list("/proc/locks"), socket.native(), lock);
    const bool elsewhere =
        socket.parent_path() != paths::runtime_dir(); // HEARTH_SOCKET: a forwarded one has no lock
    return seen.listener == Listener::asleep && elsewhere && lock == 0 ? Sighting{Listener::service} : seen;
}

} // namespace hearth::protocol
