// SPDX-License-Identifier: Apache-2.0
#include "client/cpp/cli/json.h"

#include <set>
#include <vector>

#include "absl/strings/str_cat.h"

namespace torchere::cli {
namespace {

constexpr size_t kShownText = 40;

// The library takes a repeated member silently: the last one wins.
class RepeatFinder {
 public:
  void See(nlohmann::detail::parse_event_t event, const Json& parsed) {
    using Event = nlohmann::detail::parse_event_t;
    if (event == Event::object_start) open_.emplace_back();
    if (event == Event::object_end) open_.pop_back();
    if (event == Event::key) {
      auto key = parsed.get<std::string>();
      if (!open_.back().insert(key).second && repeated_.empty()) repeated_ = std::move(key);
    }
  }
  const std::string& repeated() const { return repeated_; }

 private:
  std::vector<std::set<std::string>> open_;
  std::string repeated_;
};

}  // namespace

absl::StatusOr<Json> ParseJson(const std::string& text) {
  RepeatFinder finder;
  const auto see = [&finder](int, nlohmann::detail::parse_event_t event, Json& parsed) {
    finder.See(event, parsed);
    return true;
  };
  Json json;
  try {
    json = Json::parse(text, see);
  } catch (const Json::parse_error& error) {
    // Its text begins with a number of the library's own, in brackets.
    const std::string what = error.what();
    const size_t end = what.find("] ");
    return absl::InvalidArgumentError(end == std::string::npos ? what : what.substr(end + 2));
  }
  if (!finder.repeated().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the member \"", finder.repeated(), "\" is there twice"));
  }
  return json;
}

std::string JsonText(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string JsonKind(const Json& json) {
  if (json.is_array()) return "an array";
  if (json.is_object()) return "an object";
  std::string text = JsonText(json);
  if (text.size() > kShownText) text = absl::StrCat(text.substr(0, kShownText), "…");
  if (json.is_string()) return absl::StrCat("the string ", text);
  return json.is_number() ? absl::StrCat("the number ", text) : text;
}

}  // namespace torchere::cli
