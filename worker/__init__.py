# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs in the container: it turns a job in S3 into frames and a video, and says how it went."""
