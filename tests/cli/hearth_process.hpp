#pragma once

#include "base/json.hpp"
#include "base/unique_fd.hpp"
#include "tests/base/temporary_dir.hpp"
#include "tests/protocol/fake_service.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace hearth::testing {

struct ProgramResult {
    int exit_code = -1; ///< 128 + signal when it was killed
    std::string out;
    std::string err;
};

/// A `hearth` that runs, with pipes or a terminal.
class HearthProcess {
  public:
    using Environment = std::map<std::string, std::string>;

    /// With pipes. @param input  all of stdin
    HearthProcess(const std::string& program, const std::vector<std::string>& arguments,
                  const Environment& environment, const std::string& input);
    ~HearthProcess();
    HearthProcess(const HearthProcess&) = delete;

    void signal(int number) const;
    /// Reads stdout until it holds `text`; fails the test when it ends before.
    void wait_for_out(const std::string& text);
    /// Reads both streams to their ends and reaps.
    ProgramResult finish();

  private:
    pid_t pid_ = -1;
    UniqueFd out_;
    UniqueFd err_;
    ProgramResult result_;
};

/// A fake service and the environment that makes `hearth` find it.
class HearthProgramTest : public ::testing::Test {
  protected:
    HearthProgramTest();
    /// Ends the fake service while what its handlers refer to is still there.
    void TearDown() override { service_.reset(); }

    ProgramResult hearth(const std::vector<std::string>& arguments, const std::string& input = "");
    /// Runs with --json added and parses stdout, one value a line.
    std::vector<Json> hearth_json(std::vector<std::string> arguments);

    TemporaryDir dir_;
    HearthProcess::Environment environment_;
    std::optional<FakeService> service_;
    std::string program_ = HEARTH_PROGRAM;
};

} // namespace hearth::testing
