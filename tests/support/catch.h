// SPDX-License-Identifier: Apache-2.0
#pragma once

// Catch2 of either major version: 3 where it is packaged, 2.13 on Debian 12.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;  // NOLINT: version 2 has it there
#else
#include <catch2/catch.hpp>
#endif
