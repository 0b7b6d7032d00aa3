// SPDX-License-Identifier: Apache-2.0
// Writes the models that the benchmarks run, as TorchScript with random weights (always the same),
// each as DIR/<name>/1/model.pt and DIR/<name>/model.yaml. No Python is needed for it.

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/normal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/jit/api/module.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace torchere::bench {
namespace {

// A module of one method, forward(x), that is written line by line. Each line sets x.
class Network {
 public:
  explicit Network(const std::string& name) : module_(name) {
    module_.register_attribute("training", c10::BoolType::get(), false);
  }

  void Line(const std::string& line) { body_ += "    " + line + "\n"; }

  // Registers a weight whose outputs keep the scale of its inputs; gives how the body names it.
  std::string Weight(const std::vector<int64_t>& shape) {
    int64_t inputs = 1;
    for (size_t i = 1; i < shape.size(); ++i) inputs *= shape[i];
    const double deviation = std::sqrt(2.0 / static_cast<double>(inputs));
    return Parameter(at::normal(0.0, deviation, shape, random_));
  }
  std::string Zeros(int64_t length) { return Parameter(at::zeros({length})); }
  std::string Ones(int64_t length) { return Parameter(at::ones({length})); }

  // to = batch_norm(conv2d(from))
  void Convolution(const std::string& to, const std::string& from, int64_t inputs, int64_t outputs,
                   int64_t kernel, int64_t stride) {
    const std::string weight = Weight({outputs, inputs, kernel, kernel});
    const std::string step = std::to_string(stride), border = std::to_string(kernel / 2);
    Line(to + " = torch.conv2d(" + from + ", " + weight + ", None, [" + step + ", " + step +
         "], [" + border + ", " + border + "])");
    const std::string scale = Ones(outputs), shift = Zeros(outputs);
    const std::string mean = Zeros(outputs), variance = Ones(outputs);
    Line(to + " = torch.batch_norm(" + to + ", " + scale + ", " + shift + ", " + mean + ", " +
         variance + ", False, 0.1, 1e-5, False)");
  }

  // linear(from)
  std::string Linear(const std::string& from, int64_t inputs, int64_t outputs) {
    return "torch.linear(" + from + ", " + Weight({outputs, inputs}) + ", " + Zeros(outputs) + ")";
  }

  std::string LayerNorm(const std::string& from, int64_t width) {
    return "torch.layer_norm(" + from + ", [" + std::to_string(width) + "], " + Ones(width) + ", " +
           Zeros(width) + ")";
  }

  // `input` is the rest of a line of model.yaml: dtype and shape of x.
  void Save(const std::filesystem::path& folder, const std::string& input) {
    module_.define("def forward(self, x):\n" + body_ + "    return x\n");
    std::filesystem::create_directories(folder / "1");
    module_.save((folder / "1" / "model.pt").string());
    std::ofstream config(folder / "model.yaml");
    config << "schema: 1\ninputs:\n  - {name: x, " << input << "}\n";
    config.close();
    if (!config) throw std::runtime_error("cannot write " + folder.string() + "/model.yaml");
  }

 private:
  std::string Parameter(const at::Tensor& tensor) {
    const std::string name = "weight_" + std::to_string(weights_++);
    module_.register_parameter(name, tensor, /*is_buffer=*/false);
    return "self." + name;
  }

  torch::jit::Module module_;
  std::string body_;
  int weights_ = 0;
  at::Generator random_ = at::detail::createCPUGenerator(/*seed_val=*/20260);
};

// Two 3x3 convolutions and a shortcut, as in a ResNet.
void ResidualBlock(Network& net, int64_t inputs, int64_t outputs, int64_t stride, bool project) {
  net.Convolution("y", "x", inputs, outputs, 3, stride);
  net.Line("y = torch.relu(y)");
  net.Convolution("y", "y", outputs, outputs, 3, 1);
  if (project) net.Convolution("x", "x", inputs, outputs, 1, stride);
  net.Line("x = torch.relu(x + y)");
}

void ImageStem(Network& net, int64_t channels) {
  net.Convolution("x", "x", 3, channels, 7, 2);
  net.Line("x = torch.max_pool2d(torch.relu(x), [3, 3], [2, 2], [1, 1])");
}

void Classifier(Network& net, int64_t channels) {
  net.Line("x = torch.flatten(torch.adaptive_avg_pool2d(x, [1, 1]), 1)");
  net.Line("x = " + net.Linear("x", channels, 1000));
}

// As good as no work: what is left is the server's own.
Network Identity() {
  Network net("Identity");
  net.Line("x = x[:, :1]");
  return net;
}

void SmallCnnBody(Network& net) {
  ImageStem(net, 32);
  ResidualBlock(net, 32, 32, 1, true);
  ResidualBlock(net, 32, 64, 2, true);
  ResidualBlock(net, 64, 128, 2, true);
  ResidualBlock(net, 128, 256, 2, true);
  Classifier(net, 256);
}

// About 9 ms a row on one core.
Network Cnn10ms() {
  Network net("Cnn10ms");
  SmallCnnBody(net);
  return net;
}

// The same work from an input of 588 bytes, for loads at which sending 602,112 would itself take
// the machine's time.
Network Cnn10msSmall() {
  Network net("Cnn10msSmall");
  net.Line("x = torch.upsample_nearest2d(x, [224, 224])");
  SmallCnnBody(net);
  return net;
}

Network ResNet18() {
  Network net("ResNet18");
  ImageStem(net, 64);
  int64_t inputs = 64;
  for (const int64_t outputs : {64, 128, 256, 512}) {
    const bool changes = outputs != inputs;
    ResidualBlock(net, inputs, outputs, changes ? 2 : 1, changes);
    ResidualBlock(net, outputs, outputs, 1, false);
    inputs = outputs;
  }
  Classifier(net, 512);
  return net;
}

// A text encoder of MiniLM's shape: 6 layers, 384 wide, 12 heads; token ids [rows, tokens] to
// [rows, 384].
Network Transformer() {
  constexpr int64_t kWidth = 384, kInner = 1536, kVocabulary = 30522, kPositions = 512;
  Network net("Transformer");
  const std::string words = net.Weight({kVocabulary, kWidth});
  const std::string positions = net.Weight({kPositions, kWidth});
  const auto heads = [](const std::string& value) {
    return "torch.transpose(torch.reshape(" + value + ", [rows, tokens, 12, 32]), 1, 2)";
  };
  net.Line("rows = x.size(0)");
  net.Line("tokens = x.size(1)");
  net.Line("x = torch.embedding(" + words + ", x) + " + positions + "[:tokens]");
  net.Line("x = " + net.LayerNorm("x", kWidth));
  for (int layer = 0; layer < 6; ++layer) {
    net.Line("q = " + heads(net.Linear("x", kWidth, kWidth)));
    net.Line("k = " + heads(net.Linear("x", kWidth, kWidth)));
    net.Line("v = " + heads(net.Linear("x", kWidth, kWidth)));
    net.Line("y = torch.scaled_dot_product_attention(q, k, v)");
    net.Line("y = torch.reshape(torch.transpose(y, 1, 2), [rows, tokens, 384])");
    net.Line("x = " + net.LayerNorm("x + " + net.Linear("y", kWidth, kWidth), kWidth));
    net.Line("y = torch.gelu(" + net.Linear("x", kWidth, kInner) + ")");
    net.Line("x = " + net.LayerNorm("x + " + net.Linear("y", kInner, kWidth), kWidth));
  }
  net.Line("x = torch.mean(x, [1])");
  return net;
}

void MakeModels(const std::filesystem::path& folder) {
  const std::string image = "dtype: FP32, shape: [-1, 3, 224, 224]";
  Identity().Save(folder / "identity", "dtype: FP32, shape: [-1, -1]");
  for (const int bytes : {256, 16384, 602112, 8 << 20}) {
    Identity().Save(folder / ("identity_" + std::to_string(bytes)),
                    "dtype: FP32, shape: [-1, " + std::to_string(bytes / 4) + "]");
  }
  Cnn10ms().Save(folder / "cnn10ms", image);
  Cnn10msSmall().Save(folder / "cnn10ms_small", "dtype: FP32, shape: [-1, 3, 7, 7]");
  ResNet18().Save(folder / "resnet18", image);
  Transformer().Save(folder / "transformer", "dtype: INT64, shape: [-1, 128]");
}

}  // namespace
}  // namespace torchere::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_models DIR\n");
    return 2;
  }
  try {
    torchere::bench::MakeModels(argv[1]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_models: %s\n", error.what());
    return 1;
  }
}
