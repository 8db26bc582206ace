"""What holds for all tests."""

import signal

# A shell that runs the tests in the background lets them ignore SIGINT, and every program that a test starts
# would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
