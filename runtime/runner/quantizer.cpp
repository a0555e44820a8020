#include "runtime/runner/quantizer.hpp"

#include "base/error.hpp"
#include "runtime/runner/request_stream.hpp"
#include "runtime/runner/runner_process.hpp"

#include <csignal>
#include <utility>

namespace hearth::runtime {

namespace asio = boost::asio;

namespace {

std::string head_of(const char* operation, const QuantizeSpec& spec,
                    const std::vector<registry::OpenModelFile>& files) {
    const Json inner = {{"type", spec.type}, {"threads", spec.threads}};
    const Json head = {{"op", operation}, {"spec", inner}, {"files", describe_files(files)}};
    return to_text(head);
}

class QuantizerProcess final : public Quantizer {
  public:
    explicit QuantizerProcess(std::unique_ptr<RunnerProcess> runner) : runner_(std::move(runner)) {}

    asio::awaitable<Json> types() override {
        const Json head = {{"op", "quantize_types"}};
        return runner_->call(to_text(head), {}, {});
    }

    asio::awaitable<Json> plan(QuantizeSpec spec, std::vector<registry::OpenModelFile> files) override {
        std::string head = head_of("quantize_plan", spec, files);
        return runner_->call(std::move(head), take_descriptors(std::move(files)), {});
    }

    asio::awaitable<Json> run(QuantizeSpec spec, std::vector<registry::OpenModelFile> files, UniqueFd output,
                              std::function<void(std::string, double)> progress) override {
        std::string head = head_of("quantize", spec, files);
        std::vector<UniqueFd> descriptors = take_descriptors(std::move(files));
        descriptors.push_back(std::move(output));
        return runner_->call(std::move(head), std::move(descriptors), std::move(progress));
    }

    pid_t pid() const override { return runner_->pid(); }

    asio::awaitable<void> stop() override {
        runner_->kill();
        return runner_->stop();
    }

  private:
    std::unique_ptr<RunnerProcess> runner_;
};

} // namespace

asio::awaitable<std::unique_ptr<Quantizer>> start_quantizer(asio::any_io_executor executor,
                                                            PluginManifest plugin) {
    std::unique_ptr<RunnerProcess> runner = co_await start_runner_process(executor, std::move(plugin));
    co_return std::make_unique<QuantizerProcess>(std::move(runner));
}

} // namespace hearth::runtime
