#!/bin/sh
# An example of a plug-in: what lies in the trash. Copied into `health-plugins` beside the database and made executable, it adds the
# function Disk_trash to the worker Disk. What it writes is one JSON object, or a list of them; numbers are charted.
trash="${XDG_DATA_HOME:-$HOME/.local/share}/Trash/files"
[ -d "$trash" ] || { echo '{ "not_offered": "there is no trash" }'; exit 0; }
kilobytes=$(du -sk "$trash" | cut -f1)
entries=$(find "$trash" -mindepth 1 -maxdepth 1 | wc -l)
printf '{ "bytes": %d, "entries": %d }\n' "$((kilobytes * 1024))" "$entries"
