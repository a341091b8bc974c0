"""Works one job: the body comes on standard input, the exit status is the outcome."""

import json
import os
import sys

DATA_ERROR = 65  # to the dead-letter queue: trying again cannot help
TRY_AGAIN = 75  # any other status than 0 and 65 does the same

job = json.load(sys.stdin)
attempt = os.environ["SLUICE_ATTEMPT"]

if job["width"] <= 0:
    print(f"width must be more than 0; got {job['width']}", file=sys.stderr)
    sys.exit(DATA_ERROR)

if job.get("busy") and attempt == "1":
    print("the image service is busy", file=sys.stderr)
    sys.exit(TRY_AGAIN)

print(f"resized {job['id']} to {job['width']} (attempt {attempt})", flush=True)
