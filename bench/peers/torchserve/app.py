# SPDX-License-Identifier: Apache-2.0
"""TorchServe's handler: `data` has a dict for each request of the batch."""

import os

from served import Model


class Handler:
    def initialize(self, context):
        folder = context.system_properties["model_dir"]
        self.model = Model(os.path.join(folder, context.manifest["model"]["serializedFile"]))

    def handle(self, data, context):
        return self.model.many([bytes(each.get("data") or each.get("body")) for each in data])
