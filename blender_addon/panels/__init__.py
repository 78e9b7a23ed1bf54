# SPDX-License-Identifier: GPL-3.0-or-later
"""What is drawn: pure functions of the model and the scene's settings."""
