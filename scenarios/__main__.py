"""python -m scenarios: an order told hop by hop, scenarios, their comparison, what each lock costs."""

import gc
import signal
import sys

if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # while we load there is nothing to clear up, and nothing to say
    gc.disable()  # nor is anything garbage, and looking for some would take a sixth of the time
    from scenarios.cli import main

    gc.freeze()
    gc.enable()
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
