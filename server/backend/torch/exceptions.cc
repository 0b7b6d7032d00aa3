// SPDX-License-Identifier: Apache-2.0
#include "server/backend/torch/exceptions.h"

#include <c10/util/Exception.h>
#include <torch/csrc/jit/runtime/jit_exception.h>

#include <algorithm>
#include <exception>
#include <new>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "server/backend/torch/runtime.h"
#include "server/request/error.h"
#include "server/request/utf8.h"

namespace torchere {
namespace {

// A status's text is at most 1 KiB on the wire; outer stages add the names.
constexpr size_t kMaxText = 768;

constexpr absl::Duration kRestartTime = absl::Seconds(5);

// `text` as it can be sent: UTF-8, not too long.
std::string Presentable(absl::string_view text) {
  std::string clean(absl::StripAsciiWhitespace(text));
  if (!IsUtf8(clean)) {
    for (char& c : clean) {
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    }
  }
  if (clean.size() <= kMaxText) return clean;
  size_t end = kMaxText;
  while (end > 0 && (static_cast<unsigned char>(clean[end]) & 0xC0) == 0x80) --end;
  return clean.substr(0, end) + "…";
}

// What follows the model's source lines in a text of TorchScript's interpreter.
absl::string_view AfterTraceback(absl::string_view text) {
  constexpr absl::string_view kMarker = "<--- HERE\n";
  const size_t marker = text.rfind(kMarker);
  return marker == absl::string_view::npos ? text : text.substr(marker + kMarker.size());
}

// The first line that says something, without LibTorch's place in its source.
absl::string_view FirstLine(absl::string_view text) {
  text = absl::StripLeadingAsciiWhitespace(text);
  text = text.substr(0, text.find('\n'));
  if (absl::StartsWith(text, "[enforce fail at ")) {
    const size_t end = text.find("] ");
    if (end != absl::string_view::npos) text = text.substr(end + 2);
  }
  while (absl::ConsumePrefix(&text, ". ")) {
  }
  return absl::StripSuffix(absl::StripAsciiWhitespace(text), ":");
}

bool IsOutOfMemory(absl::string_view text) {
  const std::string lower = absl::AsciiStrToLower(AfterTraceback(text));
  for (const char* sign : {"out of memory", "can't allocate memory", "not enough memory",
                           "cannot allocate memory", "std::bad_alloc"}) {
    if (absl::StrContains(lower, sign)) return true;
  }
  return false;
}

absl::Status OutOfMemory(absl::string_view message, absl::string_view log_text) {
  return WithLogText(
      Refuse(absl::StatusCode::kResourceExhausted, message, {.reason = "OUT_OF_MEMORY"}), log_text);
}

// "builtins.ValueError" and "__torch__.errors.BadPixels" without where they are.
absl::string_view ClassName(absl::string_view qualified) {
  const size_t dot = qualified.rfind('.');
  return dot == absl::string_view::npos ? qualified : qualified.substr(dot + 1);
}

absl::Status Rejected(const torch::jit::JITException& error) {
  const absl::string_view whole = error.what();
  const std::string kind(ClassName(error.getPythonClassName().value_or("Exception")));
  const std::string original = error.getOriginalMsg().value_or("");
  // An exception that crossed a second interpreter has the first one's text.
  absl::string_view own = absl::StripAsciiWhitespace(AfterTraceback(original));
  absl::ConsumePrefix(&own, absl::StrCat(error.getPythonClassName().value_or(""), ": "));
  std::string message = absl::StrCat("the model raised ", kind);
  if (!own.empty()) absl::StrAppend(&message, ": ", Presentable(own));
  return WithLogText(Refuse(absl::StatusCode::kInvalidArgument, message,
                            {.reason = "MODEL_REJECTED", .metadata = {{"exception", kind}}}),
                     whole);
}

absl::Status Failed(absl::string_view method, absl::string_view text) {
  if (IsOutOfMemory(text)) {
    return OutOfMemory(absl::StrCat("the model's method '", method,
                                    "' ran out of memory; send smaller inputs, or fewer at a time"),
                       text);
  }
  return WithLogText(
      Refuse(absl::StatusCode::kInternal,
             absl::StrCat("an operation inside the model's method '", method,
                          "' failed on these inputs; compare them with what the model expects"),
             {.reason = "MODEL_FAILED"}),
      text);
}

// The operator, class or version that a text of the loader misses; empty if none.
std::string Missing(absl::string_view text) {
  const auto name_after = [text](absl::string_view sign) -> std::string {
    const size_t at = text.find(sign);
    if (at == absl::string_view::npos) return "";
    const absl::string_view rest = text.substr(at + sign.size());
    const auto* end = std::find_if_not(rest.begin(), rest.end(), [](char c) {
      return absl::ascii_isalnum(c) || c == '_' || c == ':' || c == '.';
    });
    return std::string(absl::StripSuffix(rest.substr(0, end - rest.begin()), "."));
  };
  const std::string newer = absl::StrCat("; it needs a newer LibTorch than ", LibTorchVersion());
  if (const std::string op = name_after("Unknown builtin op: "); !op.empty()) {
    if (absl::StartsWith(op, "aten::") || absl::StartsWith(op, "prim::")) {
      return absl::StrCat("uses the operator ", op, ", which is unknown here", newer);
    }
    return absl::StrCat("uses the operator ", op,
                        ", which is not LibTorch's own: the library that defines it is not loaded");
  }
  if (const std::string type = name_after("Unknown type name '"); !type.empty()) {
    return absl::StrCat("uses the type ", type,
                        ", which is unknown here: the library that defines it is not loaded");
  }
  if (absl::StrContains(text, "maximum supported version for reading")) {
    return absl::StrCat("has a file format that is unknown here", newer);
  }
  if (absl::StrContains(text, "following variants are available")) {
    return absl::StrCat("calls an operator in a way that is unknown here", newer);
  }
  return "";
}

absl::Status Unloadable(absl::string_view path, absl::string_view text) {
  if (IsOutOfMemory(text)) {
    return OutOfMemory(absl::StrCat("'", path, "' does not fit into memory"), text);
  }
  if (const std::string missing = Missing(text); !missing.empty()) {
    return WithLogText(absl::FailedPreconditionError(absl::StrCat("'", path, "' ", missing)), text);
  }
  return WithLogText(
      absl::InvalidArgumentError(absl::StrCat(
          "'", path, "' cannot be read by LibTorch ", LibTorchVersion(), ": ",
          Presentable(FirstLine(text)), "; the file is damaged, or not written by torch.jit.save")),
      text);
}

// Calls `explain` with the text of the exception that is being handled.
template <typename F>
absl::Status WithExceptionText(F explain) {
  try {
    throw;
  } catch (const c10::Error& error) {
    return explain(error.what_without_backtrace());
  } catch (const std::exception& error) {
    return explain(error.what());
  } catch (...) {
    return explain("an exception that is no std::exception");
  }
}

}  // namespace

absl::Status UnsupportedOutput(const std::string& path, absl::string_view what) {
  return Refuse(absl::StatusCode::kInternal,
                absl::StrCat(path, " is ", what,
                             ", which cannot be sent; let the model return dense tensors of bool, "
                             "int or float types, numbers, text, lists, tuples or dicts"),
                {.reason = "UNSUPPORTED_OUTPUT", .metadata = {{"got", std::string(what)}}});
}

absl::Status RunFailure(absl::string_view method) {
  try {
    throw;
  } catch (const torch::jit::JITException& error) {
    return Rejected(error);
  } catch (...) {
    return WithExceptionText([method](absl::string_view text) { return Failed(method, text); });
  }
}

absl::Status DeviceLost(const Device& device) {
  return WithExceptionText([&device](absl::string_view text) {
    return WithLogText(
        Refuse(absl::StatusCode::kUnavailable,
               absl::StrCat("the device ", Name(device),
                            " has failed, and the server ends to be started again; try again then"),
               {.reason = "DEVICE_LOST",
                .metadata = {{"device", Name(device)}},
                .retry_after = kRestartTime}),
        text);
  });
}

absl::Status LoadFailure(absl::string_view path) {
  return WithExceptionText([path](absl::string_view text) { return Unloadable(path, text); });
}

}  // namespace torchere
