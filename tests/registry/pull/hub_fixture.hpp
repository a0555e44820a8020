#pragma once

#include "base/sha256.hpp"
#include "tests/registry/pull/fake_origin.hpp"

#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

namespace hearth::registry::testing {

/// A repository of the Hub inside a FakeOrigin: its info, its tree in pages, its files.
class FakeHub {
  public:
    static constexpr const char* endpoint = "https://hub.test";
    static constexpr const char* commit = "0123456789abcdef0123456789abcdef01234567";

    FakeHub(FakeOrigin& origin, std::string name) : origin_(origin), name_(std::move(name)) {}

    void add(const std::string& path, const std::string& content, bool large = true) {
        const std::string lfs = large ? fmt::format(R"(,"lfs":{{"oid":"{}","size":{},"pointerSize":135}})",
                                                    sha256_of(content).hex(), content.size())
                                      : "";
        entries_.push_back(fmt::format(R"({{"type":"file","oid":"{}","size":{},"path":"{}"{}}})",
                                       std::string(40, 'b'), content.size(), path, lfs));
        origin_.add(file_url(path), content,
                    large ? std::map<std::string, std::string>{}
                          : std::map<std::string, std::string>{{"etag", "\"git\""}});
    }

    /// Puts the repository on its server, `per_page` entries on a page.
    void serve(std::size_t per_page = 1000) {
        origin_.add(info_url(), fmt::format(R"({{"id":"{}","sha":"{}"}})", name_, commit));
        for (std::size_t start = 0; start == 0 || start < entries_.size(); start += per_page) {
            std::string body;
            for (std::size_t at = start; at < std::min(start + per_page, entries_.size()); ++at) {
                body += (body.empty() ? "" : ",") + entries_[at];
            }
            std::map<std::string, std::string> headers;
            if (start + per_page < entries_.size()) {
                headers["link"] =
                    fmt::format("<https://elsewhere.test/x?cursor={}>; rel=\"next\"", start + per_page);
            }
            const std::string query = start == 0 ? "recursive=true" : fmt::format("cursor={}", start);
            origin_.add(tree_url() + "?" + query, "[" + body + "]", headers);
        }
    }

    std::string info_url() const { return fmt::format("{}/api/models/{}/revision/main", endpoint, name_); }
    std::string tree_url() const { return fmt::format("{}/api/models/{}/tree/{}", endpoint, name_, commit); }
    std::string file_url(const std::string& path) const {
        return fmt::format("{}/{}/resolve/{}/{}", endpoint, name_, commit, path);
    }

  private:
    FakeOrigin& origin_;
    std::string name_;
    std::vector<std::string> entries_;
};

} // namespace hearth::registry::testing
