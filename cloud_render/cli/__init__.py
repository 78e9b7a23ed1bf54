# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `cloud-render`: only words and progress bars; what happens is decided in `cloud_render.client`."""
