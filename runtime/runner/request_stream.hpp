#pragma once

#include "process/wire/connection.hpp"
#include "runtime/runner/runner.hpp"

#include <memory>
#include <optional>
#include <string>

namespace hearth::runtime {

struct RunnerExit;

/// What the descriptors that travel with a call are, in order: [{"role", "size", "shard", "of"}…].
Json describe_files(const std::vector<registry::OpenModelFile>& files);
std::vector<UniqueFd> take_descriptors(std::vector<registry::OpenModelFile> files);

/// Events of one request over the wire. May outlive its runner.
class WireRequestStream final : public RequestStream {
  public:
    WireRequestStream(process::wire::Stream stream, std::shared_ptr<RunnerExit> exit);
    boost::asio::awaitable<std::optional<std::string>> next() override;

  private:
    boost::asio::awaitable<std::optional<std::string>> receive();

    process::wire::Stream stream_;
    std::shared_ptr<RunnerExit> exit_; // shared: how the process ended is asked for after it did
    bool ended_ = false;
};

} // namespace hearth::runtime
