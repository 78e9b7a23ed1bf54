#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# One screen and one Blender on it. The first process in its process namespace: when it ends, everything ends.
# $1: a file that gets the number of the display; the rest: Blender's command line.
display=$1
shift
rm -f "$display"
Xvfb -displayfd 3 -screen 0 1600x1000x24 +extension GLX -noreset 3>"$display" >/dev/null 2>&1 &
until [ -s "$display" ]; do kill -0 $! || exit 1; sleep 0.1; done
DISPLAY=:$(cat "$display")
export DISPLAY
"$@"
