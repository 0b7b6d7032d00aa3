// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define TORCHERE_LEAK_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TORCHERE_LEAK_SANITIZER 1
#endif
#endif

#ifdef TORCHERE_LEAK_SANITIZER
#include <sanitizer/lsan_interface.h>
#endif

namespace torchere {

// What this thread allocates while one lives may leak: for what LibTorch itself
// never gives back.
class IgnoreLeaks {
 public:
  IgnoreLeaks() { Disable(); }
  ~IgnoreLeaks() { Enable(); }
  IgnoreLeaks(const IgnoreLeaks&) = delete;
  IgnoreLeaks& operator=(const IgnoreLeaks&) = delete;

 private:
#ifdef TORCHERE_LEAK_SANITIZER
  static void Disable() { __lsan_disable(); }
  static void Enable() { __lsan_enable(); }
#else
  static void Disable() {}
  static void Enable() {}
#endif
};

}  // namespace torchere
