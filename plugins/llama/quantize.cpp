#include "plugins/llama/quantize.hpp"

#include "plugins/llama/log.hpp"
#include "plugins/llama/model_files.hpp"
#include "plugins/llama/quantize_plan.hpp"

#include <llama.h>

#include <fcntl.h>
#include <malloc.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace hearth::llama {

namespace {

constexpr std::chrono::milliseconds tick{100};

/// Thrown through llama_model_quantize, which takes any exception as its end.
struct QuantizeCancelled : std::runtime_error {
    QuantizeCancelled() : std::runtime_error("cancelled") {}
};

/// What to make of what: the spec of a call, checked.
struct Job {
    Job(const hearth_quantize_spec& spec, const char* scratch_dir)
        : files({sizeof(hearth_load_spec), spec.file_count, spec.files, spec.spec}, scratch_dir) {
        const Json json = parse_object(spec.spec, "the quantize spec");
        const auto type = json.find("type");
        if (type == json.end() || !type->is_string()) {
            throw Failure(HEARTH_E_INVALID, "\"type\" is missing");
        }
        target = &find_target(type->get<std::string>());
        const auto count = json.find("threads");
        if (count != json.end() && !count->is_null()) {
            threads = count->is_number_integer() ? count->get<int>() : -1;
        }
        if (threads < 0 || threads > 512) {
            throw Failure(HEARTH_E_INVALID, "\"threads\" must be 0 … 512");
        }
    }

    ModelFiles files;
    const TargetType* target = nullptr;
    int threads = 0;
};

/// The engine opens its output by path, and truncates it.
std::string output_path(int fd) {
    struct stat status{};
    const int flags = ::fcntl(fd, F_GETFL);
    const bool writable = flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
    if (!writable || ::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size != 0) {
        throw Failure(HEARTH_E_INVALID, "the output is not an empty file that is open for writing");
    }
    return "/proc/self/fd/" + std::to_string(fd);
}

/// Tells how far the output has grown, from a thread of its own, and remembers that the host wants to stop. The
/// engine has no callback for either.
class ProgressWatch {
  public:
    ProgressWatch(const hearth_progress* progress, int fd, std::uint64_t total)
        : progress_(progress), fd_(fd), total_(total) {
        if (progress_ && report(0)) {
            thread_ = std::thread([this] { watch(); });
        }
    }
    ~ProgressWatch() {
        {
            const std::lock_guard lock(mutex_);
            done_ = true;
        }
        changed_.notify_all();
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    ProgressWatch(const ProgressWatch&) = delete;

    bool cancelled() const noexcept { return cancelled_; }

  private:
    /// @return false when the host wants to stop
    bool report(double fraction) {
        cancelled_ = progress_->report(progress_->context, "quantize", static_cast<float>(fraction)) != 0;
        return !cancelled_;
    }

    void watch() {
        std::unique_lock lock(mutex_);
        while (!changed_.wait_for(lock, tick, [this] { return done_; })) {
            struct stat status{};
            const bool known = ::fstat(fd_, &status) == 0;
            const auto size = known ? static_cast<double>(status.st_size) : 0.0;
            if (!report(std::min(1.0, size / static_cast<double>(total_)))) {
                return;
            }
        }
    }

    const hearth_progress* progress_;
    int fd_;
    std::uint64_t total_;
    std::mutex mutex_; // guards done_
    std::condition_variable changed_;
    bool done_ = false;
    std::atomic<bool> cancelled_ = false;
    std::thread thread_; // last: it uses all of the above
};

[[noreturn]] void fail_quantization() {
    const std::string all = recent_errors();
    const bool memory = all.find("bad_alloc") != std::string::npos;
    std::string message = first_error();
    constexpr std::string_view prefix = "failed to quantize: ";
    if (message.starts_with(prefix)) {
        message.erase(0, prefix.size());
    }
    if (message.find("iostream") != std::string::npos) { // all that the engine says of a failed write
        message = "the output could not be written";
    }
    throw Failure(memory ? HEARTH_E_NOMEM : HEARTH_E_INTERNAL,
                  message.empty() ? "the model cannot be quantized" : message);
}

void expect_size(int fd, std::uint64_t bytes) {
    struct stat status{};
    if (::fstat(fd, &status) != 0 || static_cast<std::uint64_t>(status.st_size) != bytes) {
        throw Failure(HEARTH_E_INTERNAL, "the output has " + std::to_string(status.st_size) + " bytes, " +
                                             std::to_string(bytes) + " were expected");
    }
}

} // namespace

std::string plan_event(const hearth_quantize_spec& spec, const char* scratch_dir) {
    forget_errors();
    const Job job(spec, scratch_dir);
    return plan_quantization(job.files.model(), job.files.model_bytes(), *job.target).event.dump();
}

std::string run_quantization(const hearth_quantize_spec& spec, const hearth_progress* progress,
                             const char* scratch_dir) {
    forget_errors();
    const Job job(spec, scratch_dir);
    const std::string output = output_path(spec.output_fd);
    const QuantizePlan plan = plan_quantization(job.files.model(), job.files.model_bytes(), *job.target);
    ::malloc_trim(0);
    const llama_model_quantize_params params = quantize_parameters(*job.target, job.threads);
    bool cancelled = false;
    std::uint32_t result = 1;
    {
        const ProgressWatch watch(progress, spec.output_fd, plan.output_bytes);
        const LogTap tap([&watch](std::string_view text) {
            // Between two tensors, when no thread of the engine works. Long lines would leak its buffer.
            if (watch.cancelled() && text.size() < 100) {
                throw QuantizeCancelled();
            }
        });
        if (!watch.cancelled()) {
            result = llama_model_quantize(job.files.model().c_str(), output.c_str(), &params);
        }
        cancelled = watch.cancelled();
    }
    ::malloc_trim(0);
    if (cancelled && result != 0) {
        throw Failure(HEARTH_E_CANCELLED, "quantizing was cancelled");
    }
    if (result != 0) {
        fail_quantization();
    }
    expect_size(spec.output_fd, plan.output_bytes);
    if (progress) {
        progress->report(progress->context, "quantize", 1.0F);
    }
    return plan.event.dump();
}

} // namespace hearth::llama
