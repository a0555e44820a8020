#include "tray/model/icon.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace hearth::tray {
namespace {

constexpr double units = 64; // of a side of the drawing
constexpr int samples = 4;   // of a pixel, in each direction

constexpr std::string_view flame = "M 33 3 C 36 14 52 21 52 39 C 52 50 43 55 32 55 C 21 55 12 50 12 39 "
                                   "C 12 30 17 25 20 19 C 22 23 24 25 26 26 C 26 17 28 9 33 3 Z";
constexpr std::string_view core =
    "M 33 27 C 35 33 42 36 42 43 C 42 49 38 52 32 52 C 26 52 22 49 22 43 C 22 36 31 34 33 27 Z";
constexpr std::string_view log =
    "M 10 54 L 54 54 C 57 54 59 56 59 58 C 59 60 57 62 54 62 L 10 62 C 7 62 5 60 5 58 C 5 56 7 54 10 54 Z";
constexpr std::string_view mark =
    "M 50 26 C 57 26 62 31 62 38 C 62 45 57 50 50 50 C 43 50 38 45 38 38 C 38 31 43 26 50 26 Z";
constexpr std::string_view stroke = "M 48 30 L 52 30 L 52 40 L 48 40 Z M 48 42 L 52 42 L 52 46 L 48 46 Z";

constexpr std::uint32_t orange = 0xF0702A;
constexpr std::uint32_t yellow = 0xFFD166;
constexpr std::uint32_t brown = 0xA5673F;
constexpr std::uint32_t grey = 0x9A9A9A;
constexpr std::uint32_t light_grey = 0xC4C4C4;
constexpr std::uint32_t ember = 0xC98A62;
constexpr std::uint32_t blue = 0x6F8FB5;
constexpr std::uint32_t light_blue = 0x3FA7F5;
constexpr std::uint32_t trough = 0x707070; // seen on dark panels and on light ones
constexpr std::uint32_t red = 0xD7263D;
constexpr std::uint32_t white = 0xFFFFFF;

struct Point {
    double x = 0;
    double y = 0;
};
using Outline = std::vector<Point>;

/// Reads the words of path data. Our own constants: what is wrong in them ends the outline.
class PathReader {
  public:
    explicit PathReader(std::string_view path) : rest_(path) {}

    std::vector<Outline> read() {
        for (std::string_view word = next(); !word.empty(); word = next()) {
            step(word.front());
        }
        return std::move(outlines_);
    }

  private:
    std::string_view next() {
        const auto begin = std::min(rest_.find_first_not_of(' '), rest_.size());
        const auto end = std::min(rest_.find(' ', begin), rest_.size());
        const std::string_view word = rest_.substr(begin, end - begin);
        rest_.remove_prefix(end);
        return word;
    }
    double number() {
        const std::string_view word = next();
        double value = 0;
        std::from_chars(word.data(), word.data() + word.size(), value);
        return value;
    }
    Point point() {
        const double x = number();
        return {x, number()};
    }
    void step(char command) {
        if (command == 'M') {
            outlines_.push_back({point()});
        } else if (command == 'L') {
            outlines_.back().push_back(point());
        } else if (command == 'C') {
            curve();
        }
    }
    void curve() {
        constexpr int pieces = 12;
        const Point a = outlines_.back().back();
        const Point b = point();
        const Point c = point();
        const Point d = point();
        for (int piece = 1; piece <= pieces; ++piece) {
            const double t = static_cast<double>(piece) / pieces;
            const double u = 1 - t;
            const auto along = [&](double p, double q, double r, double s) {
                return u * u * u * p + 3 * u * u * t * q + 3 * u * t * t * r + t * t * t * s;
            };
            outlines_.back().push_back({along(a.x, b.x, c.x, d.x), along(a.y, b.y, c.y, d.y)});
        }
    }

    std::string_view rest_;
    std::vector<Outline> outlines_;
};

/// Whether the point is inside, by the edges that a ray to the right crosses.
bool contains(const std::vector<Outline>& outlines, Point point) {
    bool inside = false;
    for (const Outline& outline : outlines) {
        for (std::size_t i = 0; i < outline.size(); ++i) {
            const Point& a = outline[i];
            const Point& b = outline[(i + 1) % outline.size()];
            const bool crosses = (a.y > point.y) != (b.y > point.y);
            if (crosses && point.x < (b.x - a.x) * (point.y - a.y) / (b.y - a.y) + a.x) {
                inside = !inside;
            }
        }
    }
    return inside;
}

/// How much of a pixel is inside: 0 … 1.
double coverage(const std::vector<Outline>& outlines, int x, int y, int size) {
    int hits = 0;
    for (int sample = 0; sample < samples * samples; ++sample) {
        const double dx = (sample % samples + 0.5) / samples;
        const double dy =
            (sample / samples + 0.5) / samples; // NOLINT(bugprone-integer-division): the row of samples
        hits += contains(outlines, {(x + dx) * units / size, (y + dy) * units / size}) ? 1 : 0;
    }
    return static_cast<double>(hits) / (samples * samples);
}

/// Lays a colour over a pixel.
void blend(std::uint8_t* argb, std::uint32_t rgb, double alpha) {
    const double below = argb[0] / 255.0;
    const double above = alpha + below * (1 - alpha);
    if (above <= 0) {
        return;
    }
    for (int channel = 0; channel < 3; ++channel) {
        const double colour = (rgb >> (16 - 8 * channel)) & 0xFFu;
        const double mixed = (colour * alpha + argb[1 + channel] * below * (1 - alpha)) / above;
        argb[1 + channel] = static_cast<std::uint8_t>(std::lround(mixed));
    }
    argb[0] = static_cast<std::uint8_t>(std::lround(above * 255));
}

void fill(Pixmap& pixmap, const std::vector<Outline>& outlines, std::uint32_t rgb) {
    for (int y = 0; y < pixmap.height; ++y) {
        for (int x = 0; x < pixmap.width; ++x) {
            const double covered = coverage(outlines, x, y, pixmap.width);
            if (covered > 0) {
                blend(&pixmap.argb[4 * (static_cast<std::size_t>(y) * pixmap.width + x)], rgb, covered);
            }
        }
    }
}

Outline rectangle(double left, double top, double right, double bottom) {
    return {{left, top}, {right, top}, {right, bottom}, {left, bottom}};
}

void draw_bar(Pixmap& pixmap, int twentieths) {
    constexpr double left = 2;
    constexpr double right = 62;
    const double end = left + (right - left) * std::clamp(twentieths, 0, 20) / 20;
    fill(pixmap, {rectangle(0, 50, 64, 64)}, trough);
    fill(pixmap, {rectangle(left, 52, end, 62)}, light_blue);
}

} // namespace

std::vector<IconShape> icon_shapes(IconKind kind) {
    switch (kind) {
    case IconKind::idle:
        return {{flame, ember}, {log, brown}};
    case IconKind::active:
        return {{flame, orange}, {core, yellow}, {log, brown}};
    case IconKind::busy:
        return {{flame, orange}, {core, yellow}, {log, light_blue}};
    case IconKind::asleep:
        return {{core, blue}, {log, blue}};
    case IconKind::attention:
        return {{flame, orange}, {core, yellow}, {log, brown}, {mark, red}, {stroke, white}};
    case IconKind::stopped:
        break;
    }
    return {{flame, grey}, {core, light_grey}, {log, grey}};
}

Pixmap draw_icon(IconKind kind, std::optional<int> progress_twentieths, int size) {
    Pixmap pixmap{size, size, {}};
    pixmap.argb.resize(4 * static_cast<std::size_t>(size) * size);
    for (const IconShape& shape : icon_shapes(kind)) {
        fill(pixmap, PathReader(shape.path).read(), shape.rgb);
    }
    if (progress_twentieths) {
        draw_bar(pixmap, *progress_twentieths);
    }
    return pixmap;
}

} // namespace hearth::tray
