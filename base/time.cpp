#include "base/time.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <limits>

namespace hearth {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t nanoseconds;
};
constexpr std::array<Unit, 8> units{{
    {"ns", 1},
    {"us", 1'000},
    {"\xC2\xB5s", 1'000},
    {"\xCE\xBCs", 1'000}, // micro sign and Greek mu, as Go
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
}};

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

/// Reads "<number><unit>" parts off the front of a text.
class DurationReader {
  public:
    explicit DurationReader(std::string_view text) : whole_(text), rest_(text) {}

    std::chrono::nanoseconds read() {
        const bool negative = take('-');
        if (!negative) {
            take('+');
        }
        if (rest_ == "0") { // the one number that needs no unit
            return std::chrono::nanoseconds(0);
        }
        long double total = 0;
        do {
            total += read_part();
        } while (!rest_.empty());
        if (total > static_cast<long double>(std::numeric_limits<std::int64_t>::max())) {
            refuse("is too long a time");
        }
        const auto count = static_cast<std::int64_t>(total);
        return std::chrono::nanoseconds(negative ? -count : count);
    }

  private:
    [[noreturn]] void refuse(const char* why) const {
        throw Error(ErrorCode::invalid_argument, fmt::format("duration \"{}\" {}", whole_.substr(0, 60), why),
                    "write it as 5m, 1h30m, 300ms or -1s");
    }

    bool take(char c) {
        if (rest_.empty() || rest_.front() != c) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }

    /// x87 and IEEE quad hold every int64 exactly, so whole units stay exact.
    long double read_number() {
        long double number = 0;
        std::size_t digits = 0;
        for (; !rest_.empty() && is_digit(rest_.front()); rest_.remove_prefix(1), ++digits) {
            number = number * 10 + (rest_.front() - '0');
        }
        if (take('.')) {
            long double scale = 1;
            for (; !rest_.empty() && is_digit(rest_.front()); rest_.remove_prefix(1), ++digits) {
                scale *= 10;
                number += (rest_.front() - '0') / scale;
            }
        }
        if (digits == 0) {
            refuse("is not a duration");
        }
        return number;
    }

    long double read_part() {
        const long double number = read_number();
        std::size_t length = 0;
        while (length < rest_.size() && rest_[length] != '.' && !is_digit(rest_[length])) {
            ++length;
        }
        const std::string_view name = rest_.substr(0, length);
        rest_.remove_prefix(length);
        for (const Unit& unit : units) {
            if (unit.name == name) {
                return std::round(number * static_cast<long double>(unit.nanoseconds));
            }
        }
        refuse(name.empty() ? "has a number without a unit" : "has an unknown unit");
    }

    std::string_view whole_;
    std::string_view rest_;
};

class SystemClock final : public Clock {
  public:
    WallTime now() const override { return std::chrono::system_clock::now(); }
    std::chrono::steady_clock::time_point steady_now() const override {
        return std::chrono::steady_clock::now();
    }
};

} // namespace

std::string to_rfc3339(WallTime time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const auto fraction = std::chrono::duration_cast<std::chrono::nanoseconds>(time - seconds).count();
    const std::time_t whole = std::chrono::system_clock::to_time_t(seconds);
    std::tm parts{};
    ::gmtime_r(&whole, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, fraction);
}

std::chrono::nanoseconds parse_go_duration(std::string_view text) {
    return DurationReader(text).read();
}

const Clock& system_clock() {
    static const SystemClock clock;
    return clock;
}

} // namespace hearth
