# SPDX-License-Identifier: GPL-3.0-or-later
"""The acts, in their order; each goes on with what the one before it left on the artist's disk and in the cloud."""

from stage import Act

ACTS = (
    Act("install", opens_scene=False),
    Act("test_frames", limit_s=400),
    Act("render", limit_s=400),
    Act("come_back"),
    Act("again", limit_s=400),
    Act("by_hand", hands="xdotool", limit_s=300),
)
