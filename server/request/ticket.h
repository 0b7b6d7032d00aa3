// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>

#include "absl/status/status.h"

namespace torchere {

// Who gives tickets out and takes them back. Thread-safe.
class TicketOffice {
 public:
  virtual ~TicketOffice() = default;

  // Counts `to` bytes in the place of `from`.
  //
  //   RESOURCE_EXHAUSTED  there is no room for them now (SERVER_FULL) or ever
  //                       (MESSAGE_TOO_LARGE): nothing has changed
  virtual absl::Status Exchange(int64_t from, int64_t to) = 0;

  // Takes back one request of `bytes`.
  virtual void Return(int64_t bytes) = 0;
};

// The right to be in the server: one request of so many bytes. Ending it gives
// the place back. The office must outlive it.
class Ticket {
 public:
  Ticket() = default;
  Ticket(TicketOffice& office, int64_t bytes) : office_(&office), bytes_(bytes) {}
  Ticket(Ticket&& other) noexcept
      : office_(std::exchange(other.office_, nullptr)), bytes_(other.bytes_) {}
  Ticket& operator=(Ticket&& other) noexcept {
    if (this != &other) {
      GiveBack();
      office_ = std::exchange(other.office_, nullptr);
      bytes_ = other.bytes_;
    }
    return *this;
  }
  ~Ticket() { GiveBack(); }

  // Makes it one for `bytes`; on RESOURCE_EXHAUSTED it stays what it was.
  absl::Status Resize(int64_t bytes) {
    if (office_ == nullptr) return absl::OkStatus();
    absl::Status status = office_->Exchange(bytes_, bytes);
    if (status.ok()) bytes_ = bytes;
    return status;
  }

  int64_t bytes() const { return bytes_; }

 private:
  void GiveBack() {
    if (office_ != nullptr) office_->Return(bytes_);
  }

  TicketOffice* office_ = nullptr;
  int64_t bytes_ = 0;
};

}  // namespace torchere
