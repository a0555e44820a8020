#include "runtime/host/read_ahead.hpp"

#include "base/log.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <system_error>

namespace hearth::runtime {

namespace {

constexpr off_t step_bytes = off_t{8} << 20; // how long the destructor may wait: the time to ask for so much

} // namespace

ReadAhead::ReadAhead(const std::vector<UniqueFd>& files) {
    std::vector<int> descriptors;
    std::ranges::transform(files, std::back_inserter(descriptors), &UniqueFd::get);
    try {
        thread_ = std::jthread(
            [descriptors = std::move(descriptors)](const std::stop_token& stop) { read(stop, descriptors); });
    } catch (const std::system_error&) { // no thread to be had: the load reads for itself
        log::debug("runner", "nobody reads ahead");
    }
}

void ReadAhead::read(const std::stop_token& stop, const std::vector<int>& descriptors) {
    for (const int descriptor : descriptors) {
        struct stat file{};
        const off_t size = ::fstat(descriptor, &file) == 0 && S_ISREG(file.st_mode) ? file.st_size : 0;
        for (off_t at = 0; at < size && !stop.stop_requested(); at += step_bytes) {
            if (::readahead(descriptor, at, step_bytes) != 0) {
                break; // not every file system can
            }
        }
    }
}

} // namespace hearth::runtime
