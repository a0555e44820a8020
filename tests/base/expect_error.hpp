#pragma once

#include "base/error.hpp"

#include <gtest/gtest.h>

#include <string>

namespace hearth::testing {

/// Runs `action`, expects an Error of that code, and returns its text for closer looks.
template <class Action> std::string expect_error(ErrorCode code, Action action) {
    try {
        action();
    } catch (const Error& error) {
        EXPECT_EQ(code_name(error.code()), code_name(code)) << error.what();
        return error.what();
    }
    ADD_FAILURE() << "no Error was thrown, expected " << code_name(code);
    return {};
}

} // namespace hearth::testing
