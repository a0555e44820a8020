#include "plugins/llama/measure.hpp"

#include "plugins/llama/memory.hpp"

#include <common.h>
#include <ggml-alloc.h>
#include <ggml-backend.h>
#include <ggml-cpp.h>
#include <ggml.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstdint>
#include <exception>
#include <string>
#include <thread>
#include <vector>

namespace hearth::llama {

namespace {

using Steady = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::int64_t width = 4096; // elements of a row: a 7B model's
constexpr std::size_t least_matrix_bytes = 96u << 20;
constexpr std::size_t most_matrix_bytes = 256u << 20;
/// One product's share of them: about a millisecond, so that other programs cannot disturb every one.
constexpr std::size_t slice_bytes = 8u << 20;
constexpr std::size_t padding = 8192; // of a device's last row

/// What models are published in, the common ones first: when time runs out the others are left out.
constexpr std::array measured_types = {GGML_TYPE_Q4_K, GGML_TYPE_Q8_0,   GGML_TYPE_F16,    GGML_TYPE_Q6_K,
                                       GGML_TYPE_Q5_K, GGML_TYPE_Q4_0,   GGML_TYPE_Q3_K,   GGML_TYPE_BF16,
                                       GGML_TYPE_Q2_K, GGML_TYPE_IQ4_XS, GGML_TYPE_IQ4_NL, GGML_TYPE_Q5_0,
                                       GGML_TYPE_F32,  GGML_TYPE_MXFP4};

/// More than the last cache holds, so that the weights come from memory.
std::size_t matrix_bytes() {
    const long cache = ::sysconf(_SC_LEVEL3_CACHE_SIZE);
    const std::size_t twice = cache > 0 ? static_cast<std::size_t>(cache) * 2 : 0;
    return std::clamp(twice, least_matrix_bytes, most_matrix_bytes);
}

/// Stands for weights of every type: all bytes are this one, and as a scale of any type it is a normal number.
constexpr std::uint8_t filling = 0x2c;

/// Where every matrix lies in turn: the bytes need not change, since no kernel looks at values.
ggml_backend_buffer_ptr make_weights(ggml_backend_t backend) {
    ggml_backend_buffer_ptr buffer(ggml_backend_alloc_buffer(backend, matrix_bytes()));
    if (!buffer) {
        throw Failure(HEARTH_E_NOMEM, "no memory to measure in");
    }
    ggml_backend_buffer_clear(buffer.get(), filling);
    return buffer;
}

/// One type's matrix on one device times one vector.
class Product {
  public:
    /// @param first  where in `memory` the first product begins
    Product(ggml_backend_t backend, ggml_backend_buffer_t memory, ggml_type type, std::size_t first)
        : backend_(backend), memory_(memory), at_(first) {
        const std::size_t row_bytes = ggml_row_size(type, width);
        const auto rows = static_cast<std::int64_t>(slice_bytes / row_bytes);
        const ggml_init_params params = {ggml_tensor_overhead() * 8 + ggml_graph_overhead(), nullptr, true};
        context_.reset(ggml_init(params));
        weights_ = ggml_new_tensor_2d(context_.get(), type, width, rows);
        ggml_tensor* vector = ggml_new_tensor_1d(context_.get(), GGML_TYPE_F32, width);
        ggml_tensor* product = ggml_mul_mat(context_.get(), weights_, vector);
        graph_ = ggml_new_graph(context_.get());
        ggml_build_forward_expand(graph_, product);
        runs_ = ggml_backend_supports_op(backend_, product);
        if (runs_) {
            ggml_backend_tensor_alloc(memory, weights_, ggml_backend_buffer_get_base(memory));
            others_.reset(ggml_backend_alloc_ctx_tensors(context_.get(), backend_));
            const std::vector<float> ones(width, 1.0F);
            ggml_backend_tensor_set(vector, ones.data(), 0, ggml_nbytes(vector));
        }
    }

    bool runs() const noexcept { return runs_; }
    /// Bytes of weights per second of one product; the next one takes the next part of the memory.
    double rate_once() {
        at_ = at_ + slice_bytes + padding <= ggml_backend_buffer_get_size(memory_) ? at_ : 0;
        weights_->data = static_cast<char*>(ggml_backend_buffer_get_base(memory_)) + at_;
        at_ += slice_bytes;
        const auto start = Steady::now();
        if (ggml_backend_graph_compute(backend_, graph_) != GGML_STATUS_SUCCESS) {
            throw Failure(HEARTH_E_DEVICE, "the device did not compute");
        }
        const Seconds took = Steady::now() - start;
        return static_cast<double>(ggml_nbytes(weights_)) / std::max(took.count(), 1e-9);
    }

  private:
    ggml_backend_t backend_;
    ggml_backend_buffer_t memory_;
    std::size_t at_;
    ggml_context_ptr context_;
    ggml_backend_buffer_ptr others_; ///< the vector and the product
    ggml_tensor* weights_ = nullptr;
    ggml_cgraph* graph_ = nullptr;
    bool runs_ = false;
};

/// One core with a backend of its own, or a whole GPU. The engine's own threads wait for each other after every
/// product: on a busy machine that would measure the other programs.
struct Lane {
    ggml_backend_ptr backend;
    std::size_t first = 0; ///< where in the memory it begins
    double rate = 0;
    std::exception_ptr failure;
};

/// The ninth decile of the products that fit into `slice`: other programs only ever slow one down, and the
/// fastest may have run while another lane stood still.
void run_lane(Lane& lane, ggml_backend_buffer_t memory, ggml_type type, Seconds slice) {
    const auto start = Steady::now();
    Product product(lane.backend.get(), memory, type, lane.first);
    if (!product.runs()) {
        return;
    }
    product.rate_once();
    std::vector<double> rates;
    do {
        rates.push_back(product.rate_once());
    } while (Steady::now() - start < slice);
    const auto good = rates.begin() + static_cast<std::ptrdiff_t>(rates.size() * 9 / 10);
    std::nth_element(rates.begin(), good, rates.end());
    lane.rate = *good;
}

/// Bytes of weights per second of all lanes together. 0: the device does not compute with this type.
double measure_type(std::vector<Lane>& lanes, ggml_backend_buffer_t memory, ggml_type type, Seconds slice) {
    {
        std::vector<std::jthread> threads;
        threads.reserve(lanes.size());
        for (Lane& lane : lanes) {
            threads.emplace_back([&lane, memory, type, slice] {
                try {
                    lane.rate = 0;
                    run_lane(lane, memory, type, slice);
                } catch (...) {
                    lane.failure = std::current_exception();
                }
            });
        }
    }
    double sum = 0;
    for (const Lane& lane : lanes) {
        if (lane.failure) {
            std::rethrow_exception(lane.failure);
        }
        sum += lane.rate;
    }
    return sum;
}

std::string type_label(ggml_type type) {
    std::string name = ggml_type_name(type);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
    return name;
}

void use_one_thread(ggml_backend_t backend, ggml_backend_dev_t device) {
    const auto set = reinterpret_cast<ggml_backend_set_n_threads_t>(ggml_backend_reg_get_proc_address(
        ggml_backend_dev_backend_reg(device), "ggml_backend_set_n_threads"));
    if (set) {
        set(backend, 1);
    }
}

std::vector<Lane> make_lanes(ggml_backend_dev_t device, int threads) {
    const bool is_cpu = ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_CPU;
    std::vector<Lane> lanes(is_cpu ? static_cast<std::size_t>(threads) : 1);
    for (std::size_t i = 0; i < lanes.size(); ++i) {
        lanes[i].backend.reset(ggml_backend_dev_init(device, nullptr));
        lanes[i].first = i * slice_bytes;
        if (!lanes[i].backend) {
            throw Failure(HEARTH_E_DEVICE, "the device cannot be used");
        }
        if (is_cpu) {
            use_one_thread(lanes[i].backend.get(), device);
        }
    }
    return lanes;
}

Json measure_device(ggml_backend_dev_t device, int threads, Seconds budget) {
    Json throughput = Json::object();
    std::vector<Lane> lanes = make_lanes(device, threads);
    const ggml_backend_buffer_ptr memory = make_weights(lanes.front().backend.get());
    const auto start = Steady::now();
    for (const ggml_type type : measured_types) {
        if (Steady::now() - start > budget) {
            break;
        }
        const Seconds slice = budget / static_cast<double>(measured_types.size());
        if (const double rate = measure_type(lanes, memory.get(), type, slice); rate > 0) {
            throughput[type_label(type)] = rate;
        }
    }
    return {{"throughput", std::move(throughput)}};
}

int number(const Json& settings, const char* name, int fallback) {
    const auto found = settings.find(name);
    if (found == settings.end()) {
        return fallback;
    }
    if (!found->is_number_integer() || *found < 0 || *found > 100'000) {
        throw Failure(HEARTH_E_INVALID, std::string("\"") + name + "\" must be 0 … 100000");
    }
    return found->get<int>();
}

std::vector<ggml_backend_dev_t> devices_to_measure() {
    std::vector<ggml_backend_dev_t> devices;
    for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
        const ggml_backend_dev_t device = ggml_backend_dev_get(i);
        if (ggml_backend_dev_type(device) != GGML_BACKEND_DEVICE_TYPE_ACCEL) { // helpers of the CPU
            devices.push_back(device);
        }
    }
    return devices;
}

} // namespace

Json measure_devices(const Json& settings) {
    const int wanted = number(settings, "threads", 0);
    const int threads = wanted > 0 ? wanted : common_cpu_get_num_physical_cores();
    const Seconds budget(number(settings, "milliseconds", 2000) / 1000.0);
    const std::vector<ggml_backend_dev_t> devices = devices_to_measure();
    Json result = Json::object();
    for (const ggml_backend_dev_t device : devices) {
        result[device_id(device)] =
            measure_device(device, threads, budget / static_cast<double>(devices.size()));
    }
    return result;
}

} // namespace hearth::llama
