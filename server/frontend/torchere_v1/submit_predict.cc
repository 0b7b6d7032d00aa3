// SPDX-License-Identifier: Apache-2.0
#include "server/frontend/torchere_v1/submit_predict.h"

#include <utility>

#include "server/frontend/torchere_v1/codec.h"

namespace torchere {

void SubmitPredict(Pipeline& pipeline, const Bytes& message, const Context& context, Ticket ticket,
                   Reply reply) {
  absl::StatusOr<Request> request = DecodePredict(message);
  if (!request.ok()) return reply.Send(request.status());
  const absl::Status room = ticket.Resize(DecodedBytes(message, *request));
  if (!room.ok()) return reply.Send(room);
  request->context = context;
  request->ticket = std::move(ticket);
  request->reply = std::move(reply);
  pipeline.Submit(*std::move(request));
}

}  // namespace torchere
