// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/wire/wire_writer.h"

#include <string>
#include <vector>

#include "server/frontend/wire/wire_reader.h"
#include "tests/support/catch.h"

namespace torchere {
namespace {

// A field 3 with `large` between two texts, inside `depth` messages.
void Nest(WireWriter& writer, int depth, const Bytes& large) {
  if (depth > 0) {
    writer.Message(1, [&](WireWriter& inner) { Nest(inner, depth - 1, large); });
    return;
  }
  writer.Text(2, "before");
  writer.Rope(3, large);
  writer.Text(4, "after");
}

std::vector<std::string> Unnest(WireReader& reader, int depth) {
  std::vector<std::string> texts;
  while (reader.NextField()) {
    if (depth > 0) {
      reader.Message([&] { texts = Unnest(reader, depth - 1); });
    } else {
      reader.Text(texts.emplace_back());
    }
  }
  return texts;
}

TEST_CASE("WireWriter knows the length of every message, whatever its size and depth") {
  // Lengths of 1 to 3 bytes, copied and not.
  const std::string large(GENERATE(0, 100, 127, 128, 200, 4095, 4096, 16384, 100000), 'x');
  const int depth = GENERATE(0, 1, 5, 20);
  WireWriter writer;
  Nest(writer, depth, Bytes(large));
  Nest(writer, depth, Bytes(large));
  const Bytes wire = std::move(writer).Finish();
  WireReader reader(wire);
  CHECK(Unnest(reader, depth).size() >= 3);
  CHECK_FALSE(reader.malformed());
  CHECK(wire.pieces().size() == (large.size() < 4096 ? 1 : 5));
}

TEST_CASE("WireWriter leaves a large payload where it is") {
  const auto owner = std::make_shared<const std::string>(10000, 'x');
  Bytes large;
  large.Append({owner->data(), owner->size(), owner});
  WireWriter writer;
  Nest(writer, 2, large);
  const Bytes wire = std::move(writer).Finish();
  REQUIRE(wire.pieces().size() == 3);
  CHECK(wire.pieces()[1].data == owner->data());
}

TEST_CASE("A WireWriter that has written nothing gives nothing") {
  CHECK(WireWriter().Finish().empty());
}

}  // namespace
}  // namespace torchere
