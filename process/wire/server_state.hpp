#pragma once

#include "process/wire/frame.hpp"
#include "process/wire/server.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

/// The parts of `serve`. Internal to the wire.
namespace hearth::process::wire {

/// The writing half of the socket, shared by every thread of a server. Blocks while the core does not read,
/// which it always does: what a stream may have on its way is bounded by credit.
class SharedWriter {
  public:
    explicit SharedWriter(int socket) : socket_(socket) {}
    /// @return false when the core is gone
    bool send(FrameType type, std::uint32_t stream, std::string_view head, std::string_view body,
              std::span<const UniqueFd> fds = {});

  private:
    std::mutex mutex_; // frames of different streams must not mix
    int socket_;
    bool broken_ = false;
};

/// A ServerStream on a thread of its own. Shared by that thread and, until it has ended, by the reader's
/// table.
class ThreadStream final : public ServerStream {
  public:
    /// @param active  counts streams without a last frame
    ThreadStream(SharedWriter& writer, std::atomic<std::size_t>& active, Frame open);

    const std::string& head() const override { return open_.head; }
    const std::string& body() const override { return open_.body; }
    std::vector<UniqueFd> take_fds() override { return std::move(open_.fds); }
    bool send(std::string_view head, std::string_view body) override;
    bool cancelled() const override { return cancelled_; }
    void on_cancel(std::function<void()> callback) override;
    void end(std::string_view head, std::vector<UniqueFd> fds) override;
    std::optional<Incoming> receive() override;

    std::uint32_t id() const noexcept { return open_.stream; }
    /// The last frame when the handler threw, or an empty `end` when it did not send one.
    void conclude(const std::exception_ptr& failure) noexcept;

    // Called by the reader.
    void cancel();
    void add_credit(std::uint32_t bytes);
    /// @throws Error  protocol: more than the credit
    void deliver(Frame frame);

  private:
    bool send_part(std::string_view head, std::string_view body);
    void finish(FrameType type, std::string_view head, std::span<const UniqueFd> fds);
    void run_callback();

    SharedWriter& writer_;
    std::atomic<std::size_t>& active_;
    Frame open_;
    std::atomic<bool> cancelled_ = false;
    std::mutex callback_mutex_; // held while the callback runs, so that taking it back waits
    std::function<void()> callback_;
    std::mutex mutex_; // guards what follows
    std::condition_variable changed_;
    bool ended_ = false;
    std::uint64_t send_window_ = initial_window_bytes;
    std::uint64_t receive_window_ = initial_window_bytes;
    std::uint32_t credit_due_ = 0;
    std::deque<Frame> incoming_;
};

} // namespace hearth::process::wire
