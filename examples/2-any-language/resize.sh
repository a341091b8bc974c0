#!/bin/sh
# The same in shell: read the body, do the work, end with a status.
set -eu
body=$(cat)
echo "resized $body (attempt $SLUICE_ATTEMPT)"
