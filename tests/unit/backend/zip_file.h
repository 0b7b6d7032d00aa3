// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <zip.h>

#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace torchere {

struct ZipRecord {
  std::string name;
  std::string content = "x";
  int compression = ZIP_CM_STORE;
};

// Writes a zip archive to `path`, which it returns.
inline std::string WriteZip(const std::string& path, const std::vector<ZipRecord>& records) {
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  REQUIRE(archive != nullptr);
  for (const ZipRecord& record : records) {
    zip_source_t* source =
        zip_source_buffer(archive, record.content.data(), record.content.size(), 0);
    const zip_int64_t index = zip_file_add(archive, record.name.c_str(), source, ZIP_FL_ENC_UTF_8);
    REQUIRE(index >= 0);
    REQUIRE(zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), record.compression,
                                     0) == 0);
  }
  REQUIRE(zip_close(archive) == 0);
  return path;
}

}  // namespace torchere
