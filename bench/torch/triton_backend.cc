// SPDX-License-Identifier: Apache-2.0
// The least TorchScript backend for Triton: what Triton's front end and scheduler cost around
// LibTorch itself. One float32 input, one float32 output named OUTPUT__0; no statistics.

#include <ATen/Parallel.h>
#include <torch/script.h>

#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <vector>

// The part of Triton's C interface (1.19) that is called here; the server has these functions.
extern "C" {
struct TRITONSERVER_Error;
struct TRITONBACKEND_Model;
struct TRITONBACKEND_ModelInstance;
struct TRITONBACKEND_Request;
struct TRITONBACKEND_Response;
struct TRITONBACKEND_Input;
struct TRITONBACKEND_Output;
using Error = TRITONSERVER_Error;

Error* TRITONSERVER_ErrorNew(int code, const char* message);
Error* TRITONBACKEND_ModelRepository(TRITONBACKEND_Model*, int* artifact, const char** location);
Error* TRITONBACKEND_ModelInstanceModel(TRITONBACKEND_ModelInstance*, TRITONBACKEND_Model**);
Error* TRITONBACKEND_ModelInstanceState(TRITONBACKEND_ModelInstance*, void**);
Error* TRITONBACKEND_ModelInstanceSetState(TRITONBACKEND_ModelInstance*, void*);
Error* TRITONBACKEND_RequestInputByIndex(TRITONBACKEND_Request*, uint32_t, TRITONBACKEND_Input**);
Error* TRITONBACKEND_RequestRelease(TRITONBACKEND_Request*, uint32_t flags);
Error* TRITONBACKEND_InputProperties(TRITONBACKEND_Input*, const char** name, int* type,
                                     const int64_t** shape, uint32_t* dims, uint64_t* bytes,
                                     uint32_t* buffers);
Error* TRITONBACKEND_InputBuffer(TRITONBACKEND_Input*, uint32_t, const void** data, uint64_t* bytes,
                                 int* memory, int64_t* memory_id);
Error* TRITONBACKEND_ResponseNew(TRITONBACKEND_Response**, TRITONBACKEND_Request*);
Error* TRITONBACKEND_ResponseOutput(TRITONBACKEND_Response*, TRITONBACKEND_Output**,
                                    const char* name, int type, const int64_t* shape,
                                    uint32_t dims);
Error* TRITONBACKEND_ResponseSend(TRITONBACKEND_Response*, uint32_t flags, Error*);
Error* TRITONBACKEND_OutputBuffer(TRITONBACKEND_Output*, void** data, uint64_t bytes, int* memory,
                                  int64_t* memory_id);
}

namespace {

// As Triton numbers them.
constexpr int kInternal = 1;
constexpr int kFloat32 = 11;
constexpr uint32_t kReleaseAll = 1;
constexpr uint32_t kFinal = 1;

// The input of one request: Triton's own memory where it is in one piece.
at::Tensor InputOf(TRITONBACKEND_Request* request) {
  TRITONBACKEND_Input* input = nullptr;
  const char* name = nullptr;
  const int64_t* shape = nullptr;
  const void* data = nullptr;
  uint64_t bytes = 0;
  uint32_t dims = 0;
  uint32_t buffers = 0;
  int type = 0;
  int memory = 0;
  int64_t memory_id = 0;
  TRITONBACKEND_RequestInputByIndex(request, 0, &input);
  TRITONBACKEND_InputProperties(input, &name, &type, &shape, &dims, &bytes, &buffers);
  TRITONBACKEND_InputBuffer(input, 0, &data, &bytes, &memory, &memory_id);
  const at::IntArrayRef sizes(shape, dims);
  if (buffers == 1) return at::from_blob(const_cast<void*>(data), sizes, at::kFloat);
  at::Tensor whole = at::empty(sizes, at::kFloat);
  auto* out = static_cast<char*>(whole.data_ptr());
  for (uint32_t i = 0; i < buffers; ++i) {
    TRITONBACKEND_InputBuffer(input, i, &data, &bytes, &memory, &memory_id);
    std::memcpy(out, data, bytes);
    out += bytes;
  }
  return whole;
}

at::Tensor Gather(TRITONBACKEND_Request** requests, uint32_t count) {
  if (count == 1) return InputOf(requests[0]);
  std::vector<at::Tensor> parts;
  for (uint32_t i = 0; i < count; ++i) parts.push_back(InputOf(requests[i]));
  return at::cat(parts);
}

void Answer(TRITONBACKEND_Request* request, const at::Tensor& result) {
  TRITONBACKEND_Response* response = nullptr;
  TRITONBACKEND_Output* output = nullptr;
  void* data = nullptr;
  int memory = 0;
  int64_t memory_id = 0;
  TRITONBACKEND_ResponseNew(&response, request);
  TRITONBACKEND_ResponseOutput(response, &output, "OUTPUT__0", kFloat32, result.sizes().data(),
                               static_cast<uint32_t>(result.dim()));
  TRITONBACKEND_OutputBuffer(output, &data, result.nbytes(), &memory, &memory_id);
  std::memcpy(data, result.data_ptr(), result.nbytes());
  TRITONBACKEND_ResponseSend(response, kFinal, nullptr);
  TRITONBACKEND_RequestRelease(request, kReleaseAll);
}

void Fail(TRITONBACKEND_Request* request, const std::string& why) {
  TRITONBACKEND_Response* response = nullptr;
  TRITONBACKEND_ResponseNew(&response, request);
  TRITONBACKEND_ResponseSend(response, kFinal, TRITONSERVER_ErrorNew(kInternal, why.c_str()));
  TRITONBACKEND_RequestRelease(request, kReleaseAll);
}

}  // namespace

extern "C" {

Error* TRITONBACKEND_ModelInstanceInitialize(TRITONBACKEND_ModelInstance* instance) {
  TRITONBACKEND_Model* model = nullptr;
  int artifact = 0;
  const char* location = nullptr;
  TRITONBACKEND_ModelInstanceModel(instance, &model);
  TRITONBACKEND_ModelRepository(model, &artifact, &location);
  at::set_num_threads(1);
  try {
    auto module = std::make_unique<torch::jit::Module>(
        torch::jit::load(std::string(location) + "/1/model.pt"));
    module->eval();
    *module = torch::jit::freeze(*module);
    TRITONBACKEND_ModelInstanceSetState(instance, module.release());
  } catch (const std::exception& error) {
    return TRITONSERVER_ErrorNew(kInternal, error.what());
  }
  return nullptr;
}

Error* TRITONBACKEND_ModelInstanceFinalize(TRITONBACKEND_ModelInstance* instance) {
  void* module = nullptr;
  TRITONBACKEND_ModelInstanceState(instance, &module);
  delete static_cast<torch::jit::Module*>(module);
  return nullptr;
}

Error* TRITONBACKEND_ModelInstanceExecute(TRITONBACKEND_ModelInstance* instance,
                                          TRITONBACKEND_Request** requests, uint32_t count) {
  void* module = nullptr;
  TRITONBACKEND_ModelInstanceState(instance, &module);
  const c10::InferenceMode inference;
  at::Tensor result;
  try {
    result = static_cast<torch::jit::Module*>(module)
                 ->forward({Gather(requests, count)})
                 .toTensor()
                 .contiguous();
  } catch (const std::exception& error) {
    for (uint32_t i = 0; i < count; ++i) Fail(requests[i], error.what());
    return nullptr;
  }
  // Each request has one row.
  for (uint32_t i = 0; i < count; ++i) Answer(requests[i], result.narrow(0, i, 1));
  return nullptr;
}

}  // extern "C"
