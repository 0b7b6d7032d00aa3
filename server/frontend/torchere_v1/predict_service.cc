// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/torchere_v1/predict_service.h"

#include <memory>
#include <utility>

#include "server/frontend/torchere_v1/codec.h"
#include "server/frontend/torchere_v1/predict_stream.h"
#include "server/frontend/torchere_v1/submit_predict.h"

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
    // Deleted by its Answer, which the Reply calls whatever happens.
    Reply reply(*new PredictReply(std::move(incoming.call)));
    SubmitPredict(pipeline_, incoming.message, incoming.context, std::move(incoming.ticket),
                  std::move(reply));
  }

 private:
  Pipeline& pipeline_;
};

class PredictStreamMethod : public Method {
 public:
  PredictStreamMethod(Pipeline& pipeline, Gate& gate, Gate& stream_gate)
      : Method(stream_gate), pipeline_(pipeline), gate_(gate) {}

  bool reads_messages() const override { return true; }

  void Start(Incoming incoming) override {
    PredictStream::Begin(pipeline_, gate_, std::move(incoming));
  }

 private:
  Pipeline& pipeline_;
  Gate& gate_;
};

}  // namespace

void AddPredictService(Pipeline& pipeline, Gate& gate, Gate& stream_gate, MethodTable& methods) {
  methods["/torchere.v1.PredictService/Predict"] = std::make_unique<PredictMethod>(pipeline, gate);
  methods["/torchere.v1.PredictService/PredictStream"] =
      std::make_unique<PredictStreamMethod>(pipeline, gate, stream_gate);
}

}  // namespace torchere
