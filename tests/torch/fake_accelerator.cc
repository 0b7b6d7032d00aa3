// SPDX-License-Identifier: Apache-2.0
#include "tests/torch/fake_accelerator.h"

#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/view_native.h>
#include <c10/core/Allocator.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 9
#include <c10/core/CachingDeviceAllocator.h>
#endif

namespace torchere::fake_accelerator {
namespace {

constexpr int kDevices = 2;
constexpr size_t kNoLimit = std::numeric_limits<size_t>::max();
constexpr int kEmpty = 0xFF;

// What one stream was given and has not done.
struct Job {
  std::function<void()> run;
  // Of an event; else 0.
  int64_t event = 0;
};

int64_t LastEvent() {
  const char* const events = std::getenv("FAKE_ACCELERATOR_EVENTS");
  return events == nullptr ? std::numeric_limits<int64_t>::max() : std::atoll(events);
}

// A recursive mutex: copies by LibTorch inside a job may come back here.
class Engine {
 public:
  void Note(const std::string& entry) {
    const std::lock_guard lock(mutex_);
    diary_.push_back(entry);
  }

  std::vector<std::string> diary() const {
    const std::lock_guard lock(mutex_);
    return diary_;
  }

  void Reset() {
    const std::lock_guard lock(mutex_);
    diary_.clear();
    limit_ = kNoLimit;
    broken_ = false;
  }

  void Limit(size_t bytes) {
    const std::lock_guard lock(mutex_);
    limit_ = bytes;
  }

  void CheckAllocation(size_t bytes) const {
    const std::lock_guard lock(mutex_);
    TORCH_CHECK_WITH(OutOfMemoryError, bytes < limit_, "fake out of memory. Tried to allocate ",
                     bytes, " bytes");
  }

  void Break() {
    const std::lock_guard lock(mutex_);
    broken_ = true;
  }

  void CheckBroken() const {
    const std::lock_guard lock(mutex_);
    TORCH_CHECK(!broken_, "FAKE error: device-side assert triggered");
  }

  c10::StreamId TakeStream() {
    const std::lock_guard lock(mutex_);
    return ++streams_taken_;
  }

  void Give(c10::StreamId stream, const std::string& name, std::function<void()> run) {
    const std::lock_guard lock(mutex_);
    diary_.push_back(absl::StrCat("s", stream, " ", name));
    waiting_[stream].push_back({std::move(run)});
  }

  int64_t Record(c10::StreamId stream) {
    const std::lock_guard lock(mutex_);
    const int64_t event = ++events_;
    diary_.push_back(absl::StrCat("s", stream, " event ", event));
    waiting_[stream].push_back({nullptr, event});
    stream_of_[event] = stream;
    return event;
  }

  bool HasPassed(int64_t event) const {
    const std::lock_guard lock(mutex_);
    return passed_.count(event) > 0;
  }

  // Does what the event's stream was given before it.
  void WaitFor(int64_t event) {
    const std::lock_guard lock(mutex_);
    if (event >= last_event_) broken_ = true;
    CheckBroken();
    diary_.push_back(absl::StrCat("wait event ", event));
    while (!HasPassed(event)) DoOne(stream_of_.at(event));
  }

  void Drain(c10::StreamId stream) {
    const std::lock_guard lock(mutex_);
    CheckBroken();
    while (!waiting_[stream].empty()) DoOne(stream);
  }

 private:
  void DoOne(c10::StreamId stream) {
    const Job job = std::move(waiting_[stream].front());
    waiting_[stream].pop_front();
    if (job.event == 0) return job.run();
    passed_.insert(job.event);
    diary_.push_back(absl::StrCat("s", stream, " event ", job.event, " passed"));
  }

  mutable std::recursive_mutex mutex_;
  std::vector<std::string> diary_;
  std::map<c10::StreamId, std::deque<Job>> waiting_;
  std::map<int64_t, c10::StreamId> stream_of_;
  std::set<int64_t> passed_;
  c10::StreamId streams_taken_ = 0;
  int64_t events_ = 0;
  int64_t last_event_ = LastEvent();
  size_t limit_ = kNoLimit;
  bool broken_ = false;
};

// Never ended: LibTorch's own statics may outlive it.
Engine& TheEngine() {
  static auto* const engine = new Engine;
  return *engine;
}

thread_local c10::DeviceIndex current_device = 0;
thread_local std::map<c10::DeviceIndex, c10::StreamId> current_streams;
// Inside an operation, whose own copies are not the caller's.
thread_local bool in_operation = false;

c10::StreamId CurrentStream() { return current_streams[current_device]; }

class Guard final : public c10::impl::DeviceGuardImplInterface {
 public:
  c10::DeviceType type() const override { return kType; }
  c10::Device exchangeDevice(c10::Device device) const override {
    return {kType, std::exchange(current_device, device.index())};
  }
  c10::Device getDevice() const override { return {kType, current_device}; }
  void setDevice(c10::Device device) const override { current_device = device.index(); }
  void uncheckedSetDevice(c10::Device device) const noexcept override {
    current_device = device.index();
  }
  c10::Stream getStream(c10::Device device) const noexcept override {
    return c10::Stream(c10::Stream::UNSAFE, device, current_streams[device.index()]);
  }
  c10::Stream getStreamFromGlobalPool(c10::Device device, bool /*high*/) const override {
    return c10::Stream(c10::Stream::UNSAFE, device, TheEngine().TakeStream());
  }
  c10::Stream exchangeStream(c10::Stream stream) const noexcept override {
    c10::StreamId& current = current_streams[stream.device_index()];
    return c10::Stream(c10::Stream::UNSAFE, stream.device(), std::exchange(current, stream.id()));
  }
  c10::DeviceIndex deviceCount() const noexcept override { return kDevices; }

  void record(void** event, const c10::Stream& stream, const c10::DeviceIndex /*index*/,
              const c10::EventFlag /*flag*/) const override {
    *event = reinterpret_cast<void*>(TheEngine().Record(stream.id()));
  }
  void block(void* event, const c10::Stream& stream) const override {
    TheEngine().Give(stream.id(), "block",
                     [event] { TheEngine().WaitFor(reinterpret_cast<int64_t>(event)); });
  }
  bool queryEvent(void* event) const override {
    return TheEngine().HasPassed(reinterpret_cast<int64_t>(event));
  }
  void synchronizeEvent(void* event) const override {
    TheEngine().WaitFor(reinterpret_cast<int64_t>(event));
  }
  void synchronizeStream(const c10::Stream& stream) const override {
    TheEngine().Drain(stream.id());
  }
};

#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 9
using DeviceAllocator = c10::DeviceAllocator;
#else
using DeviceAllocator = c10::Allocator;
#endif

void Free(void* memory) { std::free(memory); }

void* EmptyMemory(size_t bytes) {
  void* memory = std::malloc(std::max<size_t>(bytes, 1));
  std::memset(memory, kEmpty, bytes);
  return memory;
}

class Allocator final : public DeviceAllocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    TheEngine().CheckBroken();
    TheEngine().CheckAllocation(bytes);
    void* memory = EmptyMemory(bytes);
    return {memory, memory, &Free, c10::Device(kType, current_device)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &Free; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }

#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 9
  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t /*pool*/) override { TheEngine().Note("empty cache"); }
  void recordStream(const c10::DataPtr& /*pointer*/, c10::Stream /*stream*/) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex /*device*/) override {
    return {};
  }
  void resetAccumulatedStats(c10::DeviceIndex /*device*/) override {}
  void resetPeakStats(c10::DeviceIndex /*device*/) override {}
#endif
};

// Host memory that the device reads and writes by itself.
class PinnedAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* memory = EmptyMemory(bytes);
    return {memory, memory, &Free, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &Free; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }
};

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex /*index*/) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return kDevices; }
  c10::Allocator* getPinnedMemoryAllocator() const override {
    static PinnedAllocator allocator;
    return &allocator;
  }
};

// The same memory as a tensor of the CPU's.
at::Tensor InMemory(const at::Tensor& tensor) {
  return at::from_blob(tensor.data_ptr(), tensor.sizes(), tensor.strides(),
                       at::TensorOptions(tensor.scalar_type()));
}

at::Tensor CopyFrom(const at::Tensor& from, const at::Tensor& to, bool non_blocking) {
  TheEngine().CheckBroken();
  if (in_operation) {
    InMemory(to).copy_(InMemory(from));
    return to;
  }
  const c10::StreamId stream = CurrentStream();
  const char* const name = from.is_cpu() ? "in" : to.is_cpu() ? "out" : "copy";
  // Both are kept until then, as LibTorch's allocators keep memory that is in use.
  TheEngine().Give(stream, absl::StrCat(name, non_blocking ? "" : " and wait"),
                   [from, to] { InMemory(to).copy_(InMemory(from)); });
  if (!non_blocking) TheEngine().Drain(stream);
  return to;
}

at::Tensor Empty(c10::IntArrayRef sizes, std::optional<at::ScalarType> type,
                 std::optional<at::Layout> /*layout*/, std::optional<at::Device> device,
                 std::optional<bool> /*pinned*/, std::optional<at::MemoryFormat> /*format*/) {
  const c10::OptionalDeviceGuard guard(device);
  const auto meta =
      at::empty(sizes, at::TensorOptions(type.value_or(at::kFloat)).device(c10::DeviceType::Meta));
  auto storage = c10::make_intrusive<c10::StorageImpl>(
      c10::StorageImpl::use_byte_size_t(), meta.nbytes(), c10::GetAllocator(kType), true);
  at::Tensor tensor = at::detail::make_tensor<c10::TensorImpl>(
      std::move(storage), c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), meta.dtype());
  tensor.unsafeGetTensorImpl()->set_sizes_contiguous(sizes);
  return tensor;
}

at::Tensor EmptyStrided(c10::IntArrayRef sizes, c10::IntArrayRef strides,
                        std::optional<at::ScalarType> type, std::optional<at::Layout> layout,
                        std::optional<at::Device> device, std::optional<bool> pinned) {
  int64_t items = 1;
  for (size_t i = 0; i < sizes.size(); ++i) {
    items = sizes[i] == 0 ? 0 : items + (items > 0 ? (sizes[i] - 1) * strides[i] : 0);
  }
  at::Tensor tensor = Empty({items}, type, layout, device, pinned, std::nullopt);
  tensor.unsafeGetTensorImpl()->set_sizes_and_strides(sizes, strides);
  return tensor;
}

const at::Tensor& Resize(const at::Tensor& tensor, c10::IntArrayRef sizes,
                         std::optional<at::MemoryFormat> /*format*/) {
  if (tensor.sizes() == sizes) return tensor;
  const at::Tensor fresh = Empty(sizes, tensor.scalar_type(), {}, tensor.device(), {}, {});
  tensor.unsafeGetTensorImpl()->set_storage_keep_dtype(fresh.storage());
  tensor.unsafeGetTensorImpl()->set_sizes_contiguous(sizes);
  return tensor;
}

at::Tensor CopyFromAndResize(const at::Tensor& from, const at::Tensor& to) {
  to.resize_(from.sizes());
  return CopyFrom(from, to, false);
}

// Any other operation: on the CPU, behind what the stream was given.
void OnCpu(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  TheEngine().CheckBroken();
  TheEngine().Note(absl::StrCat("s", CurrentStream(), " ", c10::toString(op.operator_name())));
  TheEngine().Drain(CurrentStream());
  const bool outer = std::exchange(in_operation, true);
  try {
    at::native::cpu_fallback(op, stack);
  } catch (...) {
    in_operation = outer;
    throw;
  }
  in_operation = outer;
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("empty.memory_format", &Empty);
  library.impl("empty_strided", &EmptyStrided);
  library.impl("resize_", &Resize);
  library.impl("_copy_from", &CopyFrom);
  library.impl("_copy_from_and_resize", &CopyFromAndResize);
  library.impl("as_strided", &at::native::as_strided_tensorimpl);
  library.impl("view", &at::native::view);
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&OnCpu>());
}

C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard);

const bool kRegistered = [] {
  static Allocator allocator;
  static Hooks hooks;
  c10::SetAllocator(kType, &allocator);
  at::RegisterPrivateUse1HooksInterface(&hooks);
  c10::register_privateuse1_backend("fake");
  return true;
}();

}  // namespace

void Reset() { TheEngine().Reset(); }
std::vector<std::string> Diary() { return TheEngine().diary(); }
void LimitAllocations(size_t bytes) { TheEngine().Limit(bytes); }
void Break() { TheEngine().Break(); }

}  // namespace torchere::fake_accelerator
