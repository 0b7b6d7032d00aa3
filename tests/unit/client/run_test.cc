// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/run.h"

#include <atomic>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "client/cpp/cli/json.h"
#include "client/cpp/cli/npy.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/client/fake_server.h"

namespace torchere::cli {
namespace {

using testing::FakeServer;
using testing::Refusal;

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

Outcome RunAt(const std::string& server, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"torchere", "--server=" + server});
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  std::ostringstream out;
  std::ostringstream err;
  Console console = {.out = out, .err = err};
  const int code = Run(static_cast<int>(argv.size()), argv.data(), console);
  return {code, out.str(), err.str()};
}

// A server of the model "pets": forward(x: Tensor, sizes: List[int] = []) gives
// back x as `p`, with labels, and what came as `sizes`.
class Pets {
 public:
  // After so many answers it has no room for more.
  explicit Pets(int refuse_after = std::numeric_limits<int>::max()) : left_(refuse_after) {
    server_.on_signature = [](auto&, const auto& request, auto& response) {
      return Sign(request, response);
    };
    server_.on_predict = [this](auto&, const auto& request, auto& response) {
      if (left_-- > 0) return Answer(request, response);
      return Refusal(grpc::StatusCode::RESOURCE_EXHAUSTED, "full", "QUEUE_FULL");
    };
    server_.on_list = [](auto&, const auto&, v1::ListModelsResponse& response) {
      response.add_models()->set_name("pets");
      response.add_models()->set_name("wine");
      return grpc::Status::OK;
    };
    server_.on_status = [](auto&, const v1::GetModelStatusRequest& request, auto& response) {
      response.mutable_model()->set_name(request.name());
      response.mutable_model()->add_versions()->set_version(request.version());
      return grpc::Status::OK;
    };
  }

  Outcome Run(const std::vector<std::string>& arguments) {
    return RunAt(server_.address(), arguments);
  }

 private:
  static grpc::Status Sign(const v1::GetModelSignatureRequest& request,
                           v1::GetModelSignatureResponse& response) {
    if (request.name() != "pets") {
      return Refusal(grpc::StatusCode::NOT_FOUND, "no model '" + request.name() + "'",
                     "MODEL_NOT_FOUND");
    }
    response.mutable_model()->set_name("pets");
    v1::MethodSignature& method = *response.add_methods();
    method.set_name("forward");
    v1::ValueSignature& x = *method.add_inputs();
    x.set_name("x");
    x.set_type("Tensor");
    x.set_dtype(v1::DATA_TYPE_FP32);
    v1::ValueSignature& sizes = *method.add_inputs();
    sizes.set_name("sizes");
    sizes.set_type("List[int]");
    sizes.set_has_default(true);
    v1::ValueSignature& p = *method.add_outputs();
    p.set_name("p");
    p.set_type("Tensor");
    p.add_labels("cat");
    p.add_labels("dog");
    return grpc::Status::OK;
  }

  static grpc::Status Answer(const v1::PredictRequest& request, v1::PredictResponse& response) {
    if (request.model().method() != "forward") {
      return Refusal(grpc::StatusCode::NOT_FOUND, "no such method", "METHOD_NOT_FOUND");
    }
    response.mutable_model()->set_name("pets");
    for (const v1::NamedValue& input : request.inputs()) {
      if (input.name() != "x" && input.name() != "sizes") {
        return Refusal(grpc::StatusCode::INVALID_ARGUMENT, "unknown input '" + input.name() + "'",
                       "UNKNOWN_INPUT");
      }
      v1::NamedValue& output = *response.add_outputs();
      output = input;
      if (input.name() == "x") output.set_name("p");
    }
    return grpc::Status::OK;
  }

  std::atomic<int> left_;
  FakeServer server_;
};

TEST_CASE("predict sends arguments as the signature's types and shows classes", "[cli]") {
  Pets pets;
  const Outcome outcome =
      pets.Run({"predict", "pets", "--input", "x=[[1, 0]]", "--input", "sizes=[3, 4]"});
  INFO(outcome.err);
  CHECK(outcome.code == 0);
  CHECK_THAT(outcome.out, Catch::Contains("p  FP32 [1, 2]\n  cat  ####") &&
                              Catch::Contains("100.00 %\n") && Catch::Contains("sizes  [3,4]\n") &&
                              Catch::Contains("\ntime "));
  CHECK(outcome.err.empty());
}

TEST_CASE("predict prints JSON alone for programs", "[cli]") {
  Pets pets;
  const Outcome outcome = pets.Run({"predict", "pets", "--input", "x=[1, 0.5]", "--output=json"});
  REQUIRE(outcome.code == 0);
  const auto json = ParseJson(outcome.out);
  REQUIRE(json.ok());
  CHECK((*json)["outputs"]["p"]["data"] == Json({1.0, 0.5}));
  CHECK((*json)["classes"]["p"][0][0]["label"] == "cat");
}

TEST_CASE("predict saves tensors as .npy files", "[cli]") {
  Pets pets;
  const TempFolder folder;
  const std::string path = folder.Path("p.npy");
  CHECK(pets.Run({"predict", "pets", "--input", "x=[1, 0.5]", "--save", "p=" + path}).code == 0);
  CHECK(LoadNpy(path)->Description() == "FP32 [2]");
  const Outcome again = pets.Run({"predict", "pets", "--input", "x=@" + path});
  CHECK_THAT(again.out, Catch::Contains("p  FP32 [2]\n"));
  const Outcome missing =
      pets.Run({"predict", "pets", "--input", "x=[1, 0]", "--save", "q=" + path});
  CHECK(missing.code == 1);
  CHECK_THAT(missing.err, Catch::Contains("--save") && Catch::Contains("'q'"));
}

TEST_CASE("a VALUE that is not of the declared type is wrong usage", "[cli]") {
  Pets pets;
  const Outcome outcome = pets.Run({"predict", "pets", "--input", "sizes=[1.5]"});
  CHECK(outcome.code == 2);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err,
             Catch::StartsWith("torchere: input 'sizes'[0]: expected int, got the number 1.5"));
}

TEST_CASE("a name that the server refuses is answered with what to do, and the near one", "[cli]") {
  Pets pets;
  const auto [arguments, reason, hint] =
      GENERATE(table<std::vector<std::string>, std::string, std::string>(
          {{{"predict", "zebras"}, "MODEL_NOT_FOUND", "See which models"},
           {{"signature", "pet"}, "MODEL_NOT_FOUND", "Did you mean 'pets'?"},
           {{"predict", "pets", "--input", "size=[1]"}, "UNKNOWN_INPUT", "Did you mean 'sizes'?"},
           {{"predict", "pets", "--method", "forwrad"},
            "METHOD_NOT_FOUND",
            "Did you mean 'forward'?"}}));
  const Outcome outcome = pets.Run(arguments);
  CAPTURE(outcome.err);
  CHECK(outcome.code == 1);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, Catch::StartsWith("error: ") && Catch::Contains(reason) &&
                              Catch::Contains(hint) && Catch::Contains("torchere s"));
}

TEST_CASE("an error is JSON on standard error where JSON is asked for", "[cli]") {
  Pets pets;
  const Outcome outcome = pets.Run({"predict", "zebras", "--output=json"});
  CHECK(outcome.code == 1);
  CHECK(outcome.out.empty());
  const auto json = ParseJson(outcome.err);
  REQUIRE(json.ok());
  CHECK((*json)["error"]["reason"] == "MODEL_NOT_FOUND");
  CHECK((*json)["error"]["next"].size() == 1);
}

TEST_CASE("bench loads a model and prints what it measured", "[cli]") {
  Pets pets;
  const Outcome text =
      pets.Run({"bench", "pets", "--shape", "x=1,2", "--requests", "30", "-c", "3"});
  INFO(text.err);
  CHECK(text.code == 0);
  CHECK_THAT(text.out, Catch::StartsWith("pets version 0\n") && Catch::Contains("30 of 30") &&
                           Catch::Contains("p99.9"));
  CHECK(text.err.empty());
  const Outcome json = pets.Run(
      {"bench", "pets", "--input", "x=[[1, 0]]", "--requests=30", "--rate=10000", "--output=json"});
  CHECK(json.code == 0);
  CHECK((*ParseJson(json.out))["requests"]["ok"] == 30);
}

TEST_CASE("bench says what to give where it cannot make up an input, and loads nothing", "[cli]") {
  Pets pets;
  const Outcome outcome = pets.Run({"bench", "pets", "--requests", "30"});
  CHECK(outcome.code == 2);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err,
             Catch::StartsWith("torchere: input 'x': the signature declares no shape") &&
                 Catch::Contains("torchere bench --help"));
  const Outcome refused = pets.Run({"bench", "pets", "--method", "nope", "--requests", "30"});
  CHECK(refused.code == 1);
  CHECK(refused.out.empty());
  CHECK_THAT(refused.err, Catch::Contains("METHOD_NOT_FOUND"));
}

TEST_CASE("bench's exit code tells that a request was not answered OK", "[cli]") {
  Pets pets(/*refuse_after=*/10);
  const Outcome outcome =
      pets.Run({"bench", "pets", "--shape", "x=1,2", "--requests", "30", "-c", "1"});
  CHECK(outcome.code == 1);
  // One was asked before the load.
  CHECK_THAT(outcome.out, Catch::Contains("9 of 30") &&
                              Catch::Contains("21  RESOURCE_EXHAUSTED QUEUE_FULL  full"));
}

TEST_CASE("status shows one model or all", "[cli]") {
  Pets pets;
  CHECK_THAT(pets.Run({"status"}).out, Catch::Contains("\npets") && Catch::Contains("\nwine"));
  const Outcome one = pets.Run({"status", "wine", "--version=4", "--output=json"});
  CHECK((*ParseJson(one.out))["models"][0]["versions"][0]["version"] == 4);
}

TEST_CASE("signature shows a model's methods", "[cli]") {
  Pets pets;
  const Outcome text = pets.Run({"signature", "pets"});
  CHECK(text.code == 0);
  CHECK_THAT(text.out, Catch::Contains("try: torchere predict pets --input x=@x.npy\n"));
  const Outcome json = pets.Run({"signature", "pets", "--output=json"});
  CHECK((*ParseJson(json.out))["methods"][0]["inputs"][0]["dtype"] == "FP32");
}

TEST_CASE("without a server the client says how to start one", "[cli]") {
  const std::string command = GENERATE("status", "signature", "predict");
  std::vector<std::string> arguments = {command, "pets"};
  const Outcome outcome = RunAt("unix:/nonexistent/torchere.sock", arguments);
  CHECK(outcome.code == 1);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, Catch::StartsWith("error: UNAVAILABLE: ") &&
                              Catch::Contains("torchere-server --models=DIR"));
}

}  // namespace
}  // namespace torchere::cli
