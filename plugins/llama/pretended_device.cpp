#include "plugins/llama/pretended_device.hpp"

#include <ggml-backend.h>
#include <ggml.h>
#include <ggml/src/ggml-backend-impl.h>

#include <array>
#include <utility>

namespace hearth::llama {

/// What the engine sees of one device.
struct PretendedEntry {
    PretendedDevice device;
    std::string host_name;
    ggml_backend_device handle;
    ggml_backend_buffer_type buffers;
    ggml_backend_buffer_type host_buffers; ///< pinned memory of the host, for what travels
};

namespace {

// CUDA's, see ggml-cuda.cu: buffer type alignment, MATRIX_ROW_PADDING, and the batch from which an operation on
// host weights is worth copying them.
constexpr std::size_t alignment = 128;
constexpr std::size_t host_alignment = 32;
constexpr std::int64_t row_padding = 512;
constexpr std::int64_t offload_batch = 32;

/// Never read or written; aligned, as ggml asserts.
void* const nowhere = reinterpret_cast<void*>(std::uintptr_t{4096}); // NOLINT(performance-no-int-to-ptr)

PretendedEntry& entry_of(ggml_backend_dev_t device) {
    return *static_cast<PretendedEntry*>(device->context);
}

const char* name_of(ggml_backend_dev_t device) {
    return entry_of(device).device.id.c_str();
}

void memory_of(ggml_backend_dev_t device, std::size_t* free, std::size_t* total) {
    *free = *total = entry_of(device).device.bytes;
}

enum ggml_backend_dev_type type_of(ggml_backend_dev_t /*device*/) {
    return GGML_BACKEND_DEVICE_TYPE_GPU;
}

void properties_of(ggml_backend_dev_t device, ggml_backend_dev_props* properties) {
    *properties = {.name = name_of(device),
                   .description = name_of(device),
                   .memory_free = entry_of(device).device.bytes,
                   .memory_total = entry_of(device).device.bytes,
                   .type = GGML_BACKEND_DEVICE_TYPE_GPU,
                   .device_id = nullptr,
                   .caps = {.async = true,
                            .host_buffer = true,
                            .buffer_from_host_ptr = false,
                            .events = true,
                            .mmap_support = true}};
}

// Buffers: a size without memory. Recurrent state and output are "allocated" even in a dry run.

std::size_t bytes_of(ggml_backend_buffer_type_t /*type*/, const ggml_tensor* tensor) {
    std::size_t bytes = ggml_nbytes(tensor);
    const std::int64_t rest = tensor->ne[0] % row_padding;
    if (ggml_is_quantized(tensor->type) && rest != 0) {
        bytes += ggml_row_size(tensor->type, row_padding - rest);
    }
    return bytes;
}

ggml_backend_buffer_t make_buffer(ggml_backend_buffer_type_t type, std::size_t size) {
    const ggml_backend_buffer_i interface = {
        .free_buffer = nullptr,
        .get_base = [](ggml_backend_buffer_t) { return nowhere; },
        .init_tensor = nullptr,
        .memset_tensor = [](ggml_backend_buffer_t, ggml_tensor*, std::uint8_t, std::size_t, std::size_t) {},
        .set_tensor = [](ggml_backend_buffer_t, ggml_tensor*, const void*, std::size_t, std::size_t) {},
        .get_tensor = [](ggml_backend_buffer_t, const ggml_tensor*, void*, std::size_t, std::size_t) {},
        .set_tensor_2d = nullptr,
        .get_tensor_2d = nullptr,
        .cpy_tensor = nullptr,
        .clear = [](ggml_backend_buffer_t, std::uint8_t) {},
        .reset = nullptr};
    return ggml_backend_buffer_init(type, interface, nullptr, size);
}

// The stream of work: there is none.

const char* stream_name(ggml_backend_t backend) {
    return name_of(backend->device);
}

void free_stream(ggml_backend_t backend) {
    delete backend;
}

ggml_guid_t stream_guid() {
    static std::array<std::uint8_t, 16> guid = {0x68, 0x65, 0x61, 0x72, 0x74, 0x68, 0x70, 0x72,
                                                0x65, 0x74, 0x65, 0x6e, 0x64, 0x65, 0x64, 0x01};
    return reinterpret_cast<ggml_guid_t>(guid.data());
}

ggml_backend_t make_stream(ggml_backend_dev_t device, const char* /*parameters*/) {
    ggml_backend_i interface{};
    interface.get_name = stream_name;
    interface.free = free_stream;
    interface.synchronize = [](ggml_backend_t) {};
    interface.graph_compute = [](ggml_backend_t, ggml_cgraph*) { return GGML_STATUS_FAILED; };
    interface.event_record = [](ggml_backend_t, ggml_backend_event_t) {};
    interface.event_wait = [](ggml_backend_t, ggml_backend_event_t) {};
    return new ggml_backend{stream_guid(), interface, device, nullptr};
}

ggml_backend_buffer_type_t buffers_of(ggml_backend_dev_t device) {
    return &entry_of(device).buffers;
}

bool can_use(ggml_backend_dev_t device, ggml_backend_buffer_type_t type) {
    return type == buffers_of(device);
}

std::int64_t batch_of(const ggml_tensor* operation) {
    switch (operation->op) {
    case GGML_OP_GET_ROWS:
        return 0;
    case GGML_OP_MUL_MAT:
        return operation->ne[1];
    case GGML_OP_MUL_MAT_ID:
    case GGML_OP_ROPE:
    case GGML_OP_ROPE_BACK:
        return operation->ne[2];
    default:
        return ggml_nrows(operation);
    }
}

ggml_backend_event_t make_event(ggml_backend_dev_t device) {
    return new ggml_backend_event{device, nullptr};
}

void free_event(ggml_backend_dev_t /*device*/, ggml_backend_event_t event) {
    delete event;
}

constexpr ggml_backend_device_i device_interface = {
    .get_name = name_of,
    .get_description = name_of,
    .get_memory = memory_of,
    .get_type = type_of,
    .get_props = properties_of,
    .init_backend = make_stream,
    .get_buffer_type = buffers_of,
    .get_host_buffer_type = [](ggml_backend_dev_t device) { return &entry_of(device).host_buffers; },
    .buffer_from_host_ptr = nullptr,
    .supports_op = [](ggml_backend_dev_t, const ggml_tensor*) { return true; },
    .supports_buft = can_use,
    .offload_op = [](ggml_backend_dev_t,
                     const ggml_tensor* operation) { return batch_of(operation) >= offload_batch; },
    .event_new = make_event,
    .event_free = free_event,
    .event_synchronize = [](ggml_backend_dev_t, ggml_backend_event_t) {}};

/// The engine asks devices for their registry, to look for optional functions: there are none.
ggml_backend_reg registry = {
    .api_version = GGML_BACKEND_API_VERSION,
    .iface = {.get_name = [](ggml_backend_reg_t) { return "pretended"; },
              .get_device_count = [](ggml_backend_reg_t) { return std::size_t{0}; },
              .get_device = [](ggml_backend_reg_t, std::size_t) -> ggml_backend_dev_t { return nullptr; },
              .get_proc_address = [](ggml_backend_reg_t, const char*) -> void* { return nullptr; }},
    .context = nullptr};

constexpr ggml_backend_buffer_type_i buffers_interface = {
    .get_name = [](ggml_backend_buffer_type_t type) { return name_of(type->device); },
    .alloc_buffer = make_buffer,
    .get_alignment = [](ggml_backend_buffer_type_t) { return alignment; },
    .get_max_size = nullptr,
    .get_alloc_size = bytes_of,
    .is_host = [](ggml_backend_buffer_type_t) { return false; }};

constexpr ggml_backend_buffer_type_i host_buffers_interface = {
    .get_name = [](ggml_backend_buffer_type_t type) { return entry_of(type->device).host_name.c_str(); },
    .alloc_buffer = make_buffer,
    .get_alignment = [](ggml_backend_buffer_type_t) { return host_alignment; },
    .get_max_size = nullptr,
    .get_alloc_size = nullptr,
    .is_host = [](ggml_backend_buffer_type_t) { return true; }};

} // namespace

PretendedDevices::PretendedDevices(const std::vector<PretendedDevice>& devices) {
    for (const PretendedDevice& device : devices) {
        auto entry = std::make_unique<PretendedEntry>();
        entry->device = device;
        entry->host_name = device.id + "_Host";
        entry->handle = {device_interface, &registry, entry.get()};
        entry->buffers = {buffers_interface, &entry->handle, nullptr};
        entry->host_buffers = {host_buffers_interface, &entry->handle, nullptr};
        entries_.push_back(std::move(entry));
    }
}

PretendedDevices::~PretendedDevices() = default;

std::vector<ggml_backend_device*> PretendedDevices::list() const {
    std::vector<ggml_backend_device*> devices;
    devices.reserve(entries_.size() + 1);
    for (const auto& entry : entries_) {
        devices.push_back(&entry->handle);
    }
    if (!devices.empty()) {
        devices.push_back(nullptr);
    }
    return devices;
}

} // namespace hearth::llama
