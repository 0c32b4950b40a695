"""What must be set before any test module is imported."""

import os

# Triton decides at its import whether kernels run in its interpreter; any library may import it.
os.environ.setdefault("TRITON_INTERPRET", "1")
