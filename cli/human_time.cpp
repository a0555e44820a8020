#include "cli/human_time.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace hearth::cli {
namespace {

/// Takes fixed-width numbers and separators off the front.
class FieldReader {
  public:
    explicit FieldReader(std::string_view text) : rest_(text) {}

    int number(std::size_t digits) {
        int value = 0;
        const std::string_view field = rest_.substr(0, digits);
        const auto [end, failure] = std::from_chars(field.data(), field.data() + field.size(), value);
        if (field.size() != digits || failure != std::errc() || end != field.data() + digits ||
            field.front() == '-') {
            failed_ = true;
            return 0;
        }
        rest_.remove_prefix(digits);
        return value;
    }
    bool take(std::string_view any_of) {
        if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }
    void expect(std::string_view any_of) { failed_ = !take(any_of) || failed_; }
    void skip_digits() {
        while (take("0123456789")) {
        }
    }
    bool starts_with(char c) const { return rest_.starts_with(c); }
    bool ended_well() const { return !failed_ && rest_.empty(); }

  private:
    std::string_view rest_;
    bool failed_ = false;
};

std::chrono::minutes read_offset(FieldReader& reader) {
    if (reader.take("Zz")) {
        return std::chrono::minutes(0);
    }
    const bool west = reader.starts_with('-');
    reader.expect("+-");
    const int hours = reader.number(2);
    reader.expect(":");
    const auto offset = std::chrono::hours(hours) + std::chrono::minutes(reader.number(2));
    return west ? -offset : offset;
}

struct Unit {
    std::chrono::seconds length;
    std::string_view name;
};
constexpr std::array<Unit, 6> units{{
    {std::chrono::years(1), "year"},
    {std::chrono::months(1), "month"},
    {std::chrono::weeks(1), "week"},
    {std::chrono::days(1), "day"},
    {std::chrono::hours(1), "hour"},
    {std::chrono::minutes(1), "minute"},
}};

std::string count_of(std::chrono::seconds duration) {
    for (const Unit& unit : units) {
        if (duration >= unit.length) {
            const auto count = duration / unit.length;
            return fmt::format("{} {}{}", count, unit.name, count == 1 ? "" : "s");
        }
    }
    return duration.count() == 1 ? "1 second" : fmt::format("{} seconds", duration.count());
}

} // namespace

std::optional<Seconds> parse_rfc3339(std::string_view text) {
    using namespace std::chrono;
    FieldReader reader(text);
    const int year_number = reader.number(4);
    reader.expect("-");
    const int month_number = reader.number(2);
    reader.expect("-");
    const int day_number = reader.number(2);
    reader.expect("Tt ");
    const hours hour(reader.number(2));
    reader.expect(":");
    const minutes minute(reader.number(2));
    reader.expect(":");
    const seconds second(reader.number(2));
    if (reader.take(".")) {
        reader.skip_digits();
    }
    const minutes offset = read_offset(reader);
    const year_month_day date(year(year_number), month(static_cast<unsigned>(month_number)),
                              day(static_cast<unsigned>(day_number)));
    if (!reader.ended_well() || !date.ok()) {
        return std::nullopt;
    }
    return sys_days(date) + hour + minute + second - offset;
}

std::string relative_time(Seconds time, Seconds now) {
    const std::chrono::seconds ahead = time - now;
    if (ahead > std::chrono::years(20)) {
        return "Forever";
    }
    if (ahead.count() == 0) {
        return "now";
    }
    return ahead.count() > 0 ? count_of(ahead) + " from now" : count_of(-ahead) + " ago";
}

std::string short_duration(std::chrono::seconds duration) {
    const auto count = duration.count();
    if (count >= 3600) {
        return fmt::format("{}h{:02}m", count / 3600, count % 3600 / 60);
    }
    return count >= 60 ? fmt::format("{}m{:02}s", count / 60, count % 60) : fmt::format("{}s", count);
}

} // namespace hearth::cli
