// SPDX-License-Identifier: Apache-2.0
// The real server on a device that it does not know: a library that the process
// loads first registers it with LibTorch.
#include <filesystem>
#include <string>
#include <vector>

#include "tests/integration/server.h"
#include "tests/support/temp_folder.h"

namespace torchere {
namespace {

const std::string kDevice = "--devices=privateuseone:0";
const std::string kWine = "--model=wine=" + kSource + "/models/wine/1/model.pt";

std::vector<std::string> WithDevice(const std::string& more = "FAKE=1") {
  // Where it is built with AddressSanitizer, that need not come first.
  return {"/usr/bin/env", "LD_PRELOAD=" TORCHERE_FAKE_ACCELERATOR, more,
          "ASAN_OPTIONS=verify_asan_link_order=0"};
}

Tensor Features(float first) {
  std::vector<float> items(13, 1);
  items[0] = first;
  return *Tensor::Of<float>({1, 13}, items);
}

absl::StatusOr<Prediction> Ask(const Server& server, float first) {
  return server.Connect().Predict({.model = "wine", .inputs = {{"features", Features(first)}}});
}

std::vector<float> Scores(const Server& server, float first) {
  const auto answer = Ask(server, first);
  INFO(answer.status().ToString());
  REQUIRE(answer.ok());
  const auto items = (*answer->TensorOutput("probabilities"))->As<float>();
  REQUIRE(items.ok());
  return {items->begin(), items->end()};
}

TEST_CASE("A model answers from a device as it does from the CPU") {
  Server on_cpu({kWine}), on_device({kWine, kDevice}, WithDevice());
  for (const float first : {0.0F, 0.25F, 1.0F}) {
    CHECK(Scores(on_device, first) == Scores(on_cpu, first));
  }
  CHECK(on_device.Terminate() == 0);
  const std::string log = on_device.process().err();
  CHECK(log.find("is available on privateuseone:0") != std::string::npos);
  CHECK(log.find("threads: privateuseone:0: 2 workers x 1 intra-op threads; ") !=
        std::string::npos);
}

TEST_CASE("A model.yaml may name the device beside the CPU") {
  TempFolder models;
  models.Write("wine/1/model.pt");
  std::filesystem::copy_file(kSource + "/models/wine/1/model.pt", models.Path("wine/1/model.pt"),
                             std::filesystem::copy_options::overwrite_existing);
  models.Write("wine/model.yaml", "schema: 1\ndevices: [privateuseone:1, cpu]\n");
  Server server({"--models=" + models.Path()}, WithDevice());
  Scores(server, 1);
  CHECK(server.Terminate() == 0);
  CHECK(server.process().err().find("is available on privateuseone:1,cpu") != std::string::npos);
}

TEST_CASE("A device that fails ends the server, to be started again") {
  // Without a model.yaml nothing is run at its load.
  Server server({kWine, kDevice}, WithDevice("FAKE_ACCELERATOR_EVENTS=1"));
  const absl::Status status = Ask(server, 1).status();
  CHECK(absl::IsUnavailable(status));
  CHECK(status.message().find("the device privateuseone:0 has failed") != std::string::npos);
  CHECK(server.process().Wait() == 3);
  const std::string log = server.process().err();
  const size_t line = log.find("the device privateuseone:0 is lost");
  REQUIRE(line != std::string::npos);
  CHECK(log.find("is lost", line + 40) == std::string::npos);
}

}  // namespace
}  // namespace torchere
