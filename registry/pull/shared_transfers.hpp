#pragma once

#include "base/async/event.hpp"
#include "base/digest.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

namespace hearth::registry {

/// One transfer per content in this process: two pulls that share a layer fetch it once, and the one that
/// waits sees the other's progress. On the io executor.
class SharedTransfers {
    struct Entry;

  public:
    /// The right to fetch one content. Giving it up (finished or failed) lets the next waiter go on: it looks
    /// whether the blob is there now, or resumes what the other left.
    class Claim {
      public:
        Claim(Claim&&) noexcept = default;
        Claim& operator=(Claim&&) = delete;
        ~Claim();
        /// Bytes so far, passed on to those who wait.
        void report(std::uint64_t completed);

      private:
        friend class SharedTransfers;
        explicit Claim(std::shared_ptr<Entry> entry) : entry_(std::move(entry)) {}
        std::shared_ptr<Entry> entry_; // shared with waiters
    };

    explicit SharedTransfers(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

    /// Waits while another pull fetches the same content.
    /// @param on_bytes  progress of that other pull meanwhile
    boost::asio::awaitable<Claim> claim(Digest content, std::function<void(std::uint64_t)> on_bytes);

    /// Whether somebody fetches it now.
    bool is_claimed(const Digest& content) const;

  private:
    struct Entry {
        explicit Entry(boost::asio::any_io_executor executor) : changed(std::move(executor)) {}
        AsyncEvent changed;
        bool taken = false;
        std::uint64_t completed = 0;
    };

    boost::asio::any_io_executor executor_;
    std::map<Digest, std::weak_ptr<Entry>> entries_;
};

} // namespace hearth::registry
