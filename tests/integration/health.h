// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/support/catch.h"

namespace torchere {

// What grpc.health.v1.Health/Check says of a part: "", "models/NAME".
inline grpc::health::v1::HealthCheckResponse::ServingStatus StatusOf(
    grpc::health::v1::Health::StubInterface& health, const std::string& part) {
  grpc::ClientContext context;
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(part);
  grpc::health::v1::HealthCheckResponse response;
  REQUIRE(health.Check(&context, request, &response).ok());
  return response.status();
}

}  // namespace torchere
