"""What holds for every test: it reaches no AWS account, and generated examples have time to shrink."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Tests speak to moto or to nothing. Whatever credentials the developer's shell holds, they are not for tests.
os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_SESSION_TOKEN="testing",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_EC2_METADATA_DISABLED="true",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
)
os.environ.pop("AWS_PROFILE", None)

# Neither a deadline nor a wish for speed: a shared machine's pauses are not the code's. `make test` tries the same examples
# each time, so that it fails where something was changed and not on some other day; `make fuzz` looks further, and
# elsewhere every time.
_ANY_MACHINE = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("test", _ANY_MACHINE, derandomize=True)
settings.register_profile("fuzz", _ANY_MACHINE, max_examples=3000)
settings.load_profile("fuzz" if os.environ.get("FOOTPATH_FUZZ") else "test")
