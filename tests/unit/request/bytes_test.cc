// SPDX-License-Identifier: Apache-2.0
#include "server/request/bytes.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

namespace torchere {
namespace {

// A rope with a piece for each text.
Bytes Rope(const std::vector<std::string>& texts) {
  Bytes rope;
  for (const std::string& text : texts) rope.Append(Bytes(text));
  return rope;
}

TEST_CASE("Bytes is the concatenation of its pieces", "[request]") {
  const Bytes rope = Rope({"ab", "", "c", "def"});
  CHECK(rope.size() == 6);
  CHECK(rope.ToString() == "abcdef");
  CHECK(rope.pieces().size() == 3);
  std::string copy(6, '?');
  rope.CopyTo(copy.data());
  CHECK(copy == "abcdef");
}

TEST_CASE("Bytes may be empty", "[request]") {
  for (const Bytes& rope : {Bytes(), Bytes(std::string()), Rope({"", ""})}) {
    CHECK(rope.empty());
    CHECK(rope.size() == 0);
    CHECK(rope.pieces().empty());
    CHECK(rope.ToString().empty());
  }
}

TEST_CASE("Bytes can be appended to itself", "[request]") {
  Bytes rope = Rope({"ab", "c"});
  rope.Append(rope);
  CHECK(rope.size() == 6);
  CHECK(rope.ToString() == "abcabc");
}

TEST_CASE("Bytes shares its pieces and keeps their owners alive", "[request]") {
  auto owner = std::make_shared<std::string>("shared");
  const std::weak_ptr<std::string> watch = owner;
  Bytes copy;
  {
    Bytes rope;
    rope.Append({owner->data(), owner->size(), owner});
    copy.Append(rope);
  }
  owner.reset();
  REQUIRE_FALSE(watch.expired());
  CHECK(copy.pieces()[0].data == watch.lock()->data());
  CHECK(copy.ToString() == "shared");
  copy = Bytes();
  CHECK(watch.expired());
}

TEST_CASE("BytesReader reads across the pieces of a rope", "[request]") {
  const Bytes rope = Rope({"ab", "cde", "f"});
  BytesReader reader(rope);
  CHECK(reader.left() == 6);
  CHECK(reader.Next() == 'a');
  std::string three(3, '?');
  reader.Read(three.data(), three.size());
  CHECK(three == "bcd");
  CHECK(reader.left() == 2);
  reader.Skip(1);
  CHECK(reader.Next() == 'f');
  CHECK(reader.left() == 0);
}

TEST_CASE("BytesReader reads a byte as a number from 0 to 255", "[request]") {
  const Bytes rope(std::string("\xFF\x00\x80", 3));
  BytesReader reader(rope);
  CHECK(reader.Next() == 255);
  CHECK(reader.Next() == 0);
  CHECK(reader.Next() == 128);
}

TEST_CASE("BytesReader takes stretches out without copying them", "[request]") {
  Bytes taken;
  const char* at_b = nullptr;
  {
    const Bytes rope = Rope({"ab", "cde", "f"});
    at_b = rope.pieces()[0].data + 1;
    BytesReader reader(rope);
    reader.Skip(1);
    taken = reader.Take(3);
    CHECK(reader.left() == 2);
    CHECK(reader.Take(2).ToString() == "ef");
  }
  CHECK(taken.ToString() == "bcd");
  REQUIRE(taken.pieces().size() == 2);
  CHECK(taken.pieces()[0].data == at_b);
}

TEST_CASE("BytesReader reads nothing where nothing is asked", "[request]") {
  const Bytes empty;
  BytesReader reader(empty);
  CHECK(reader.left() == 0);
  CHECK(reader.Take(0).empty());
  reader.Skip(0);

  const Bytes rope = Rope({"a", "b"});
  BytesReader at_seam(rope);
  at_seam.Skip(1);
  CHECK(at_seam.Take(0).empty());
  CHECK(at_seam.Next() == 'b');
  CHECK(at_seam.Take(0).empty());
}

}  // namespace
}  // namespace torchere
