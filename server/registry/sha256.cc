// SPDX-License-Identifier: Apache-2.0
#include "server/registry/sha256.h"

#include <openssl/evp.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace torchere {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPieceBytes = size_t{1} << 20;

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

}  // namespace

absl::StatusOr<std::string> FileDigest(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    return absl::NotFoundError(absl::StrCat(path, ": no such file"));
  }
  // A pipe or a device might never end.
  if (!error && !fs::is_regular_file(status)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": not a file"));
  }
  std::ifstream file(path, std::ios::binary);
  if (error || !file) return absl::InvalidArgumentError(absl::StrCat(path, ": cannot be read"));

  const Context context(EVP_MD_CTX_new());
  bool ok = context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  std::vector<char> piece(kPieceBytes);
  while (ok && file) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    ok = EVP_DigestUpdate(context.get(), piece.data(), static_cast<size_t>(file.gcount())) == 1;
  }
  if (file.bad()) return absl::InvalidArgumentError(absl::StrCat(path, ": cannot be read"));
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  ok = ok && EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()),
                                &size) == 1;
  if (!ok) return absl::InternalError(absl::StrCat(path, ": OpenSSL computes no SHA-256"));
  digest.resize(size);
  return absl::StrCat("sha256:", absl::BytesToHexString(digest));
}

}  // namespace torchere
