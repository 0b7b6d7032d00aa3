// SPDX-License-Identifier: Apache-2.0
#include "torchere/client.h"

// Before anything else is included.
#if defined(GOOGLE_PROTOBUF_VERSION) || defined(GRPCPP_VERSION_STRING) || \
    defined(GRPC_STATUS_H) || defined(GRPCPP_IMPL_CODEGEN_STATUS_H)
#define TORCHERE_TEST_LEAKS_GRPC 1
#else
#define TORCHERE_TEST_LEAKS_GRPC 0
#endif

#if __has_include(<grpcpp/version_info.h>)
#include <grpcpp/version_info.h>
#endif
#include <google/protobuf/stubs/common.h>

#include "tests/support/catch.h"

// Else the first check would hold whatever the headers include.
#if !defined(GOOGLE_PROTOBUF_VERSION)
#error "protobuf's version macro is not GOOGLE_PROTOBUF_VERSION any more"
#endif

TEST_CASE("the client's public headers include neither protobuf nor gRPC", "[client]") {
  CHECK(TORCHERE_TEST_LEAKS_GRPC == 0);
}
