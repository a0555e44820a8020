#include "tests/simulator/hardware.hpp"

namespace hearth::simulator {
namespace {

constexpr double weights = 0.9;
constexpr double disk_speed = 1.5; // gigabytes per second
constexpr double efficiency = 0.6;
constexpr Seconds process_start{0.3};

std::uint64_t bytes(double gigabytes) {
    return static_cast<std::uint64_t>(gigabytes * 1e9);
}

} // namespace

PretendedModel model_on(const Hardware& hardware, std::string name, double gigabytes) {
    const double read = weights * gigabytes;
    return {.name = std::move(name),
            .bytes = {{hardware.device, bytes(gigabytes)}},
            .reload = process_start + Seconds(read / disk_speed),
            .prompt_speed = hardware.prompt_speed / read,
            .answer_speed = efficiency * hardware.memory_speed / read,
            .device = hardware.device};
}

PretendedModel split_model(const Hardware& hardware, std::string name, double gigabytes_there,
                           double gigabytes_in_ram) {
    PretendedModel model = model_on(hardware, std::move(name), gigabytes_there + gigabytes_in_ram);
    model.bytes = {{hardware.device, bytes(gigabytes_there)}, {notebook.device, bytes(gigabytes_in_ram)}};
    const double seconds_per_token =
        weights / efficiency *
        (gigabytes_there / hardware.memory_speed + gigabytes_in_ram / notebook.memory_speed);
    model.answer_speed = 1 / seconds_per_token;
    model.prompt_speed /= 3; // weights in RAM are brought to the card for each batch
    return model;
}

} // namespace hearth::simulator
