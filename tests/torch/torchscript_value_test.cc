// SPDX-License-Identifier: Apache-2.0
// Values of every type on their way into a model and out again.
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/request/error.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/torch/scripted_module.h"
#include "tests/torch/test_model.h"

namespace torchere {
namespace {

std::string EchoSource(const std::string& type) {
  return absl::StrCat("def forward(self, x: ", type, ") -> ", type, ":\n    return x\n");
}

TEST_CASE("A tensor of each dtype comes back bit for bit", "[torch]") {
  const TempFolder folder;
  const TestModel model(SaveModule(folder.Path("model.pt"), EchoSource("Tensor")));
  const auto number = GENERATE(range(1, 11));
  const DType dtype = *DTypeFromNumber(static_cast<uint64_t>(number));
  // Bit patterns of all sorts, NaNs, infinities and denormals of each width among them.
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes.push_back(static_cast<char>(dtype == DType::kBool ? i % 2 : i * 7 + i / 8));
  }
  const std::string nan("\1\0\0\0\0\0\xf0\x7f", 8);
  bytes += dtype == DType::kBool ? std::string(16, '\1') : nan + nan;
  const std::vector<int64_t> shape = {2, static_cast<int64_t>(bytes.size() / 2 / ItemSize(dtype))};
  const Value value{TensorOfBytes(dtype, shape, bytes)};
  CHECK(model.Ask("forward", {{"x", value}}) == absl::StrCat("output=", Show(value)));
}

TEST_CASE("A tensor keeps its shape, be it empty or a scalar", "[torch]") {
  const TempFolder folder;
  const TestModel model(SaveModule(folder.Path("model.pt"), EchoSource("Tensor")));
  const List tensors = {MakeTensor<int64_t>(DType::kInt64, {}, {-5}),
                        MakeTensor<float>(DType::kFp32, {0}, {}),
                        MakeTensor<float>(DType::kFp32, {3, 0, 2}, {}),
                        MakeTensor<uint8_t>(DType::kUint8, {1, 1, 1, 1, 1, 1, 1, 2}, {1, 2})};
  for (const Value& tensor : tensors) {
    CHECK(model.Ask("forward", {{"x", tensor}}) == absl::StrCat("output=", Show(tensor)));
  }
}

struct Echo {
  std::string type;
  Value value;
};

TEST_CASE("A value of each type comes back as it went in", "[torch]") {
  const double inf = std::numeric_limits<double>::infinity();
  const Value floats = Floats({1, 2});
  const auto [type, value] = GENERATE_COPY(values<Echo>({
      {"str", Text("ein Text: Ä, 数, \xF0\x9F\x8E\x89")},
      {"str", Text("")},
      {"int", Int(std::numeric_limits<int64_t>::min())},
      {"float", {-inf}},
      {"float", {0.1}},
      {"bool", {true}},
      {"bool", {false}},
      {"Optional[int]", {Null{}}},
      {"Optional[int]", Int(3)},
      {"Optional[Tensor]", {Null{}}},
      {"Optional[Tensor]", floats},
      {"Optional[List[str]]", {List{Text("a")}}},
      {"List[int]", {List{Int(1), Int(-2)}}},
      {"List[int]", {List{}}},
      {"List[float]", {List{{1.5}, {inf}}}},
      {"List[bool]", {List{{true}, {false}}}},
      {"List[str]", {List{Text("a"), Text("")}}},
      {"List[Tensor]", {List{floats, Floats({})}}},
      {"List[Optional[Tensor]]", {List{{Null{}}, floats}}},
      {"Dict[int, float]", {Map{{int64_t{3}, {0.5}}, {int64_t{-1}, {1.5}}}}},
      {"List[Dict[str, List[int]]]", {List{{Map{{"b", {List{Int(1)}}}, {"a", {List{}}}}}}}},
      {"List[Tuple[int, Tuple[str, bool]]]",
       {List{{List{Int(1), {List{Text("x"), {true}}}}},
             {List{Int(2), {List{Text("y"), {false}}}}}}}},
  }));
  const TempFolder folder;
  const TestModel model(SaveModule(folder.Path("model.pt"), EchoSource(type)));
  CAPTURE(type);
  CHECK(model.signature().methods[0].inputs[0].type.text == type);
  CHECK(model.Ask("forward", {{"x", value}}) == absl::StrCat("output=", Show(value)));
}

TEST_CASE("The elements of a tuple and the entries of a dict become outputs", "[torch]") {
  const TempFolder folder;
  const Value floats = Floats({1});
  SECTION("a tuple's by number") {
    const TestModel model(SaveModule(folder.Path("model.pt"), EchoSource("Tuple[int, Tensor]")));
    CHECK(model.Ask("forward", {{"x", {List{Int(4), floats}}}}) ==
          absl::StrCat("output_0=4 output_1=", Show(floats)));
  }
  SECTION("a dict's by key, in its order") {
    const TestModel model(SaveModule(folder.Path("model.pt"), EchoSource("Dict[str, Tensor]")));
    CHECK(model.Ask("forward", {{"x", {Map{{"b", floats}, {"a", floats}}}}}) ==
          absl::StrCat("b=", Show(floats), " a=", Show(floats)));
  }
  SECTION("none of an empty tuple") {
    const TestModel model(
        SaveModule(folder.Path("model.pt"), "def forward(self) -> Tuple[()]:\n    return ()\n"));
    CHECK(model.Ask("forward", {}).empty());
  }
}

TEST_CASE("A NamedTuple is taken as a list or a map, and returned by its fields", "[torch]") {
  const TestModel model(TestData("types.pt"));
  const Value point = GENERATE(Value{List{{1.5}, {2.5}}}, Value{Map{{"y", {2.5}}, {"x", {1.5}}}});
  CHECK(model.Ask("echo_point", {{"x", point}}) == "x=float 1.5 y=float 2.5");
  const Value polygon{Map{{"area", Floats({4})},
                          {"corners", {List{point, {List{Int(3), Int(4)}}}}},
                          {"name", Text("p")}}};
  CHECK(model.Ask("echo_polygon", {{"x", polygon}}) ==
        absl::StrCat("name='p' corners=[{'x': float 1.5, 'y': float 2.5}, "
                     "{'x': float 3, 'y': float 4}] area=",
                     Show(Floats({4}))));
}

TEST_CASE("An int is taken where a float is wanted, at any depth", "[torch]") {
  const TempFolder folder;
  const TestModel model(SaveModule(
      folder.Path("model.pt"),
      "def forward(self, x: float, l: List[float], d: Dict[str, Tuple[float, int]]) -> "
      "Tuple[float, float, float]:\n    return x / 2, l[0] / 2, d['a'][0] / d['a'][1]\n"));
  CHECK(model.Ask(
            "forward",
            {{"x", Int(1)}, {"l", {List{Int(3)}}}, {"d", {Map{{"a", {List{Int(5), Int(2)}}}}}}}) ==
        "output_0=float 0.5 output_1=float 1.5 output_2=float 2.5");
}

TEST_CASE("A number takes an int, a float or a bool", "[torch]") {
  const TempFolder folder;
  const TestModel model(SaveModule(folder.Path("model.pt"),
                                   "def forward(self, x: Tensor, n: number) -> Tensor:\n"
                                   "    return torch.mul(x, n)\n"));
  CHECK(model.signature().methods[0].inputs[1].type.kind == ValueType::Kind::kNumber);
  const Value two = GENERATE(Value{int64_t{2}}, Value{2.0});
  CHECK(model.Ask("forward", {{"x", Floats({1, 2})}, {"n", two}}) ==
        absl::StrCat("output=", Show(Floats({2, 4}))));
}

TEST_CASE("Operators find the element types that they want in lists and dicts", "[torch]") {
  const TempFolder folder;
  const TestModel model(SaveModule(folder.Path("model.pt"), R"(
def forward(self, sizes: List[int], parts: List[Tensor], maybe: List[Optional[Tensor]],
            table: Dict[str, Tensor], words: List[str], scales: List[float]) -> Tensor:
    x = torch.ones(sizes) + torch.cat(parts).sum() + table["a"]
    return torch.index(x, maybe) * scales[0] + len("".join(words))
)"));
  CHECK(model.Ask("forward",
                  {{"sizes", {List{Int(2), Int(2)}}},
                   {"parts", {List{Floats({1}), Floats({2, 3})}}},
                   {"maybe", {List{{Null{}}, MakeTensor<int64_t>(DType::kInt64, {1}, {0})}}},
                   {"table", {Map{{"a", Floats({1, 2})}}}},
                   {"words", {List{Text("ab"), Text("c")}}},
                   {"scales", {List{Int(2)}}}}) ==
        absl::StrCat("output=", Show(MakeTensor<float>(DType::kFp32, {2, 1}, {19, 19}))));
}

TEST_CASE("An argument that is left out has its default", "[torch]") {
  const TempFolder folder;
  const TestModel model(SaveModule(folder.Path("model.pt"), R"(
def forward(self, x: Tensor, scale: float = 2.0, name: str = "plain",
            bias: Optional[Tensor] = None, items: List[int] = [7]) -> Tuple[Tensor, str, int]:
    items.append(1)
    y = x * scale
    if bias is not None:
        y = y + bias
    return y, name, len(items)
)"));
  const auto& inputs = model.signature().methods[0].inputs;
  CHECK(!inputs[0].has_default);
  CHECK(Show(*inputs[1].default_value) == "float 2");
  CHECK(Show(*inputs[2].default_value) == "'plain'");
  CHECK(Show(*inputs[3].default_value) == "null");
  CHECK(Show(*inputs[4].default_value) == "[7]");
  const NamedValue x{"x", Floats({1})};
  SECTION("all of them, again and again, though the model changes one") {
    for (int i = 0; i < 3; ++i) {
      CHECK(model.Ask("forward", {x}) ==
            absl::StrCat("output_0=", Show(Floats({2})), " output_1='plain' output_2=2"));
    }
  }
  SECTION("or the value that is given") {
    CHECK(model.Ask("forward", {{"bias", Floats({5})}, {"scale", Int(3)}, x}) ==
          absl::StrCat("output_0=", Show(Floats({8})), " output_1='plain' output_2=2"));
  }
}

TEST_CASE("Tensors that are no plain arrays are sent as such", "[torch]") {
  const TestModel model(TestData("views.pt"));
  const Value x = MakeTensor<float>(DType::kFp32, {2, 3}, {1, 2, 3, 4, 5, 6});
  const auto outputs = model.Call("forward", {{"x", x}});
  REQUIRE(outputs.ok());
  const auto fp32 = [](const std::vector<int64_t>& shape, const std::vector<float>& items) {
    return MakeTensor<float>(DType::kFp32, shape, items);
  };
  CHECK(Show(*outputs) == Show(NamedValues{{"transposed", fp32({3, 2}, {1, 4, 2, 5, 3, 6})},
                                           {"expanded", fp32({2, 4}, {1, 1, 1, 1, 4, 4, 4, 4})},
                                           {"sliced", fp32({2, 2}, {1, 3, 4, 6})},
                                           {"offset", fp32({1, 3}, {4, 5, 6})},
                                           {"negated", fp32({2, 3}, {-1, -2, -3, -4, -5, -6})},
                                           {"imaginary", fp32({2, 3}, {-1, -2, -3, -4, -5, -6})},
                                           {"no_rows", fp32({0, 3}, {})},
                                           {"no_columns", fp32({2, 0}, {})},
                                           {"scalar", fp32({}, {21})},
                                           {"weight", fp32({2, 2}, {1, 3, 2, 4})}}));
  const Value image = fp32({1, 2, 1, 2}, {1, 2, 3, 4});
  CHECK(model.Ask("channels_last", {{"x", image}}) == absl::StrCat("output=", Show(image)));
}

TEST_CASE("A value may be nested 16 deep, not deeper", "[torch]") {
  const auto nested = [](int depth) {
    std::string type = "int";
    std::string value = "1";
    for (int i = 1; i < depth; ++i) {
      type = absl::StrCat("List[", type, "]");
      value = absl::StrCat("[", value, "]");
    }
    return absl::StrCat("def forward(self) -> ", type, ":\n    return ", value, "\n");
  };
  const TempFolder folder;
  CHECK(TestModel(SaveModule(folder.Path("16.pt"), nested(16))).Call("forward", {}).ok());
  const absl::Status status =
      TestModel(SaveModule(folder.Path("17.pt"), nested(17))).Call("forward", {}).status();
  CAPTURE(status.ToString());
  CHECK(DetailsOf(status).reason == "UNSUPPORTED_OUTPUT");
  CHECK(absl::StrContains(status.message(), "more than 16 deep"));
}

}  // namespace
}  // namespace torchere
