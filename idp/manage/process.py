"""How the door opens beside the server, and ends with it.

It is a child of the server's first process, which binds its port: a port that is taken is told before anything serves.
The two share a pipe on which nothing is ever said.  When the last to hold its other end is gone, however that ended
(SIGKILL too), the kernel closes it, and the door ends.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

from werkzeug.serving import WSGIRequestHandler, make_server

from idp.manage.levers import ManagedProvider
from idp.settings import Settings
from services.logs import JsonLines


class Handler(WSGIRequestHandler):
    """Requests without a line each in the log: it is for what goes wrong."""

    def log(self, type: str, message: str, *args: object) -> None:
        """Say it as everything else in this log is said."""
        if type != "info":
            logging.getLogger(__name__).warning(message, *args)


def start(settings: Settings) -> Callable[[], None]:
    """Open the door in a child process; returns how a worker lets go of it.

    A worker is to call that first thing: it has inherited our end of the pipe, and must not keep the door open.
    """
    assert settings.manage_port is not None
    listener = socket.create_server((settings.manage_host, settings.manage_port))
    theirs, ours = os.pipe()
    if os.fork() == 0:
        os.close(ours)
        _serve(settings, listener, theirs)
    listener.close()
    os.close(theirs)
    return lambda: os.close(ours)


def _serve(settings: Settings, listener: socket.socket, pipe: int) -> NoReturn:
    """Serve until the pipe closes; whatever happens, never return into what was forked."""
    try:
        from idp.manage import door, people  # here, so that the server need not wait for it

        threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(JsonLines("idp.manage"))
        logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
        host, port = listener.getsockname()
        people.remember(settings)
        app = door.create_door(ManagedProvider(settings))
        make_server(host, port, app, threaded=True, request_handler=Handler, fd=listener.fileno()).serve_forever()
    except BaseException:
        logging.getLogger(__name__).exception("the management door fell shut")
    finally:
        os._exit(1)


def _end_with(pipe: int) -> None:
    os.read(pipe, 1)  # returns when nobody is left at the other end
    os._exit(0)
