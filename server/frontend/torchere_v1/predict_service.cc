// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/torchere_v1/predict_service.h"

#include <memory>
#include <utility>

#include "server/frontend/torchere_v1/codec.h"

namespace torchere {
namespace {

// Ends the call with what the pipeline answers, then itself.
class PredictReply final : public ReplyTo {
 public:
  explicit PredictReply(CallRef call) : call_(std::move(call)) {}

  void Answer(absl::StatusOr<Response> answer) override {
    const std::unique_ptr<PredictReply> self(this);
    if (!answer.ok()) return call_.Finish(answer.status());
    const Bytes bytes = EncodePredict(*answer);
    call_.Finish(bytes, std::move(answer->model_ref), std::move(answer->ticket));
  }

  bool abandoned() const override { return call_.ended(); }

 private:
  CallRef call_;
};

class PredictMethod : public Method {
 public:
  PredictMethod(Pipeline& pipeline, Gate& gate) : Method(gate), pipeline_(pipeline) {}

  void Start(Incoming incoming) override {
    absl::StatusOr<Request> request = DecodePredict(incoming.message);
    if (!request.ok()) return incoming.call.Finish(request.status());
    const absl::Status room = incoming.ticket.Resize(DecodedBytes(incoming.message, *request));
    if (!room.ok()) return incoming.call.Finish(room);
    request->context = std::move(incoming.context);
    request->ticket = std::move(incoming.ticket);
    // Deleted by its Answer, which the Reply calls whatever happens.
    request->reply = Reply(*new PredictReply(std::move(incoming.call)));
    pipeline_.Submit(*std::move(request));
  }

 private:
  Pipeline& pipeline_;
};

}  // namespace

void AddPredictService(Pipeline& pipeline, Gate& gate, MethodTable& methods) {
  methods["/torchere.v1.PredictService/Predict"] = std::make_unique<PredictMethod>(pipeline, gate);
}

}  // namespace torchere
