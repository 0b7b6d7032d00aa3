// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace torchere {

// Sends what gRPC and protobuf log to the server's own log, in its form. Before
// either is used.
void RedirectLibraryLogs();

}  // namespace torchere
