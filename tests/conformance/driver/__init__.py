# SPDX-License-Identifier: Apache-2.0
"""Starts the server, runs each language's runner and collects what they answer."""
